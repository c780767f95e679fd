/** What can be written, as `node:fs` has it. */
export type WriteData =
  | string
  | ArrayBufferView
  | AsyncIterable<string | ArrayBufferView>
  | Iterable<string | ArrayBufferView>;

/** The bytes of what is to be written, part by part. */
export async function* dataBytes(
  data: WriteData,
  encoding: BufferEncoding | null | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (typeof data === "string" || ArrayBuffer.isView(data)) {
    yield partBytes(data, encoding);
    return;
  }
  for await (const part of data) yield partBytes(part, encoding);
}

/** The bytes of one part. */
export function partBytes(
  part: string | ArrayBufferView,
  encoding: BufferEncoding | null | undefined,
): Uint8Array {
  if (typeof part === "string") return Buffer.from(part, encoding ?? "utf8");
  if (part instanceof Uint8Array) return part;
  return new Uint8Array(part.buffer, part.byteOffset, part.byteLength);
}

/** Bytes as a buffer, or as a string when an encoding is asked for. */
export function encoded(
  bytes: Uint8Array,
  options:
    | BufferEncoding
    | { readonly encoding?: BufferEncoding | null | undefined }
    | null
    | undefined,
): Buffer | string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const encoding = typeof options === "string" ? options : options?.encoding;
  return encoding === null || encoding === undefined ? buffer : buffer.toString(encoding);
}
