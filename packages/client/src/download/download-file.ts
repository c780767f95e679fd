import { dirname, join } from "node:path";
import type { Disk, DiskFile } from "@cairnfs/base/disk";
import { toHex } from "@cairnfs/base/hex";
import { Limit } from "@cairnfs/base/limit";
import type { Random } from "@cairnfs/base/random";
import { releaseReceived } from "@cairnfs/protocol/rpc/receive-buffers";
import { abortable, linkAbort, withCallerSignal } from "../abort.ts";
import type { FileEntry } from "../entry.ts";
import type { OpenedFile } from "./opened-file.ts";

export interface DownloadOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined;
}

export interface DownloadProgress {
  readonly doneBytes: number;
  readonly totalBytes: number;
}

/** Writes under way beside the reading: enough to keep a disk busy. */
const WRITES_MOST = 4;

/**
 * Makes a file's bytes the local file at `localFile`: written under another name in the same folder, synced, then renamed. When
 * it rejects the local file is as it was and nothing is left beside it; but when it is the folder's sync that failed, the last step,
 * the new file is there whole and a crash may bring the old one back. What `onProgress` throws ends the download.
 */
export async function downloadFile(
  file: OpenedFile,
  localFile: string,
  { disk, random }: { readonly disk: Disk; readonly random: Random },
  options: DownloadOptions,
): Promise<FileEntry> {
  const folder = dirname(localFile);
  const temporary = join(folder, `.cairn-${toHex(random.bytes(8))}.part`);
  return withCallerSignal(options.signal, async () => {
    const target = await disk.open(temporary, "create");
    try {
      try {
        await writeAll(file, target, options);
        await target.sync();
      } finally {
        await target.close();
      }
      options.signal?.throwIfAborted();
      await disk.rename(temporary, localFile);
    } catch (error) {
      await disk.remove(temporary);
      throw error;
    }
    await disk.syncFolder(folder);
    return file.entry;
  });
}

async function writeAll(
  file: OpenedFile,
  target: DiskFile,
  { signal, onProgress }: DownloadOptions,
): Promise<void> {
  const abort = linkAbort(signal);
  const writes = new Limit(WRITES_MOST);
  const underway = new Set<Promise<void>>();
  const totalBytes = file.sizeBytes;
  let position = 0;
  let doneBytes = 0;
  let failure: { readonly error: unknown } | undefined;
  try {
    for await (const part of file.read({ signal: abort.signal })) {
      const at = position;
      position += part.byteLength;
      const write: Promise<void> = writes
        .run(() => target.write([part], at))
        .then(() => {
          releaseReceived(part);
          doneBytes += part.byteLength;
          onProgress?.({ doneBytes, totalBytes });
        })
        .catch((error: unknown) => {
          failure ??= { error };
          abort.abort(error);
        })
        .finally(() => underway.delete(write));
      underway.add(write);
      // Reading goes no further ahead than a few writes.
      if (underway.size > WRITES_MOST) await abortable(Promise.race(underway), abort.signal);
    }
    await Promise.all(underway);
    abort.signal.throwIfAborted();
  } catch (error) {
    // The reading ended because the writing failed: that is the one to hear of.
    throw failure === undefined ? error : failure.error;
  } finally {
    await Promise.all(underway);
    abort.release();
  }
}
