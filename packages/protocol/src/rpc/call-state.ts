import type { Clock, Timer } from "@cairnfs/base/clock";
import { CairnError } from "@cairnfs/base/errors";
import type { Call, Metadata } from "./service.ts";

/**
 * A call as the server has it. The signal and its deadline timer are made when the handler first asks for them, since
 * most small calls never do. Whoever makes it must `end` it.
 */
export class CallState implements Call {
  readonly peer: string;
  readonly metadata: Metadata;
  readonly #clock: Clock;
  readonly #deadlineMs: number | undefined;
  #controller: AbortController | undefined;
  #timer: Timer | undefined;
  #error: CairnError | undefined;
  #hasEnded = false;

  constructor(
    clock: Clock,
    parts: {
      readonly peer: string;
      readonly metadata: Metadata;
      readonly timeoutMs: number | undefined;
    },
  ) {
    this.#clock = clock;
    this.peer = parts.peer;
    this.metadata = parts.metadata;
    this.#deadlineMs =
      parts.timeoutMs === undefined ? undefined : clock.monotonicMs() + parts.timeoutMs;
  }

  /** Answered, or nobody waits for the answer any more. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#error !== undefined) this.#controller.abort(this.#error);
      else if (!this.#hasEnded) this.#watchDeadline();
    }
    return this.#controller.signal;
  }

  /** Tells the handler that the call is over for this reason, before it has answered. */
  abort(error: CairnError): void {
    if (this.#hasEnded) return;
    this.end();
    this.#error = error;
    this.#controller?.abort(error);
  }

  /** The call has been answered: nothing fires any more. */
  end(): void {
    this.#hasEnded = true;
    this.#timer?.cancel();
  }

  #watchDeadline(): void {
    if (this.#deadlineMs === undefined) return;
    const leftMs = this.#deadlineMs - this.#clock.monotonicMs();
    // The handler is told, and answers as it sees fit; the caller has stopped waiting by itself.
    if (leftMs <= 0) this.#passDeadline();
    else this.#timer = this.#clock.after(leftMs, () => this.#passDeadline());
  }

  #passDeadline(): void {
    const error = new CairnError("deadlineExceeded", "the deadline of the call passed");
    this.#controller?.abort(error);
  }
}
