import { Readable } from "node:stream";
import type { Disk } from "@cairnfs/base/disk";
import { CairnError } from "@cairnfs/base/errors";
import { openLocalFile } from "../local-file.ts";

/** A file of this machine, as something to upload. */
export interface LocalFileSource {
  readonly localFile: string;
}

/**
 * What can be uploaded. Streams and iterables are read once, at the pace of the upload, and are closed when it fails; strings
 * are encoded as UTF-8. Bytes must not change before the upload has ended.
 */
export type UploadSource =
  | string
  | Uint8Array
  | ArrayBuffer
  | Blob
  | Readable
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array | string>
  | Iterable<Uint8Array | string>
  | LocalFileSource;

/** Bytes that can be read anywhere and again. */
export interface RepeatableSource {
  readonly kind: "repeatable";
  readonly sizeBytes: number;
  /**
   * Exactly these bytes; `invalidArgument` when the source has become shorter. In `into`, when they have to be
   * put somewhere; else the caller does not change them.
   */
  read(offsetBytes: number, lengthBytes: number, into?: Buffer): Promise<Uint8Array>;
  /** Whether `read` hands out views of memory that is there anyhow. */
  readonly isInMemory: boolean;
  close(): Promise<void>;
}

/** Bytes that come once, in order. */
export interface OneShotSource {
  readonly kind: "one-shot";
  readonly parts: AsyncIterator<Uint8Array>;
}

export type ByteSource = RepeatableSource | OneShotSource;

/** Makes a source of anything that can be uploaded; `invalidArgument` for what cannot. */
export async function openSource(source: UploadSource, disk: Disk): Promise<ByteSource> {
  if (typeof source === "string") return bytesSource(Buffer.from(source));
  if (source instanceof Uint8Array) return bytesSource(source);
  if (source instanceof ArrayBuffer) return bytesSource(new Uint8Array(source));
  if (source instanceof Blob) return blobSource(source);
  if (source instanceof ReadableStream) return oneShot(source.values());
  if (source instanceof Readable) return oneShot(source[Symbol.asyncIterator]());
  if (typeof source === "object" && source !== null) {
    if (Symbol.asyncIterator in source) return oneShot(source[Symbol.asyncIterator]());
    if (Symbol.iterator in source) return oneShot(fromIterable(source));
    if ("localFile" in source) return fileSource(source.localFile, disk);
  }
  throw new CairnError(
    "invalidArgument",
    `bytes, a string, a blob, a stream, an iterable or { localFile } can be uploaded, not ${typeof source}`,
  );
}

function bytesSource(bytes: Uint8Array): RepeatableSource {
  return {
    kind: "repeatable",
    sizeBytes: bytes.byteLength,
    isInMemory: true,
    read: async (offsetBytes, lengthBytes) =>
      bytes.subarray(offsetBytes, offsetBytes + lengthBytes),
    close: async () => undefined,
  };
}

function blobSource(blob: Blob): RepeatableSource {
  return {
    kind: "repeatable",
    sizeBytes: blob.size,
    isInMemory: false,
    read: async (offsetBytes, lengthBytes) =>
      new Uint8Array(await blob.slice(offsetBytes, offsetBytes + lengthBytes).arrayBuffer()),
    close: async () => undefined,
  };
}

async function fileSource(path: string, disk: Disk): Promise<RepeatableSource> {
  const file = await openLocalFile(disk, path);
  return {
    kind: "repeatable",
    sizeBytes: file.sizeBytes,
    isInMemory: false,
    read: (offsetBytes, lengthBytes, into) => file.readExactly(offsetBytes, lengthBytes, into),
    close: () => file.close(),
  };
}

function oneShot(parts: AsyncIterator<unknown>): OneShotSource {
  return {
    kind: "one-shot",
    parts: {
      next: async () => {
        const next = await parts.next();
        if (next.done === true) return { done: true, value: undefined };
        return { done: false, value: asBytes(next.value) };
      },
      return: async () => {
        await parts.return?.();
        return { done: true, value: undefined };
      },
    },
  };
}

/** Streams of other people may carry anything: what is not bytes must not become a file. */
function asBytes(part: unknown): Uint8Array {
  if (part instanceof Uint8Array) return part;
  if (typeof part === "string") return Buffer.from(part);
  if (part instanceof ArrayBuffer) return new Uint8Array(part);
  throw new CairnError(
    "invalidArgument",
    `an upload's source yields bytes or strings, not ${typeof part}`,
  );
}

async function* fromIterable(parts: Iterable<unknown>): AsyncGenerator<unknown> {
  yield* parts;
}

/**
 * The bytes of a source as often as they are asked for. One that comes once is asked for once; a second time it is refused, since
 * what was read is gone.
 */
export function replay(source: UploadSource, disk: Disk): () => AsyncGenerator<Uint8Array> {
  let isSpent = false;
  return async function* () {
    if (isSpent) {
      throw new CairnError(
        "transactionConflict",
        "the file was changed, and the source cannot be read again",
      );
    }
    const opened = await openSource(source, disk);
    if (opened.kind === "one-shot") {
      isSpent = true;
      yield* { [Symbol.asyncIterator]: () => opened.parts };
      return;
    }
    try {
      for (let at = 0; at < opened.sizeBytes; at += PART_BYTES) {
        yield await opened.read(at, Math.min(PART_BYTES, opened.sizeBytes - at));
      }
    } finally {
      await opened.close();
    }
  };
}

const PART_BYTES = 1024 * 1024;

/** So many zeros. */
export async function* zeros(sizeBytes: number): AsyncGenerator<Uint8Array> {
  const part = new Uint8Array(Math.min(sizeBytes, PART_BYTES));
  for (let at = 0; at < sizeBytes; at += part.byteLength) {
    yield part.subarray(0, Math.min(part.byteLength, sizeBytes - at));
  }
}
