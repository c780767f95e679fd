import { crc32c } from "@cairnfs/base/checksum";
import { type Disk, type DiskFile, hasErrorCode, readFully } from "@cairnfs/base/disk";
import { CairnError } from "@cairnfs/base/errors";
import {
  isPageAligned,
  PAGE_BYTES,
  type PageBuffers,
  type PagePool,
  wholePages,
} from "@cairnfs/base/page-memory";
import { BLOCK_BYTES, type ChunkId } from "@cairnfs/protocol/chunk-id";
import type { BlockRange } from "../block-range.ts";
import type { ChunkPiece, StoredChunkInfo } from "../chunk-store.ts";
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

/** What reading past the system's cache takes. */
export interface DirectReads {
  /** For pieces; 1 MiB each. */
  readonly buffers: PageBuffers;
  /** For what goes elsewhere. */
  readonly staging: PagePool;
}

/** What may change in the header of a stored chunk. */
export interface HeaderChange {
  readonly epoch?: number;
  readonly verifiedMs?: number;
}

/** The file of a stored chunk, open. `chunkCorrupt` is thrown for what cannot have been written so. */
export class OpenChunkFile {
  readonly #file: DiskFile;
  readonly #head: Uint8Array;
  readonly #direct: DirectReads | undefined;
  #found: FoundHeader;

  private constructor(
    file: DiskFile,
    head: Uint8Array,
    found: FoundHeader,
    direct: DirectReads | undefined,
  ) {
    this.#file = file;
    this.#head = head;
    this.#found = found;
    this.#direct = direct;
  }

  /** Undefined when there is no such file. With `direct` it is read past the system's cache. */
  static async open(
    disk: Disk,
    path: string,
    id: ChunkId,
    mode: "read" | "update",
    direct?: DirectReads,
  ): Promise<OpenChunkFile | undefined> {
    let file: DiskFile;
    try {
      file = await disk.open(path, mode, { isDirect: direct !== undefined });
    } catch (error) {
      if (hasErrorCode(error, "ENOENT")) return undefined;
      throw error;
    }
    try {
      const head = Buffer.allocUnsafeSlow(HEAD_BYTES);
      const filledBytes = await readInto(file, head, 0, direct);
      const found = newestHeader(head.subarray(0, filledBytes));
      if (found?.header.id !== id) {
        throw new CairnError("chunkCorrupt", `the file of chunk ${id} has no valid header`);
      }
      return new OpenChunkFile(file, head, found, direct);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  get header(): ChunkFileHeader {
    return this.#found.header;
  }

  /** What the header says of the chunk. */
  get info(): StoredChunkInfo {
    const { id, lengthBytes, epoch, verifiedMs } = this.header;
    return { id, lengthBytes, epoch, verifiedMs };
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
      table = whole.subarray(
        0,
        await readInto(this.#file, whole, TABLE_OFFSET_BYTES, this.#direct),
      );
    }
    if (table.byteLength < tableBytes || crc32c(table) !== this.header.tableChecksum) {
      throw new CairnError("chunkCorrupt", `the checksums of chunk ${this.header.id} are damaged`);
    }
    return table;
  }

  async readPiece(range: BlockRange, table: Uint8Array): Promise<ChunkPiece> {
    const sizeBytes = range.endBytes - range.offsetBytes;
    const position = this.header.dataOffsetBytes + range.offsetBytes;
    const blockChecksums = decodeChecksums(table, range.firstBlock, range.endBlock);
    const buffers = this.#direct?.buffers;
    const buffer = buffers?.take() ?? Buffer.allocUnsafeSlow(sizeBytes);
    const data = buffer.subarray(0, sizeBytes);
    const filledBytes = isPageAligned(buffer)
      ? await readPages(this.#file, buffer, position, sizeBytes)
      : await readInto(this.#file, data, position, this.#direct);
    if (filledBytes < sizeBytes) {
      throw new CairnError("chunkCorrupt", `the file of chunk ${this.header.id} is cut short`);
    }
    if (buffers === undefined) return { data, blockChecksums };
    return { data, blockChecksums, release: () => buffers.give(buffer) };
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

/** Fills page-aligned memory with at least `wantedBytes` from a direct file, if it has them; resolves with how many there were. */
async function readPages(
  file: DiskFile,
  pages: Buffer,
  position: number,
  wantedBytes: number,
): Promise<number> {
  const end = wholePages(wantedBytes);
  let doneBytes = 0;
  while (doneBytes < end) {
    const gotBytes = await file.read(pages.subarray(doneBytes, end), position + doneBytes);
    doneBytes += gotBytes;
    // The end of the file, after which a direct file cannot be asked.
    if (gotBytes === 0 || gotBytes % PAGE_BYTES !== 0) break;
  }
  return Math.min(doneBytes, wantedBytes);
}

/** Fills any memory from a page's start on; resolves with how many bytes there were. */
async function readInto(
  file: DiskFile,
  into: Uint8Array,
  position: number,
  direct: DirectReads | undefined,
): Promise<number> {
  if (direct === undefined) return readFully(file, into, position);
  return direct.staging.lend(async (pages) => {
    let doneBytes = 0;
    while (doneBytes < into.byteLength) {
      const wantedBytes = Math.min(pages.byteLength, into.byteLength - doneBytes);
      const gotBytes = await readPages(file, pages, position + doneBytes, wantedBytes);
      into.set(pages.subarray(0, gotBytes), doneBytes);
      doneBytes += gotBytes;
      if (gotBytes < wantedBytes) break;
    }
    return doneBytes;
  });
}
