import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { S3Error } from "../s3/errors.ts";
import type { RequestHeaders } from "../s3/operation.ts";
import type { CustomerKeyRecord } from "./encryption-record.ts";

const HEADER = "x-amz-server-side-encryption-customer-";
const SOURCE_HEADER = "x-amz-copy-source-server-side-encryption-customer-";
const KEY_BYTES = 32;

/** A key that a client sends with each request and that nobody else keeps. */
export interface CustomerKey {
  readonly key: Uint8Array;
  /** The MD5 of the key in base64, for the reply. */
  readonly keyMd5: string;
}

/** The customer's key of a request, or of the source of its copy; undefined without. */
export function customerKey(headers: RequestHeaders, isOfSource = false): CustomerKey | undefined {
  const prefix = isOfSource ? SOURCE_HEADER : HEADER;
  const algorithm = headers[`${prefix}algorithm`];
  const key = headers[`${prefix}key`];
  const md5 = headers[`${prefix}key-md5`];
  if (algorithm === undefined && key === undefined && md5 === undefined) return undefined;
  if (algorithm === undefined) {
    throw refused(
      "Requests specifying Server Side Encryption with Customer provided keys must provide a valid encryption algorithm.",
    );
  }
  if (algorithm !== "AES256") {
    throw new S3Error("InvalidEncryptionAlgorithmError", {
      message: "The Encryption request you specified is not valid. Supported value: AES256.",
      details: { ArgumentName: `${prefix}algorithm`, ArgumentValue: algorithm },
    });
  }
  if (key === undefined) {
    throw refused(
      "Requests specifying Server Side Encryption with Customer provided keys must provide an appropriate secret key.",
    );
  }
  if (md5 === undefined) {
    throw refused(
      "Requests specifying Server Side Encryption with Customer provided keys must provide the client calculated MD5 of the secret key.",
    );
  }
  return checkedKey(key, md5);
}

function checkedKey(key: string, md5: string): CustomerKey {
  const bytes = Buffer.from(key, "base64");
  if (bytes.byteLength !== KEY_BYTES) {
    throw refused("The secret key was invalid for the specified algorithm.");
  }
  const keyMd5 = createHash("md5").update(bytes).digest("base64");
  if (keyMd5 !== md5.trim()) {
    throw refused("The calculated MD5 hash of the key did not match the hash that was provided.");
  }
  return { key: bytes, keyMd5 };
}

/** The key that one content is encrypted with. */
export function customerContentKey({ key }: CustomerKey, salt: Uint8Array): Uint8Array {
  return createHmac("sha256", key).update("content key").update(salt).digest();
}

/** What is kept to know the customer's key again. */
export function customerRecord({ key }: CustomerKey, salt: Uint8Array): CustomerKeyRecord {
  return { kind: "customer", salt, keyHash: keyHash(key, salt) };
}

/** Whether a content was encrypted with this key. */
export function isCustomerKey({ key }: CustomerKey, record: CustomerKeyRecord): boolean {
  return timingSafeEqual(keyHash(key, record.salt), record.keyHash);
}

/** Refuses, as `AccessDenied`, a key that the content was not encrypted with. */
export function checkCustomerKey(key: CustomerKey, record: CustomerKeyRecord): void {
  if (!isCustomerKey(key, record)) {
    throw new S3Error("AccessDenied", {
      message: "The provided key does not match the key that the object was encrypted with.",
    });
  }
}

/** What replies say of the customer's key. */
export function customerKeyHeaders({ keyMd5 }: CustomerKey): Record<string, string> {
  return { [`${HEADER}algorithm`]: "AES256", [`${HEADER}key-MD5`]: keyMd5 };
}

/** An ETag that tells nothing of the content to who has not got the key, and is the same for the same content and key. */
export function customerEtag({ key }: CustomerKey, md5: Uint8Array): Uint8Array {
  return createHmac("sha256", key).update("etag").update(md5).digest().subarray(0, 16);
}

function keyHash(key: Uint8Array, salt: Uint8Array): Buffer {
  return createHmac("sha256", key).update("key hash").update(salt).digest();
}

function refused(message: string): S3Error {
  return new S3Error("InvalidArgument", { message });
}
