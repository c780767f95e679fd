import type { IncomingMessage } from "node:http";
import type { Clock, Timer } from "@cairnfs/base/clock";
import { S3Error } from "../s3/errors.ts";
import type { RequestBody } from "../s3/operation.ts";

/** What is taken from the socket before the reader has asked for it. */
const AHEAD_BYTES = 256 * 1024;

export interface RequestBodyOptions {
  readonly clock: Clock;
  /** How long the reader waits for the next byte. */
  readonly stallMs: number;
  /** Called before the first byte is waited for. */
  readonly onFirstRead: () => void;
  /** The client waits to be told to send the body. */
  readonly waitsForContinue: boolean;
}

/**
 * A request's body as it comes from its socket, in the pieces it came in: read once, at the pace of the reader. A client that goes away
 * or stalls ends it with an error.
 */
export class SocketBody implements RequestBody, AsyncIterator<Uint8Array> {
  readonly lengthBytes: number | undefined;
  readonly trailers: ReadonlyMap<string, string> = new Map();
  readonly trailerNames: readonly string[] = [];
  readonly #message: IncomingMessage;
  readonly #options: RequestBodyOptions;
  readonly #pieces: Buffer[] = [];
  #aheadBytes = 0;
  #hasBegun = false;
  #isAbandoned = false;
  #isComplete: boolean;
  #error: Error | undefined;
  #wake: (() => void) | undefined;

  constructor(message: IncomingMessage, options: RequestBodyOptions) {
    this.#message = message;
    this.#options = options;
    this.lengthBytes = bodyLength(message);
    this.#isComplete = this.lengthBytes === 0;
  }

  /** Whether nothing of the body is left on the socket, so that another request may follow. */
  get isConsumed(): boolean {
    return this.#isComplete && this.#pieces.length === 0;
  }

  /** Whether the client was promised nothing yet and so sends nothing. */
  get isWithheld(): boolean {
    return this.#options.waitsForContinue && !this.#hasBegun;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (!this.#hasBegun) this.#begin();
    for (;;) {
      const piece = this.#pieces.shift();
      if (piece !== undefined) {
        this.#aheadBytes -= piece.byteLength;
        if (this.#aheadBytes < AHEAD_BYTES && this.#message.isPaused()) this.#message.resume();
        return { done: false, value: piece };
      }
      if (this.#error !== undefined) throw this.#error;
      if (this.#isComplete) return { done: true, value: undefined };
      await this.#arrival();
    }
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#isAbandoned = true;
    this.#pieces.length = 0;
    this.#aheadBytes = 0;
    if (this.#hasBegun && !this.#isComplete) this.#message.pause();
    return { done: true, value: undefined };
  }

  /** Ends the body for its reader. */
  fail(error: Error): void {
    this.#error ??= error;
    this.#wake?.();
  }

  #begin(): void {
    this.#hasBegun = true;
    if (this.#isComplete) return;
    const message = this.#message;
    message.on("data", (piece: Buffer) => {
      // Whoever reads the rest, to be rid of it, sets its pace.
      if (this.#isAbandoned) return;
      this.#pieces.push(piece);
      this.#aheadBytes += piece.byteLength;
      if (this.#aheadBytes >= AHEAD_BYTES) message.pause();
      this.#wake?.();
    });
    message.on("end", () => {
      this.#isComplete = true;
      this.#wake?.();
    });
    message.on("error", (cause) => this.fail(new S3Error("IncompleteBody", { cause })));
    message.on("close", () => {
      if (!this.#isComplete) this.fail(new S3Error("IncompleteBody"));
    });
    if (message.destroyed) this.fail(new S3Error("IncompleteBody"));
    this.#options.onFirstRead();
  }

  #arrival(): Promise<void> {
    return new Promise((resolve) => {
      const timer: Timer = this.#options.clock.after(this.#options.stallMs, () => {
        this.fail(new S3Error("RequestTimeout"));
      });
      this.#wake = () => {
        this.#wake = undefined;
        timer.cancel();
        resolve();
      };
    });
  }
}

/** The length that the request says its body has; undefined when it comes in chunks. */
function bodyLength(message: IncomingMessage): number | undefined {
  if (message.headers["transfer-encoding"] !== undefined) return undefined;
  const length = message.headers["content-length"];
  return length === undefined ? 0 : Number(length);
}
