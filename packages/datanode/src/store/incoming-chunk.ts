import { createSha256, type Sha256 } from "@cairnfs/base/checksum";
import { CairnError } from "@cairnfs/base/errors";
import { BLOCK_BYTES, type ChunkId, chunkIdFromBytes } from "@cairnfs/protocol/chunk-id";
import { firstWrongBlock } from "@cairnfs/protocol/transfer/block-checksums";
import type { ChunkPiece, PutOptions } from "./chunk-store.ts";

/** What has arrived of a chunk: checks each piece as it passes and keeps sums, never the bytes. */
export class IncomingChunk {
  readonly #lengthLimitBytes: number;
  /** Undefined when somebody else compares the id. */
  readonly #hash: Sha256 | undefined;
  readonly #verifiesBlocks: boolean;
  readonly #checksums: number[] = [];
  #lengthBytes = 0;

  constructor(
    options: Pick<PutOptions, "lengthLimitBytes" | "isIdVerified" | "areBlocksVerified">,
  ) {
    this.#verifiesBlocks = options.areBlocksVerified !== true;
    this.#lengthLimitBytes = options.lengthLimitBytes;
    this.#hash = options.isIdVerified === true ? undefined : createSha256();
  }

  get lengthBytes(): number {
    return this.#lengthBytes;
  }

  /** The CRC-32C of each 64 KiB so far. */
  get blockChecksums(): readonly number[] {
    return this.#checksums;
  }

  /** Takes the next piece into account; `chunkMismatch` when it does not continue the chunk or match its checksums. */
  take({ data, blockChecksums }: ChunkPiece): void {
    if (this.#lengthBytes % BLOCK_BYTES !== 0) {
      throw new CairnError("chunkMismatch", "a piece follows one that does not end with a block");
    }
    if (this.#lengthBytes + data.byteLength > this.#lengthLimitBytes) {
      throw new CairnError("chunkMismatch", "the chunk is longer than was announced", {
        details: { lengthLimitBytes: this.#lengthLimitBytes },
      });
    }
    const blockCount = Math.ceil(data.byteLength / BLOCK_BYTES);
    if (blockChecksums.length !== blockCount) {
      throw new CairnError(
        "chunkMismatch",
        `${blockCount} blocks came with ${blockChecksums.length} checksums`,
      );
    }
    const wrong = this.#verifiesBlocks ? firstWrongBlock(data, blockChecksums) : undefined;
    if (wrong !== undefined) {
      throw new CairnError("chunkMismatch", "a block does not match its checksum", {
        details: { offsetBytes: this.#lengthBytes + wrong * BLOCK_BYTES },
      });
    }
    this.#hash?.update(data);
    for (const checksum of blockChecksums) this.#checksums.push(checksum);
    this.#lengthBytes += data.byteLength;
  }

  /** Ends the chunk: `chunkMismatch` unless it is the one that `id` names. */
  finish(id: ChunkId): void {
    if (this.#lengthBytes === 0) {
      throw new CairnError("chunkMismatch", "a chunk has at least one byte");
    }
    if (this.#hash === undefined) return;
    const actual = chunkIdFromBytes(this.#hash.digest());
    if (actual !== id) {
      throw new CairnError("chunkMismatch", `the bytes are those of chunk ${actual}, not ${id}`);
    }
  }
}
