import { createHmac, createSecretKey, type KeyObject } from "node:crypto";
import type { Credential } from "./credential.ts";

interface KnownKey {
  readonly secretKey: string;
  readonly signingKey: KeyObject;
}

const KEYS_MAX = 1024;

/** The keys that signatures of a day and a region are made with; those that were used last are kept. */
export class SigningKeys {
  readonly #known = new Map<string, KnownKey>();

  keyOf(credential: Credential, secretKey: string): KeyObject {
    const { accessKeyId, day, region } = credential;
    const name = `${accessKeyId}/${day}/${region}`;
    const known = this.#known.get(name);
    // A key may have been made anew, with another secret.
    if (known?.secretKey === secretKey) return known.signingKey;
    const signingKey = derive(credential, secretKey);
    this.#known.delete(name);
    this.#known.set(name, { secretKey, signingKey });
    if (this.#known.size > KEYS_MAX) {
      const oldest = this.#known.keys().next();
      if (oldest.done !== true) this.#known.delete(oldest.value);
    }
    return signingKey;
  }
}

function derive({ day, region }: Credential, secretKey: string): KeyObject {
  let key: Buffer = Buffer.from(`AWS4${secretKey}`);
  for (const part of [day, region, "s3", "aws4_request"]) {
    key = createHmac("sha256", key).update(part).digest();
  }
  return createSecretKey(key);
}
