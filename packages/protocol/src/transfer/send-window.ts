import type { Clock } from "@cairnfs/base/clock";
import { CairnError } from "@cairnfs/base/errors";
import { Watchdog } from "./watchdog.ts";

export interface SendWindowOptions {
  readonly clock: Clock;
  /** How many bytes may be unacknowledged; 0 leaves it to the transport. */
  readonly windowBytes: number;
  /** How long bytes may be in flight without any being acknowledged; `Infinity` for ever. */
  readonly stallMs: number;
}

/** An acknowledgement as its numbers. */
export interface Ack {
  readonly bytesReceived: number;
  readonly readyForNext: boolean;
}

/**
 * How much more a sender of a chunk may send: the receiver's acknowledgements open it, bytes in flight fill it, and a
 * receiver that takes nothing for too long breaks it (`stalled`).
 */
export class SendWindow {
  readonly #options: SendWindowOptions;
  readonly #watchdog: Watchdog;
  #sentBytes = 0;
  #ackedBytes = 0;
  #isPaused = false;
  #failure: { readonly error: unknown } | undefined;
  #isClosed = false;
  #wake: (() => void) | undefined;
  #onFailure: ((error: unknown) => void) | undefined;

  constructor(options: SendWindowOptions) {
    this.#options = options;
    this.#watchdog = new Watchdog(options.clock, options.stallMs, () => {
      const unacknowledgedBytes = this.unacknowledgedBytes;
      this.fail(
        new CairnError(
          "stalled",
          `the receiver took none of ${unacknowledgedBytes} bytes for ${options.stallMs} ms`,
          { details: { unacknowledgedBytes, stallMs: options.stallMs } },
        ),
      );
    });
  }

  get sentBytes(): number {
    return this.#sentBytes;
  }

  get ackedBytes(): number {
    return this.#ackedBytes;
  }

  get unacknowledgedBytes(): number {
    return this.#sentBytes - this.#ackedBytes;
  }

  /** Calls back, once, when the window breaks. */
  onFailure(callback: (error: unknown) => void): void {
    this.#onFailure = callback;
  }

  /** Notes that `sizeBytes` are about to be sent. */
  sent(sizeBytes: number): void {
    this.#sentBytes += sizeBytes;
    if (this.unacknowledgedBytes > 0) this.#watchdog.watch();
  }

  /**
   * Resolves when `sizeBytes` more may be sent; rejects once the window is broken or closed. One frame is always let
   * through when nothing is in flight, however small the window.
   */
  async room(sizeBytes: number): Promise<void> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure.error;
      if (this.#isClosed) throw new CairnError("cancelled", "the transfer has ended");
      if (this.#hasRoom(sizeBytes)) return;
      if (this.#isPaused) this.#watchdog.watch();
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
  }

  /** Takes an acknowledgement; one for bytes that were never sent breaks the window (`protocolViolation`). */
  acknowledge(ack: Ack): void {
    const { bytesReceived } = ack;
    if (bytesReceived > this.#sentBytes || bytesReceived < this.#ackedBytes) {
      this.fail(
        new CairnError(
          "protocolViolation",
          `the receiver acknowledged ${bytesReceived} bytes, expected ${this.#ackedBytes} to ${this.#sentBytes}`,
        ),
      );
      return;
    }
    const hasResumed = this.#isPaused && ack.readyForNext;
    if (bytesReceived > this.#ackedBytes || hasResumed) this.#watchdog.progress();
    this.#ackedBytes = bytesReceived;
    this.#isPaused = !ack.readyForNext;
    if (bytesReceived === this.#sentBytes && !this.#isPaused) this.#watchdog.rest();
    this.#wake?.();
  }

  /** Breaks the window: who waits for room gets `error`. The first failure holds. */
  fail(error: unknown): void {
    if (this.#failure !== undefined || this.#isClosed) return;
    this.#failure = { error };
    this.#watchdog.rest();
    this.#wake?.();
    this.#onFailure?.(error);
  }

  /** Lets go of the timer. Who still waits for room is told that the call ended. */
  close(): void {
    this.#isClosed = true;
    this.#onFailure = undefined;
    this.#watchdog.rest();
    this.#wake?.();
  }

  #hasRoom(sizeBytes: number): boolean {
    if (this.#isPaused) return false;
    const { windowBytes } = this.#options;
    return (
      windowBytes === 0 ||
      this.unacknowledgedBytes === 0 ||
      this.unacknowledgedBytes + sizeBytes <= windowBytes
    );
  }
}
