import { createHash, type KeyObject } from "node:crypto";
import { type Credential, scopeOf } from "./credential.ts";
import { EMPTY_SHA256 } from "./payload-hash.ts";
import { checkSignature } from "./signature.ts";
import { hmacHex } from "./signature-v4.ts";

export interface ChunkSignerParts {
  readonly credential: Credential;
  readonly signingKey: KeyObject;
  /** "20261123T062034Z". */
  readonly time: string;
  /** Of the request's head: what the first chunk's signature builds on. */
  readonly signature: string;
}

/** The signatures of a payload's chunks and of its trailers, each of which builds on the one before. */
export class ChunkSigner {
  readonly #parts: ChunkSignerParts;
  #previous: string;

  constructor(parts: ChunkSignerParts) {
    this.#parts = parts;
    this.#previous = parts.signature;
  }

  /** Refuses the next chunk if its signature is wrong; `sha256` is of its bytes, in hexadecimal digits. */
  checkChunk(given: string, sha256: string): void {
    this.#check(given, "AWS4-HMAC-SHA256-PAYLOAD", `${EMPTY_SHA256}\n${sha256}`);
  }

  /** The same for the trailers, as the lines "name:value\n". */
  checkTrailers(given: string, lines: string): void {
    const sha256 = createHash("sha256").update(lines, "latin1").digest("hex");
    this.#check(given, "AWS4-HMAC-SHA256-TRAILER", sha256);
  }

  #check(given: string, algorithm: string, hashes: string): void {
    const { credential, signingKey, time } = this.#parts;
    const scope = scopeOf(credential);
    const stringToSign = `${algorithm}\n${time}\n${scope}\n${this.#previous}\n${hashes}`;
    const expected = hmacHex(signingKey, stringToSign);
    checkSignature(given, expected, { accessKeyId: credential.accessKeyId, stringToSign });
    this.#previous = expected;
  }
}
