import { setMaxListeners } from "node:events";
import type { Closable } from "./lifecycle.ts";
import { runWorker, type Worker, type WorkerParts } from "./worker.ts";

/** Workers that run until they are closed together. */
export class BackgroundWork implements Closable {
  readonly #stop = new AbortController();
  readonly #running: Promise<void>[] = [];
  readonly #parts: WorkerParts;

  constructor(parts: WorkerParts) {
    this.#parts = parts;
    // Every call that a worker has under way listens to the one signal.
    setMaxListeners(0, this.#stop.signal);
  }

  start(worker: Worker): void {
    this.#running.push(runWorker(worker, this.#parts, this.#stop.signal));
  }

  /** Resolves when every worker has come to the end of its step. */
  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#running);
  }
}
