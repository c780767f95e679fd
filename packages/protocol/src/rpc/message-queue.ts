import { assert } from "@cairnfs/base/assert";
import type { CairnError } from "@cairnfs/base/errors";
import { UNREAD_BYTES_MAX, UNREAD_MESSAGES_MAX } from "./limits.ts";

/** What happens to the sender as the reader goes along. */
export interface QueueEvents {
  /** There is room again in a queue that was full. */
  onRoom(): void;
  /** The reader wants no more; what still comes is dropped. */
  onReturn(): void;
}

/**
 * Received messages of one stream, for one reader. The queue takes what it is given and says when its
 * sender should be stopped, so it is bounded by what is then still under way.
 */
export class MessageQueue implements AsyncIterableIterator<Uint8Array> {
  readonly #events: QueueEvents;
  #messages: Uint8Array[] = [];
  #head = 0;
  #unreadBytes = 0;
  #isFull = false;
  #hasEnded = false;
  #isReturned = false;
  #error: CairnError | undefined;
  #waiting:
    | {
        readonly resolve: (result: IteratorResult<Uint8Array>) => void;
        readonly reject: (error: CairnError) => void;
      }
    | undefined;

  constructor(events: QueueEvents) {
    this.#events = events;
  }

  get isFull(): boolean {
    return this.#isFull;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Adds a message; false asks for a pause until `onRoom`. */
  push(message: Uint8Array): boolean {
    if (this.#hasEnded || this.#isReturned) return true;
    const waiting = this.#waiting;
    if (waiting !== undefined) {
      this.#waiting = undefined;
      waiting.resolve({ done: false, value: message });
      return true;
    }
    this.#messages.push(message);
    this.#unreadBytes += message.byteLength;
    const unread = this.#messages.length - this.#head;
    if (this.#unreadBytes >= UNREAD_BYTES_MAX || unread >= UNREAD_MESSAGES_MAX) this.#isFull = true;
    return !this.#isFull;
  }

  /** No more messages; what is unread is still read, then the stream ends or fails with `error`. */
  end(error?: CairnError): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#error = error;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting === undefined) return;
    if (error === undefined) {
      waiting.resolve({ done: true, value: undefined });
    } else {
      this.#error = undefined;
      waiting.reject(error);
    }
  }

  /** Drops what is unread; the reader gets `error` next, even where the stream had ended already. */
  abort(error: CairnError): void {
    this.#drop();
    if (this.#hasEnded) this.#error = error;
    else this.end(error);
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    const message = this.#messages[this.#head];
    if (message !== undefined) {
      this.#take(message);
      return Promise.resolve({ done: false, value: message });
    }
    if (this.#hasEnded || this.#isReturned) {
      const error = this.#error;
      this.#error = undefined;
      return error === undefined
        ? Promise.resolve({ done: true, value: undefined })
        : Promise.reject(error);
    }
    assert(this.#waiting === undefined, "a stream has one reader, who waits for one message");
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  return(): Promise<IteratorResult<Uint8Array>> {
    if (!this.#isReturned) {
      this.#isReturned = true;
      this.#error = undefined;
      this.#drop();
      this.#waiting?.resolve({ done: true, value: undefined });
      this.#waiting = undefined;
      this.#events.onReturn();
    }
    return Promise.resolve({ done: true, value: undefined });
  }

  #take(message: Uint8Array): void {
    this.#head += 1;
    this.#unreadBytes -= message.byteLength;
    if (this.#head === this.#messages.length) {
      this.#messages = [];
      this.#head = 0;
    }
    const unread = this.#messages.length - this.#head;
    if (
      this.#isFull &&
      this.#unreadBytes <= UNREAD_BYTES_MAX / 2 &&
      unread <= UNREAD_MESSAGES_MAX / 2
    ) {
      this.#isFull = false;
      this.#events.onRoom();
    }
  }

  #drop(): void {
    this.#messages = [];
    this.#head = 0;
    this.#unreadBytes = 0;
    if (!this.#isFull) return;
    this.#isFull = false;
    this.#events.onRoom();
  }
}
