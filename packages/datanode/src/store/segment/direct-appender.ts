import type { DiskFile } from "@cairnfs/base/disk";
import { PAGE_BYTES, wholePages } from "@cairnfs/base/page-memory";

/** What the log does with the segment that it writes. */
export type AppendFile = Pick<DiskFile, "write" | "sync" | "truncate" | "close">;

/**
 * Appends to a file past the system's cache. Only whole pages go there, so the last one is written again, with the same bytes and
 * more, when it is not full; the file is longer than what was written by what fills that page, zeros.
 */
export class DirectAppender implements AppendFile {
  readonly #file: DiskFile;
  /** Page-aligned, and nobody else's while a write goes on. */
  readonly #staging: Buffer;
  /** The bytes of the last page that are before `#endBytes`. */
  readonly #tail = Buffer.alloc(PAGE_BYTES);
  /** Where the last write ended; undefined when the tail is not known. */
  #endBytes: number | undefined;

  /** Takes the file over, which was opened as a direct one. Appenders that share `staging` write one at a time. */
  constructor(file: DiskFile, staging: Buffer) {
    this.#file = file;
    this.#staging = staging;
  }

  /** Writes `parts` from `position` on, which is at most where the file's bytes end. */
  async write(parts: readonly Uint8Array[], position: number): Promise<void> {
    const staging = this.#staging;
    let filledBytes = position % PAGE_BYTES;
    let pagesAt = position - filledBytes;
    if (filledBytes > 0) await this.#fetchTail(position);
    staging.set(this.#tail.subarray(0, filledBytes));
    this.#endBytes = undefined;
    for (const part of parts) {
      for (let at = 0; at < part.byteLength; ) {
        const room = staging.byteLength - filledBytes;
        const taken = part.subarray(at, at + room);
        staging.set(taken, filledBytes);
        filledBytes += taken.byteLength;
        at += taken.byteLength;
        if (filledBytes < staging.byteLength) continue;
        await this.#file.write([staging], pagesAt);
        pagesAt += filledBytes;
        filledBytes = 0;
      }
    }
    const pages = staging.subarray(0, wholePages(filledBytes));
    pages.fill(0, filledBytes);
    if (pages.byteLength > 0) await this.#file.write([pages], pagesAt);
    this.#tail.set(staging.subarray(filledBytes - (filledBytes % PAGE_BYTES), filledBytes));
    this.#endBytes = pagesAt + filledBytes;
  }

  sync(): Promise<void> {
    return this.#file.sync();
  }

  async truncate(sizeBytes: number): Promise<void> {
    this.#endBytes = undefined;
    await this.#file.truncate(sizeBytes);
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  async #fetchTail(position: number): Promise<void> {
    if (this.#endBytes === position) return;
    const page = this.#staging.subarray(0, PAGE_BYTES);
    await this.#file.read(page, position - (position % PAGE_BYTES));
    this.#tail.set(page);
  }
}
