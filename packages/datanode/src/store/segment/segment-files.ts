import { join } from "node:path";
import type { Disk, DiskFile } from "@cairnfs/base/disk";
import { LruMap } from "../lru-map.ts";
import { segmentName } from "./segment-format.ts";
import { closedError } from "./segment-log.ts";

const OPEN_MAX = 128;

interface OpenSegment {
  readonly file: DiskFile;
  users: number;
  isEvicted: boolean;
}

/** The segments' files, open for reading while they are in use and some time after. */
export class SegmentFiles {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #open = new LruMap<number, Promise<OpenSegment>>(OPEN_MAX);
  #isClosed = false;

  constructor(disk: Disk, folder: string) {
    this.#disk = disk;
    this.#folder = folder;
  }

  path(number: number): string {
    return join(this.#folder, segmentName(number));
  }

  /**
   * Lets `task` use the file of a segment. Removing the segment meanwhile does not disturb it.
   * Rejects with the disk's ENOENT when the segment is gone, and with `shuttingDown` once this is closed.
   */
  async use<T>(number: number, task: (file: DiskFile) => Promise<T>): Promise<T> {
    const segment = await this.#acquire(number);
    try {
      return await task(segment.file);
    } finally {
      segment.users -= 1;
      if (segment.isEvicted && segment.users === 0) await segment.file.close();
    }
  }

  /** Removes a segment; it stays away after a crash when this resolves. */
  async remove(number: number): Promise<void> {
    await this.#evict(this.#open.delete(number));
    await this.#disk.remove(this.path(number));
    await this.#disk.syncFolder(this.#folder);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const opening of this.#open.values()) await this.#evict(opening);
  }

  async #acquire(number: number): Promise<OpenSegment> {
    for (;;) {
      if (this.#isClosed) throw closedError();
      const known = this.#open.get(number);
      const opening = known ?? this.#openFile(number);
      if (known === undefined) {
        // The one that goes is closed by whoever uses it last.
        void this.#evict(this.#open.set(number, opening)).catch(() => undefined);
      }
      try {
        const segment = await opening;
        if (segment.isEvicted) continue;
        // Before anything else can run, or it might be closed under us.
        segment.users += 1;
        return segment;
      } catch (error) {
        if (this.#open.get(number) === opening) void this.#open.delete(number);
        throw error;
      }
    }
  }

  async #openFile(number: number): Promise<OpenSegment> {
    const file = await this.#disk.open(this.path(number), "read");
    return { file, users: 0, isEvicted: false };
  }

  async #evict(opening: Promise<OpenSegment> | undefined): Promise<void> {
    const segment = await opening?.catch(() => undefined);
    if (segment === undefined || segment.isEvicted) return;
    segment.isEvicted = true;
    if (segment.users === 0) await segment.file.close();
  }
}
