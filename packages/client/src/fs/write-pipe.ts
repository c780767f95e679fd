import { CairnError } from "@cairnfs/base/errors";

/** Bytes from calls that write to a reader who asks: each write resolves when its bytes have been used. */
export class WritePipe implements AsyncIterable<Uint8Array> {
  #queued:
    | {
        readonly bytes: Uint8Array;
        readonly used: () => void;
        readonly failed: (error: unknown) => void;
      }
    | undefined;
  #hasEnded = false;
  #failure: { readonly error: unknown } | undefined;
  #wakeReader: (() => void) | undefined;

  /** Hands `bytes` over; the caller's again when this resolves. One write at a time. */
  write(bytes: Uint8Array): Promise<void> {
    return new Promise((used, failed) => {
      if (this.#failure !== undefined) {
        failed(this.#failure.error);
        return;
      }
      if (this.#queued !== undefined || this.#hasEnded) {
        failed(new CairnError("invalidArgument", "one write at a time, and none after the end"));
        return;
      }
      this.#queued = { bytes, used, failed };
      this.#wakeReader?.();
    });
  }

  /** No more bytes come. */
  end(): void {
    this.#hasEnded = true;
    this.#wakeReader?.();
  }

  /** The reader is gone: writes under way and to come fail with `error`. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#queued?.failed(error);
    this.#queued = undefined;
    this.#wakeReader?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure.error;
      const queued = this.#queued;
      if (queued !== undefined) {
        yield queued.bytes;
        // Asked for more: these bytes are used.
        if (this.#queued === queued) this.#queued = undefined;
        queued.used();
        continue;
      }
      if (this.#hasEnded) return;
      await new Promise<void>((resolve) => {
        this.#wakeReader = resolve;
      });
      this.#wakeReader = undefined;
    }
  }
}
