import type { Clock } from "@cairnfs/base/clock";
import { releaseReceived } from "@cairnfs/protocol/rpc/receive-buffers";
import type { ChunkFrame } from "@cairnfs/protocol/transfer/chunk-frame";
import { BlockProof } from "./block-proof.ts";

/** How long the last blocks wait for another node to have compared them before that is done here. */
const PROOF_PATIENCE_MS = 100;

/**
 * The frames of a chunk that its own store or a replica has not taken yet. When all have, a frame's blocks have been compared by one of them, or
 * are compared here, and its memory is used for the next.
 */
export class UntakenFrames {
  readonly #frames: ChunkFrame[] = [];
  readonly #proof = new BlockProof();
  #mayLinger = false;
  #onChange: (() => void) | undefined;

  push(frame: ChunkFrame): void {
    this.#frames.push(frame);
  }

  /** Another node, or the store, has compared all blocks up to here. */
  provenElsewhere(endBytes: number): void {
    this.#proof.provenElsewhere(endBytes);
  }

  /** A replica's call has ended, maybe before it took everything: its transport may still read frames, whose memory is not used again. */
  linger(): void {
    this.#mayLinger = true;
  }

  /** Lets go of what all have taken; `chunkMismatch` when it does not match its checksums. */
  release(takenBytes: number): void {
    for (let frame = this.#frames[0]; frame !== undefined; frame = this.#frames[0]) {
      if (frame.offsetBytes + frame.data.byteLength > takenBytes) return;
      this.#proof.prove(frame);
      this.#frames.shift();
      if (!this.#mayLinger) releaseReceived(frame.data);
    }
  }

  /** Something has changed that who waits for proof may go by. */
  wake(): void {
    this.#onChange?.();
  }

  /** Resolves when others have compared all blocks up to `endBytes`, or it is not worth waiting for. */
  async provenByOthers(
    endBytes: number,
    clock: Clock,
    isWorthWaiting: () => boolean,
  ): Promise<void> {
    let isLate = false;
    const timer = clock.after(PROOF_PATIENCE_MS, () => {
      isLate = true;
      this.wake();
    });
    while (!isLate && !this.#proof.covers(endBytes) && isWorthWaiting()) {
      await new Promise<void>((resolve) => {
        this.#onChange = resolve;
      });
    }
    this.#onChange = undefined;
    timer.cancel();
  }

  /** Compares all that nobody has; `chunkMismatch` when it does not match its checksums. */
  prove(): void {
    for (const frame of this.#frames) this.#proof.prove(frame);
  }
}
