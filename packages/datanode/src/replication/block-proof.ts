import { CairnError } from "@cairnfs/base/errors";
import { BLOCK_BYTES } from "@cairnfs/protocol/chunk-id";
import { firstWrongBlock } from "@cairnfs/protocol/transfer/block-checksums";
import type { ChunkFrame } from "@cairnfs/protocol/transfer/chunk-frame";

/**
 * Which blocks of a chunk on its way match their checksums. A node that took a frame has compared them, so the frame is not compared again by the
 * one that handed it on; what nobody else took is compared here before it counts.
 */
export class BlockProof {
  #provenBytes = 0;

  /** Another node has compared all up to here. */
  provenElsewhere(endBytes: number): void {
    this.#provenBytes = Math.max(this.#provenBytes, endBytes);
  }

  /** Whether all up to here is known to match. */
  covers(endBytes: number): boolean {
    return endBytes <= this.#provenBytes;
  }

  /** Compares the frame unless that was done; `chunkMismatch` names the block that is wrong. */
  prove({ data, offsetBytes, blockChecksums }: ChunkFrame): void {
    const endBytes = offsetBytes + data.byteLength;
    if (this.covers(endBytes)) return;
    const wrong = firstWrongBlock(data, blockChecksums);
    if (wrong !== undefined) {
      throw new CairnError("chunkMismatch", "a block does not match its checksum", {
        details: { offsetBytes: offsetBytes + wrong * BLOCK_BYTES },
      });
    }
    if (this.covers(offsetBytes)) this.#provenBytes = endBytes;
  }
}
