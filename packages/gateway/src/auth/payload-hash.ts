import { createHash } from "node:crypto";
import { S3Error } from "../s3/errors.ts";

/** What x-amz-content-sha256 says in place of a hash. */
export const UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD";
export const SIGNED_CHUNKS = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
export const SIGNED_CHUNKS_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";
export const UNSIGNED_CHUNKS_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";

/** Of no bytes at all. */
export const EMPTY_SHA256: string = createHash("sha256").digest("hex");

const WORDS: readonly string[] = [
  UNSIGNED_PAYLOAD,
  UNSIGNED_CHUNKS_TRAILER,
  SIGNED_CHUNKS,
  SIGNED_CHUNKS_TRAILER,
];
/** Signatures by public keys, which nobody has here. */
const FOREIGN_WORDS: readonly string[] = [
  "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD",
  "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER",
];
const SHA256_HEX = /^[0-9a-f]{64}$/u;

/** The value of x-amz-content-sha256; what it may not say is refused. */
export function checkPayloadHash(given: string): string {
  if (SHA256_HEX.test(given) || WORDS.includes(given)) return given;
  if (FOREIGN_WORDS.includes(given)) throw new S3Error("NotImplemented");
  throw new S3Error("InvalidArgument", {
    message: `x-amz-content-sha256 must be ${[...WORDS, ...FOREIGN_WORDS].join(", ")} or a valid sha256 value.`,
    details: { ArgumentName: "x-amz-content-sha256", ArgumentValue: given },
  });
}
