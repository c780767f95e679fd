import { Readable } from "node:stream";
import type { OpenedFile } from "../download/opened-file.ts";

export interface ReadStreamOptions {
  /** The first byte: 0 unless given. */
  readonly start?: number | undefined;
  /** The last byte, included as in `node:fs`. */
  readonly end?: number | undefined;
  readonly encoding?: BufferEncoding | undefined;
  readonly highWaterMark?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A Node stream of a file's bytes. Destroying it cancels what is under way. Opens when first read. */
export function readStream(
  open: () => Promise<OpenedFile>,
  options: ReadStreamOptions = {},
): Readable {
  return Readable.from(bytes(open, options), {
    objectMode: false,
    ...(options.encoding !== undefined && { encoding: options.encoding }),
    ...(options.highWaterMark !== undefined && { highWaterMark: options.highWaterMark }),
    ...(options.signal !== undefined && { signal: options.signal }),
  });
}

async function* bytes(
  open: () => Promise<OpenedFile>,
  { start = 0, end = Number.POSITIVE_INFINITY, signal }: ReadStreamOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const file = await open();
  if (start >= file.sizeBytes || end < start) return;
  const lengthBytes = Math.min(file.sizeBytes, end + 1) - start;
  yield* file.read({ offsetBytes: start, lengthBytes, signal });
}
