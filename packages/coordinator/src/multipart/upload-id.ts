import { CairnError } from "@cairnfs/base/errors";
import { KeyReader, KeyWriter } from "@cairnfs/kv/ordered-key";

/** An upload id: the number of the upload, 8 bytes, by which its parts are kept, and 8 random bytes. It grows with the time. */
export const UPLOAD_ID_BYTES = 16;
export const UPLOAD_SALT_BYTES = 8;

export function uploadIdOf(number: number, salt: Uint8Array): Uint8Array {
  const writer = new KeyWriter();
  writer.u64(number);
  writer.raw(salt);
  return writer.finish();
}

/** The number in an id that `uploadIdOf` made. */
export function uploadNumberOf(id: Uint8Array): number {
  return new KeyReader(id).u64();
}

/** An id from the wire. What can be none is `uploadNotFound`: it is as unknown as any other. */
export function checkUploadId(id: Uint8Array): Uint8Array {
  // A number above the safe integers was never given out.
  const isId = id.byteLength === UPLOAD_ID_BYTES && (id[0] ?? 0) === 0 && (id[1] ?? 0) < 0x20;
  if (isId) return id;
  throw new CairnError("uploadNotFound", `an upload id has ${UPLOAD_ID_BYTES} bytes`);
}
