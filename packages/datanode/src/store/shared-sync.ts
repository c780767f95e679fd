import type { Disk } from "@cairnfs/base/disk";

/** Folder syncs that who asks at the same time shares: each is covered by one that began after it asked. */
export class SharedSync {
  readonly #disk: Disk;
  readonly #running = new Map<string, Promise<void>>();
  readonly #failed = new Set<string>();
  readonly #waiting = new Map<string, Promise<void>>();

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  /** Resolves when what was done in the folder before the call survives a crash. */
  sync(path: string): Promise<void> {
    const running = this.#running.get(path);
    if (running === undefined) return this.#start(path);
    let next = this.#waiting.get(path);
    if (next === undefined) {
      // The one that runs may have begun before our change; its failure is not ours.
      next = running
        .catch(() => undefined)
        .then(() => {
          this.#waiting.delete(path);
          return this.#start(path);
        });
      this.#waiting.set(path, next);
    }
    return next;
  }

  /** Whether what was done in the folder survives a crash: no sync of it runs, and the last went well. */
  isSettled(path: string): boolean {
    return !this.#running.has(path) && !this.#failed.has(path);
  }

  /** Whether the last sync of some folder failed. */
  get hasFailed(): boolean {
    return this.#failed.size > 0;
  }

  /** Resolves when nothing is left in the folder that a failed sync did not make durable. */
  async settle(path: string): Promise<void> {
    if (this.#failed.has(path)) await this.sync(path);
  }

  #start(path: string): Promise<void> {
    const sync = this.#sync(path).finally(() => {
      if (this.#running.get(path) === sync) this.#running.delete(path);
    });
    this.#running.set(path, sync);
    return sync;
  }

  async #sync(path: string): Promise<void> {
    try {
      await this.#disk.syncFolder(path);
      this.#failed.delete(path);
    } catch (error) {
      this.#failed.add(path);
      throw error;
    }
  }
}
