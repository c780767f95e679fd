import type { CairnClient } from "@cairnfs/client";
import { bytesOf } from "@cairnfs/testkit/content";
import { expectContent } from "./verify.ts";

const FILES = 60;

/** A client that puts files, replaces them and reads them back until it is told to stop. No failure of a call is forgiven. */
export class ClientLoad {
  readonly #client: CairnClient;
  readonly #folder: string;
  readonly #sizesBytes: readonly number[];
  readonly #stored = new Map<string, { readonly seed: number; readonly sizeBytes: number }>();
  readonly #running: Promise<void>;
  #isStopped = false;
  #puts = 0;
  #reads = 0;
  #failure: { readonly error: unknown } | undefined;

  constructor(client: CairnClient, folder: string, sizesBytes: readonly number[]) {
    this.#client = client;
    this.#folder = folder;
    this.#sizesBytes = sizesBytes;
    this.#running = this.#run().catch((error: unknown) => {
      this.#failure = { error };
    });
  }

  /** How many times a file was put, and one was read. */
  get done(): { readonly puts: number; readonly reads: number } {
    this.check();
    return { puts: this.#puts, reads: this.#reads };
  }

  /** Throws what a call has failed with, if any has. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Ends the load and reads every file once more. */
  async finish(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
    this.check();
    for (const [path, content] of this.#stored) {
      await expectContent(this.#client, path, content);
    }
  }

  async #run(): Promise<void> {
    for (let number = 1; !this.#isStopped; number++) {
      const path = `${this.#folder}/${number % FILES}`;
      const seed = 1000 + number;
      const sizeBytes = this.#sizesBytes[number % this.#sizesBytes.length] ?? 1;
      await this.#client.put(path, await bytesOf(seed, sizeBytes), {
        parents: true,
        chunkSizeBytes: 1024 * 1024,
      });
      this.#stored.set(path, { seed, sizeBytes });
      this.#puts += 1;
      const others = [...this.#stored];
      const again = others[(number * 7) % others.length];
      if (again === undefined) continue;
      await expectContent(this.#client, ...again);
      this.#reads += 1;
    }
  }
}
