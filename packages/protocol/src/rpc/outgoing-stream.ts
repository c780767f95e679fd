import { abortError, CairnError } from "@cairnfs/base/errors";
import { checkedSizeOfParts } from "./codec.ts";
import { MessageQueue } from "./message-queue.ts";
import type { MessageParts } from "./transport.ts";

/** The wire of one streaming call, as its caller's side uses it. */
export interface StreamWire {
  /** Sends one request; false asks to wait for `room`. */
  send(request: MessageParts): boolean;
  /** Resolves when more may be sent, or the call is over; never rejects. */
  room(): Promise<void>;
  /** There are no more requests. */
  finish(): void;
  /** The caller has left: the server is to be told, nothing is to be delivered any more. */
  cancel(error: CairnError): void;
  /** The caller reads again after `push` gave false. */
  resume(): void;
}

/**
 * The caller's side of one streaming call on any transport: feeds the requests to the wire at its pace, hands the
 * answers to the caller at his, and ends both together however the call ends.
 */
export class OutgoingStream implements AsyncIterableIterator<Uint8Array> {
  readonly #requests: AsyncIterator<MessageParts>;
  readonly #signal: AbortSignal | undefined;
  readonly #open: (stream: OutgoingStream) => StreamWire | Promise<StreamWire>;
  readonly #answers: MessageQueue;
  #wire: StreamWire | undefined;
  #hasStarted = false;
  #hasEnded = false;
  #areRequestsDone = false;

  constructor(
    requests: AsyncIterable<MessageParts>,
    signal: AbortSignal | undefined,
    open: (stream: OutgoingStream) => StreamWire | Promise<StreamWire>,
  ) {
    this.#requests = requests[Symbol.asyncIterator]();
    this.#signal = signal;
    this.#open = open;
    this.#answers = new MessageQueue({
      onRoom: () => {
        if (!this.#hasEnded) this.#wire?.resume();
      },
      onReturn: () => {
        // Most callers leave when the call has ended: then there is nobody to tell.
        if (!this.#hasEnded) this.#leave(new CairnError("cancelled", "the caller has read enough"));
      },
    });
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    if (!this.#hasStarted) this.#start();
    return this.#answers.next();
  }

  return(): Promise<IteratorResult<Uint8Array>> {
    this.#hasStarted = true;
    return this.#answers.return();
  }

  /** The transport received an answer; false asks it to stop reading until `resume`. */
  push(answer: Uint8Array): boolean {
    return this.#answers.push(answer);
  }

  /** The transport knows how the call ended: after the answers so far, or with `error` behind them. */
  end(error?: CairnError): void {
    if (!this.#settle()) return;
    this.#answers.end(error);
  }

  #start(): void {
    this.#hasStarted = true;
    this.#signal?.addEventListener("abort", this.#onAbort);
    if (this.#signal?.aborted === true) this.#onAbort();
    // Its failures are the call's.
    else void this.#run();
  }

  readonly #onAbort = (): void => {
    if (this.#signal !== undefined) this.#fail(abortError(this.#signal));
  };

  async #run(): Promise<void> {
    try {
      const wire = await this.#open(this);
      if (this.#hasEnded) {
        wire.cancel(new CairnError("cancelled", "the caller left before the call was open"));
        return;
      }
      this.#wire = wire;
      await this.#feed(wire);
    } catch (error) {
      this.#fail(error);
    }
  }

  async #feed(wire: StreamWire): Promise<void> {
    for (;;) {
      const request = await this.#requests.next();
      if (this.#hasEnded) return;
      if (request.done === true) break;
      checkedSizeOfParts(request.value);
      if (!wire.send(request.value)) await wire.room();
      if (this.#hasEnded) return;
    }
    this.#areRequestsDone = true;
    wire.finish();
  }

  /** The call is over on this side. What the caller's own requests threw is handed to him as it was. */
  #fail(error: unknown): void {
    const isOurs = error instanceof CairnError;
    const told = isOurs
      ? error
      : new CairnError("cancelled", "the requests failed", { cause: error });
    if (!this.#leave(told)) return;
    // The queue carries whatever it is given to the one reader who knows what it is.
    this.#answers.abort(isOurs ? error : (error as CairnError));
  }

  #leave(error: CairnError): boolean {
    if (!this.#settle()) return false;
    this.#wire?.cancel(error);
    return true;
  }

  #settle(): boolean {
    if (this.#hasEnded) return false;
    this.#hasEnded = true;
    this.#signal?.removeEventListener("abort", this.#onAbort);
    if (!this.#areRequestsDone) {
      // Not awaited: a source that is in the middle of something must not hold up the end of the call.
      this.#requests.return?.().catch(() => undefined);
    }
    return true;
  }
}
