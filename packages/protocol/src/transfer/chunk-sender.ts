import { assert } from "@cairnfs/base/assert";
import { BLOCK_BYTES, FRAME_DATA_BYTES_MAX } from "../chunk-id.ts";
import { blockChecksums } from "./block-checksums.ts";
import type { ChunkFrame } from "./chunk-frame.ts";
import type { SendWindow } from "./send-window.ts";

/** Large enough that the cost of a message does not show, small enough that acknowledgements come often. */
export const FRAME_DATA_BYTES_DEFAULT = 1024 * 1024;
/** How much of a chunk may be unacknowledged unless both sides agree otherwise. */
export const WINDOW_BYTES_DEFAULT = 4 * 1024 * 1024;

/**
 * Cuts pieces of any sizes into frames of whole blocks with their checksums. A piece of at least a frame's size is sliced and
 * not copied; smaller ones are gathered once. The pieces must stay as they are until the frames have been used. The last frame
 * is final and, unless there were no bytes at all, not empty.
 */
export async function* cutFrames(
  pieces: AsyncIterable<Uint8Array>,
  frameBytes: number = FRAME_DATA_BYTES_DEFAULT,
): AsyncGenerator<ChunkFrame, void, undefined> {
  const cutter = new Cutter(frameBytes);
  let offsetBytes = 0;
  for await (const piece of pieces) {
    for (const data of cutter.cut(piece)) {
      yield { offsetBytes, data, blockChecksums: blockChecksums(data), isFinal: false };
      offsetBytes += data.byteLength;
    }
  }
  const data = cutter.rest;
  yield { offsetBytes, data, blockChecksums: blockChecksums(data), isFinal: true };
}

/** Lets frames through as the window has room for them. */
export async function* sendWithin(
  window: SendWindow,
  frames: AsyncIterable<ChunkFrame>,
): AsyncGenerator<ChunkFrame, void, undefined> {
  for await (const frame of frames) {
    await window.room(frame.data.byteLength);
    window.sent(frame.data.byteLength);
    yield frame;
  }
}

class Cutter {
  readonly #frameBytes: number;
  // What is held back: nobody knows that it is the last before the source has ended.
  #held: Uint8Array = new Uint8Array(0);
  // The buffer that `#held` is the filled part of, when it was gathered.
  #buffer: Uint8Array | undefined;

  constructor(frameBytes: number) {
    assert(
      frameBytes % BLOCK_BYTES === 0 && frameBytes > 0 && frameBytes <= FRAME_DATA_BYTES_MAX,
      `a frame holds whole blocks, at most 1 MiB, not ${frameBytes} bytes`,
    );
    this.#frameBytes = frameBytes;
  }

  get rest(): Uint8Array {
    return this.#held;
  }

  *cut(piece: Uint8Array): Generator<Uint8Array> {
    let at = 0;
    while (at < piece.byteLength) {
      const heldBytes = this.#held.byteLength;
      const isDue = this.#isDue(piece.byteLength - at);
      if (isDue) yield this.#held;
      at += isDue || heldBytes === 0 ? this.#hold(piece, at) : this.#gather(piece, at);
    }
  }

  #isDue(followingBytes: number): boolean {
    const heldBytes = this.#held.byteLength;
    if (heldBytes === this.#frameBytes) return true;
    return heldBytes > 0 && heldBytes % BLOCK_BYTES === 0 && followingBytes >= this.#frameBytes;
  }

  #hold(piece: Uint8Array, at: number): number {
    this.#held = piece.subarray(at, at + this.#frameBytes);
    this.#buffer = undefined;
    return this.#held.byteLength;
  }

  #gather(piece: Uint8Array, at: number): number {
    const heldBytes = this.#held.byteLength;
    const takenBytes = bytesToGather(heldBytes, piece.byteLength - at, this.#frameBytes);
    if (this.#buffer === undefined) {
      this.#buffer = Buffer.allocUnsafeSlow(this.#frameBytes);
      this.#buffer.set(this.#held);
    }
    this.#buffer.set(piece.subarray(at, at + takenBytes), heldBytes);
    this.#held = this.#buffer.subarray(0, heldBytes + takenBytes);
    return takenBytes;
  }
}

/** Before a large piece only to the next block boundary, so that the rest of it is sliced; otherwise all that fits. */
function bytesToGather(heldBytes: number, followingBytes: number, frameBytes: number): number {
  const toBoundaryBytes = BLOCK_BYTES - (heldBytes % BLOCK_BYTES);
  if (followingBytes - toBoundaryBytes >= frameBytes) return toBoundaryBytes;
  return Math.min(followingBytes, frameBytes - heldBytes);
}
