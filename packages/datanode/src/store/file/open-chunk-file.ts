import { crc32c } from "@cairnfs/base/checksum";
import { type Disk, type DiskFile, hasErrorCode, readFully } from "@cairnfs/base/disk";
import { CairnError } from "@cairnfs/base/errors";
import { BLOCK_BYTES, type ChunkId } from "@cairnfs/protocol/chunk-id";
import type { BlockRange } from "../block-range.ts";
import type { ChunkPiece } from "../chunk-store.ts";
import {
  type ChunkFileHeader,
  decodeChecksums,
  encodeSlot,
  type FoundHeader,
  HEAD_BYTES,
  newestHeader,
  SLOT_BYTES,
  TABLE_OFFSET_BYTES,
} from "./chunk-file.ts";

/** What may change in the header of a stored chunk. */
export interface HeaderChange {
  readonly epoch?: number;
  readonly verifiedMs?: number;
}

/** The file of a stored chunk, open. `chunkCorrupt` is thrown for what cannot have been written so. */
export class OpenChunkFile {
  readonly #file: DiskFile;
  readonly #head: Uint8Array;
  #found: FoundHeader;

  private constructor(file: DiskFile, head: Uint8Array, found: FoundHeader) {
    this.#file = file;
    this.#head = head;
    this.#found = found;
  }

  /** Undefined when there is no such file. */
  static async open(
    disk: Disk,
    path: string,
    id: ChunkId,
    mode: "read" | "update",
  ): Promise<OpenChunkFile | undefined> {
    let file: DiskFile;
    try {
      file = await disk.open(path, mode);
    } catch (error) {
      if (hasErrorCode(error, "ENOENT")) return undefined;
      throw error;
    }
    try {
      const head = Buffer.allocUnsafeSlow(HEAD_BYTES);
      const found = newestHeader(head.subarray(0, await readFully(file, head, 0)));
      if (found?.header.id !== id) {
        throw new CairnError("chunkCorrupt", `the file of chunk ${id} has no valid header`);
      }
      return new OpenChunkFile(file, head, found);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  get header(): ChunkFileHeader {
    return this.#found.header;
  }

  /** How long the file is when it is whole. */
  get fileBytes(): number {
    return this.header.dataOffsetBytes + this.header.lengthBytes;
  }

  /** Writes a changed header to the slot that does not hold; it holds, durably, when this resolves. */
  async update(change: HeaderChange): Promise<void> {
    const header = { ...this.header, ...change, sequence: this.header.sequence + 1 };
    const slot = this.#found.slot === 0 ? 1 : 0;
    await this.#file.write([encodeSlot(header)], slot * SLOT_BYTES);
    await this.#file.sync();
    this.#found = { header, slot };
  }

  /**
   * Makes the header that holds durable, if it is not. A sync alone would not do: after one that failed, or in a process
   * that was killed, the machine may take for written what is not.
   */
  async confirm(): Promise<void> {
    await this.#file.write([encodeSlot(this.header)], this.#found.slot * SLOT_BYTES);
    await this.#file.sync();
  }

  /** The checksums of all blocks, as they were stored. */
  async readTable(): Promise<Uint8Array> {
    const tableBytes = 4 * Math.ceil(this.header.lengthBytes / BLOCK_BYTES);
    let table = this.#head.subarray(TABLE_OFFSET_BYTES, TABLE_OFFSET_BYTES + tableBytes);
    if (table.byteLength < tableBytes) {
      const whole = Buffer.allocUnsafeSlow(tableBytes);
      table = whole.subarray(0, await readFully(this.#file, whole, TABLE_OFFSET_BYTES));
    }
    if (table.byteLength < tableBytes || crc32c(table) !== this.header.tableChecksum) {
      throw new CairnError("chunkCorrupt", `the checksums of chunk ${this.header.id} are damaged`);
    }
    return table;
  }

  async readPiece(range: BlockRange, table: Uint8Array): Promise<ChunkPiece> {
    const data = Buffer.allocUnsafeSlow(range.endBytes - range.offsetBytes);
    const position = this.header.dataOffsetBytes + range.offsetBytes;
    if ((await readFully(this.#file, data, position)) < data.byteLength) {
      throw new CairnError("chunkCorrupt", `the file of chunk ${this.header.id} is cut short`);
    }
    return { data, blockChecksums: decodeChecksums(table, range.firstBlock, range.endBlock) };
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
