/** What was started and must be stopped. */
export interface Closable {
  close(): Promise<void>;
}

/** Parts that were started in order are stopped in reverse, once, however often `close` is called. */
export class Lifecycle implements Closable {
  readonly #parts: Closable[] = [];
  #closing: Promise<void> | undefined;

  /** Adds a part that is running and gives it back. */
  add<T extends Closable>(part: T): T {
    this.#parts.push(part);
    return part;
  }

  /** Resolves when every part has stopped; one that fails does not keep the others from stopping. */
  close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  async #closeAll(): Promise<void> {
    const failures: unknown[] = [];
    for (const part of this.#parts.splice(0).reverse()) {
      await part.close().catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw new AggregateError(failures, "parts failed to stop");
  }
}

/** What is closed by a call of `stop`. */
export function closing(stop: () => unknown): Closable {
  return {
    close: async () => {
      await stop();
    },
  };
}
