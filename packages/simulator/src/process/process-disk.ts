import type {
  Disk,
  DiskEntry,
  DiskFile,
  DiskSpace,
  OpenMode,
  OpenOptions,
} from "@cairnfs/base/disk";
import type { Closable } from "@cairnfs/base/lifecycle";
import type { FaultDisk } from "@cairnfs/base/testing/fault-disk";
import type { Chance } from "../schedule/chance.ts";
import type { SimProcess } from "./sim-process.ts";

/** How fast a disk is. */
export interface DiskPace {
  /** A sync takes about so long. */
  syncMs: number;
  /** So many of all other operations take time at all. */
  waitShare: number;
  /** Nothing is done before this time. */
  stalledUntilMs: number;
}

/**
 * A disk as one life of a process has it: operations take virtual time, and when the process is killed those that have not been done
 * yet never are, and none is answered any more.
 */
export class ProcessDisk implements Disk {
  readonly #disk: FaultDisk;
  readonly #process: SimProcess;
  readonly #pace: DiskPace;
  readonly #random: Chance;

  constructor(disk: FaultDisk, process: SimProcess, pace: DiskPace) {
    this.#disk = disk;
    this.#process = process;
    this.#pace = pace;
    this.#random = process.random.branch("disk");
  }

  async open(path: string, mode: OpenMode, options?: OpenOptions): Promise<DiskFile> {
    const file = await this.#do("open", () => this.#disk.open(path, mode, options));
    return {
      read: (into, position) => this.#do("read", () => file.read(into, position)),
      write: (parts, position) => this.#do("write", () => file.write(parts, position)),
      sync: () => this.#do("sync", () => file.sync()),
      truncate: (sizeBytes) => this.#do("truncate", () => file.truncate(sizeBytes)),
      sizeBytes: () => this.#do("size", () => file.sizeBytes()),
      close: () => this.#do("close", () => file.close()),
    };
  }

  rename(from: string, to: string): Promise<void> {
    return this.#do("rename", () => this.#disk.rename(from, to));
  }

  remove(path: string): Promise<void> {
    return this.#do("remove", () => this.#disk.remove(path));
  }

  makeFolder(path: string): Promise<void> {
    return this.#do("makeFolder", () => this.#disk.makeFolder(path));
  }

  removeFolder(path: string): Promise<void> {
    return this.#do("removeFolder", () => this.#disk.removeFolder(path));
  }

  list(path: string): Promise<DiskEntry[]> {
    return this.#do("list", () => this.#disk.list(path));
  }

  syncFolder(path: string): Promise<void> {
    return this.#do("sync", () => this.#disk.syncFolder(path));
  }

  space(path: string): Promise<DiskSpace> {
    return this.#do("space", () => this.#disk.space(path));
  }

  fileBytes(path: string): Promise<number | undefined> {
    return this.#do("size", () => this.#disk.fileBytes(path));
  }

  /** A world never runs two processes on one disk, and a killed one lets go of its locks. */
  async lockFolder(_path: string): Promise<Closable | undefined> {
    return { close: async () => undefined };
  }

  async #do<T>(operation: string, act: () => Promise<T>): Promise<T> {
    const waitMs = this.#waitMs(operation);
    if (waitMs > 0) await this.#wait(waitMs);
    if (!this.#process.isAlive) return never();
    try {
      const outcome = await act();
      return this.#process.isAlive ? outcome : await never<T>();
    } catch (error) {
      if (!this.#process.isAlive) return never();
      throw error;
    }
  }

  #waitMs(operation: string): number {
    const { scheduler } = this.#process;
    const { syncMs, waitShare, stalledUntilMs } = this.#pace;
    const stallMs = Math.max(0, stalledUntilMs - scheduler.nowMs);
    if (operation === "sync") return stallMs + this.#random.aboutMs(syncMs);
    if (operation === "close") return 0;
    return stallMs + (this.#random.is(waitShare) ? this.#random.aboutMs(syncMs / 10) : 0);
  }

  #wait(waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#process.scheduler.after(waitMs, () => this.#process.deliver(resolve));
    });
  }
}

/** What a process that was killed waits for. */
export function never<T>(): Promise<T> {
  return new Promise<T>(() => undefined);
}
