import { S3Error } from "./errors.ts";

const KEY_BYTES_MAX = 1024;

/** Refuses, as `KeyTooLongError`, a key of more than 1,024 bytes. */
export function checkKey(key: string): void {
  const sizeBytes = Buffer.byteLength(key);
  if (sizeBytes <= KEY_BYTES_MAX) return;
  throw new S3Error("KeyTooLongError", {
    details: { Size: String(sizeBytes), MaxSizeAllowed: String(KEY_BYTES_MAX) },
  });
}
