import type { Disk } from "@cairnfs/base/disk";
import { CairnError } from "@cairnfs/base/errors";
import { replay, type UploadSource } from "../upload/source.ts";
import type { PutResult } from "../upload/upload-parts.ts";
import type { OpenedObject, PutObjectOptions } from "./objects.ts";

/** Puts bytes as an object, in whole or at an offset. */
export type WriteObject = (source: UploadSource, options: PutObjectOptions) => Promise<PutResult>;

export interface AppendParts {
  /** Opens the object as it is now. */
  readonly open: () => Promise<OpenedObject>;
  readonly write: WriteObject;
  readonly disk: Disk;
}

export interface AppendOptions extends PutObjectOptions {
  readonly appendAt: number;
}

/** The largest file that any coordinator keeps in the metadata. */
const INLINE_BYTES_MAX = 64 * 1024;

/**
 * Adds to an object. What it has is not moved, unless it is so small that it lives in its inode: then it is put again with what is
 * added, as long as nobody else has put it meanwhile.
 */
export async function appendObject(
  { open, write, disk }: AppendParts,
  source: UploadSource,
  options: AppendOptions,
): Promise<PutResult> {
  const { appendAt, signal } = options;
  if (appendAt === 0 || appendAt > INLINE_BYTES_MAX) return write(source, options);
  const { entry, file } = await open();
  if (entry === undefined || file === undefined || entry.chunkCount > 0) {
    return write(source, options);
  }
  const { inodeId, sizeBytes } = entry;
  if (sizeBytes !== appendAt) {
    throw new CairnError(
      "preconditionFailed",
      `the object has ${sizeBytes} bytes, expected ${appendAt} to append at`,
      { details: { sizeBytes } },
    );
  }
  const before = await file.readBytes({ signal });
  return write(chain(before, replay(source, disk)()), {
    ...options,
    mode: options.mode ?? entry.mode,
    contentType: options.contentType ?? entry.contentType,
    userMetadata: options.userMetadata ?? entry.userMetadata,
    appendAt: undefined,
    sizeBytes: options.sizeBytes === undefined ? undefined : sizeBytes + options.sizeBytes,
    precondition: options.precondition ?? { inodeId },
  });
}

async function* chain(
  before: Uint8Array,
  after: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield before;
  yield* after;
}
