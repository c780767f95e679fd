import { CairnError, type Reason } from "@cairnfs/base/errors";
import { BLOCK_BYTES, FRAME_DATA_BYTES_MAX } from "../chunk-id.ts";
import type { ChunkDataStream } from "../gen/cairn/v1/datanode_pb.ts";
import { blockCount, firstWrongBlock } from "./block-checksums.ts";
import type { ChunkFrame } from "./chunk-frame.ts";

export interface ChunkReceiverOptions {
  /** Decides whose fault a bad frame is: of a caller that stores, or of a node that is read. */
  readonly direction: "store" | "retrieve";
  /** Where the stream starts in the chunk; a multiple of 64 KiB. */
  readonly firstOffsetBytes?: number;
  /** How many bytes the stream carries at most. */
  readonly lengthLimitBytes: number;
  /** How many bytes it must carry, when that is known. */
  readonly lengthBytes?: number | undefined;
  /** Whether to compare the blocks with their checksums; a store does it itself. */
  readonly verifiesBlocks: boolean;
}

/**
 * Checks the frames of one stream as they come: they follow each other without gap or overlap, are aligned, within the
 * limits, and have the right number of (and, if asked, the right) checksums. What is wrong is refused with what was expected.
 */
export class ChunkReceiver {
  readonly #options: ChunkReceiverOptions;
  readonly #firstOffsetBytes: number;
  #receivedBytes = 0;
  #isComplete = false;

  constructor(options: ChunkReceiverOptions) {
    this.#options = options;
    this.#firstOffsetBytes = options.firstOffsetBytes ?? 0;
  }

  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  /** Whether the final frame has come. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** The frame that the message carries; its data is the message's own. */
  accept(message: ChunkDataStream): ChunkFrame {
    const { data, blockChecksums, isFinal } = message;
    const offsetBytes = this.#firstOffsetBytes + this.#receivedBytes;
    this.#checkShape(message, offsetBytes);
    this.#checkLength(data.byteLength, isFinal);
    if (this.#options.verifiesBlocks) this.#checkBlocks(data, blockChecksums, offsetBytes);
    this.#receivedBytes += data.byteLength;
    this.#isComplete = isFinal;
    return { offsetBytes, data, blockChecksums, isFinal };
  }

  /** Refuses a stream that ended without its final frame. */
  end(): void {
    if (this.#isComplete) return;
    const message = `the stream ended after ${this.#receivedBytes} bytes, expected a final frame`;
    throw this.#isStore() ? new CairnError("invalidArgument", message) : peerGone(message);
  }

  #checkShape(message: ChunkDataStream, offsetBytes: number): void {
    const sizeBytes = message.data.byteLength;
    if (this.#isComplete) this.#refuse("a frame came after the final one");
    if (message.offsetBytes !== BigInt(offsetBytes)) {
      this.#refuse(`a frame is at offset ${message.offsetBytes}, expected ${offsetBytes}`);
    }
    if (sizeBytes > FRAME_DATA_BYTES_MAX) {
      this.#refuse(`a frame has ${sizeBytes} bytes, expected at most ${FRAME_DATA_BYTES_MAX}`);
    }
    if (!message.isFinal && (sizeBytes === 0 || sizeBytes % BLOCK_BYTES !== 0)) {
      this.#refuse(
        `a frame has ${sizeBytes} bytes, expected a multiple of ${BLOCK_BYTES} in all but the final one`,
      );
    }
    const expectedChecksums = blockCount(sizeBytes);
    if (message.blockChecksums.length !== expectedChecksums) {
      this.#refuse(
        `a frame has ${message.blockChecksums.length} checksums, expected ${expectedChecksums}`,
      );
    }
  }

  #checkLength(sizeBytes: number, isFinal: boolean): void {
    const { lengthLimitBytes, lengthBytes } = this.#options;
    const totalBytes = this.#receivedBytes + sizeBytes;
    if (totalBytes > (lengthBytes ?? lengthLimitBytes)) {
      this.#refuseLength(
        `the stream has more than ${lengthBytes ?? lengthLimitBytes} bytes, which is all that was announced`,
      );
    }
    if (isFinal && lengthBytes !== undefined && totalBytes !== lengthBytes) {
      this.#refuseLength(`the stream has ${totalBytes} bytes, expected ${lengthBytes}`);
    }
  }

  #checkBlocks(data: Uint8Array, checksums: readonly number[], offsetBytes: number): void {
    const wrong = firstWrongBlock(data, checksums);
    if (wrong === undefined) return;
    const blockOffsetBytes = offsetBytes + wrong * BLOCK_BYTES;
    throw new CairnError(
      this.#isStore() ? "chunkMismatch" : "chunkCorrupt",
      `the block at offset ${blockOffsetBytes} does not match its checksum`,
      { details: { blockOffsetBytes } },
    );
  }

  #isStore(): boolean {
    return this.#options.direction === "store";
  }

  #refuse(message: string): never {
    const reason: Reason = this.#isStore() ? "invalidArgument" : "protocolViolation";
    throw new CairnError(reason, message);
  }

  #refuseLength(message: string): never {
    const reason: Reason = this.#isStore() ? "chunkMismatch" : "protocolViolation";
    throw new CairnError(reason, message);
  }
}

function peerGone(message: string): CairnError {
  return new CairnError("peerGone", message);
}
