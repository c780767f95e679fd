import { dirname } from "node:path";
import { type Disk, hasErrorCode } from "@cairnfs/base/disk";

const SPARE_BYTES = 1024 * 1024;
const ZEROS = new Uint8Array(256 * 1024);

/**
 * A file of zeros that is given up when the disk is full to the last byte, so that deletions can still be written down.
 * Tells the disk's full apart from ours: the reserve of the ledger is what we leave, this is what others cannot take.
 */
export class SpareRoom {
  readonly #disk: Disk;
  readonly #path: string;
  #isThere = false;

  constructor(disk: Disk, path: string) {
    this.#disk = disk;
    this.#path = path;
  }

  /** Makes the file when there is room for it. */
  async prepare(): Promise<void> {
    if (this.#isThere || (await this.#disk.fileBytes(this.#path)) === SPARE_BYTES) {
      this.#isThere = true;
      return;
    }
    // Not where it would take the last room of a small or full disk.
    const { availableBytes } = await this.#disk.space(dirname(this.#path));
    if (availableBytes < 16 * SPARE_BYTES) return;
    try {
      const file = await this.#disk.open(this.#path, "write");
      try {
        for (let at = 0; at < SPARE_BYTES; at += ZEROS.byteLength) await file.write([ZEROS], at);
        await file.sync();
      } finally {
        await file.close();
      }
      this.#isThere = true;
    } catch (error) {
      if (!hasErrorCode(error, "ENOSPC", "EDQUOT")) throw error;
      await this.#disk.remove(this.#path);
    }
  }

  /** Gives the room to whoever writes next. */
  async release(): Promise<void> {
    this.#isThere = false;
    await this.#disk.remove(this.#path);
  }
}
