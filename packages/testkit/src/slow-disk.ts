import type { Clock } from "@cairnfs/base/clock";
import type {
  Disk,
  DiskEntry,
  DiskFile,
  DiskSpace,
  OpenMode,
  OpenOptions,
} from "@cairnfs/base/disk";
import type { Closable } from "@cairnfs/base/lifecycle";

/** A disk that takes what is written at a set pace. Everything else is as quick as the disk behind it. */
export class SlowDisk implements Disk {
  readonly #disk: Disk;
  readonly #clock: Clock;
  readonly #bytesPerSecond: number;

  constructor(disk: Disk, clock: Clock, bytesPerSecond: number) {
    this.#disk = disk;
    this.#clock = clock;
    this.#bytesPerSecond = bytesPerSecond;
  }

  async open(path: string, mode: OpenMode, options?: OpenOptions): Promise<DiskFile> {
    const file = await this.#disk.open(path, mode, options);
    return {
      read: (into, position) => file.read(into, position),
      write: async (parts, position) => {
        const sizeBytes = parts.reduce((sum, part) => sum + part.byteLength, 0);
        await this.#clock.sleep((sizeBytes / this.#bytesPerSecond) * 1000);
        await file.write(parts, position);
      },
      sync: () => file.sync(),
      truncate: (sizeBytes) => file.truncate(sizeBytes),
      sizeBytes: () => file.sizeBytes(),
      close: () => file.close(),
    };
  }

  rename(from: string, to: string): Promise<void> {
    return this.#disk.rename(from, to);
  }

  remove(path: string): Promise<void> {
    return this.#disk.remove(path);
  }

  makeFolder(path: string): Promise<void> {
    return this.#disk.makeFolder(path);
  }

  removeFolder(path: string): Promise<void> {
    return this.#disk.removeFolder(path);
  }

  list(path: string): Promise<DiskEntry[]> {
    return this.#disk.list(path);
  }

  syncFolder(path: string): Promise<void> {
    return this.#disk.syncFolder(path);
  }

  space(path: string): Promise<DiskSpace> {
    return this.#disk.space(path);
  }

  fileBytes(path: string): Promise<number | undefined> {
    return this.#disk.fileBytes(path);
  }

  lockFolder(path: string): Promise<Closable | undefined> {
    return this.#disk.lockFolder(path);
  }
}
