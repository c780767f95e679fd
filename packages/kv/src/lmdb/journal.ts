import { join } from "node:path";
import { assert } from "@cairnfs/base/assert";
import { type Disk, type DiskFile, hasErrorCode, readFully } from "@cairnfs/base/disk";
import { CairnError } from "@cairnfs/base/errors";
import type { Closable } from "@cairnfs/base/lifecycle";
import { type JournalRecord, type RecordBuilder, readRecords } from "./journal-record.ts";

const NAME = /^journal-\d+$/u;
/** One is written while what the other holds is on its way into LMDB. */
const FILES = 2;
const NO_ROOM = ["ENOSPC", "EDQUOT", "EFBIG"] as const;

interface JournalFile {
  readonly file: DiskFile;
  /** Where the next record goes. */
  sizeBytes: number;
  /** The number of the last commit in it. */
  last: number;
}

/**
 * The groups of commits that are not all in LMDB yet, in a few files that are written from front to back and used again.
 * A record is durable with one write and one sync of blocks that mostly exist already.
 */
export class Journal implements Closable {
  /** The last one is written. */
  readonly #files: JournalFile[];
  /** The last commit that is durable. */
  #last: number;
  #isWriting = false;
  #failure: CairnError | undefined;
  readonly #salt: Uint8Array;

  private constructor(files: JournalFile[], last: number, salt: Uint8Array) {
    this.#files = files;
    this.#last = last;
    this.#salt = salt;
  }

  /**
   * Opens the journal in `folder`, or makes it, and hands over the records of commits above `applied`, oldest first.
   * A journal in which one is missing or damaged is `storeFailed`. `salt` is the store's secret of 8 bytes.
   */
  static async open(
    folder: string,
    disk: Disk,
    {
      applied,
      salt,
      fileBytes = 0,
    }: {
      readonly applied: number;
      readonly salt: Uint8Array;
      /** Each file takes so much of the disk from the beginning, if there is room. */
      readonly fileBytes?: number;
    },
  ): Promise<{ readonly journal: Journal; readonly records: readonly JournalRecord[] }> {
    const names = (await disk.list(folder)).map((entry) => entry.name).filter(isJournalName);
    const files: JournalFile[] = [];
    const found: JournalRecord[] = [];
    try {
      for (const name of names) {
        const file = await disk.open(join(folder, name), "update");
        const opened: JournalFile = { file, sizeBytes: 0, last: 0 };
        files.push(opened);
        const records = readRecords(await readWhole(file), { applied, salt });
        const newest = records.at(-1);
        opened.last = newest?.last ?? 0;
        opened.sizeBytes = newest === undefined ? 0 : newest.offsetBytes + newest.sizeBytes;
        for (const record of records) if (record.last > applied) found.push(record);
      }
      for (let at = files.length; at < FILES; at++) {
        const file = await disk.open(join(folder, `journal-${at}`), "write");
        files.push({ file, sizeBytes: 0, last: 0 });
      }
      for (const { file } of files) await takeRoom(file, fileBytes);
      // The name of a file must be durable before anything in it can be.
      await disk.syncFolder(folder);
      files.sort((a, b) => a.last - b.last);
      found.sort((a, b) => a.last - b.last);
      const journal = new Journal(files, requireUnbroken(found, applied, folder), salt);
      journal.release(applied);
      return { journal, records: found };
    } catch (error) {
      for (const { file } of files) await file.close();
      throw error;
    }
  }

  /** The number of the last commit that is durable. */
  get last(): number {
    return this.#last;
  }

  /** What the records take that LMDB may not have yet, and those beside them. */
  get sizeBytes(): number {
    return this.#files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  /** Why nothing can be written any more, if so. */
  get failure(): CairnError | undefined {
    return this.#failure;
  }

  /**
   * Makes a record of the commits up to `last` durable, one at a time. When it rejects, with `storeFull` or
   * `storeFailed`, the record is not stored; only when `failure` is set is that not known.
   */
  async append(record: RecordBuilder, last: number): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    const current = this.#files.at(-1);
    assert(!this.#isWriting && current !== undefined, "records are written one at a time");
    this.#isWriting = true;
    try {
      const bytes = record.finish(this.#salt, this.#last, last);
      try {
        await current.file.write([bytes], current.sizeBytes);
        await current.file.sync();
      } catch (error) {
        // It may be on the disk all the same, and would be found there.
        await this.#erase(current, error);
        throw error;
      }
      current.sizeBytes += bytes.byteLength;
      current.last = last;
      this.#last = last;
    } catch (error) {
      throw this.#failure ?? explained(error);
    } finally {
      this.#isWriting = false;
    }
  }

  /** Turns to a file without anything that is still needed, if there is one, so that `release` can let go of this one. */
  turn(): void {
    assert(!this.#isWriting, "the journal turns between two records");
    const free = this.#files.findIndex(({ sizeBytes }) => sizeBytes === 0);
    if (free >= 0) this.#files.push(...this.#files.splice(free, 1));
  }

  /** Commits up to `applied` are in LMDB, durably: files with no others may be written over. */
  release(applied: number): void {
    for (const [at, file] of this.#files.entries()) {
      const isCurrent = at === this.#files.length - 1;
      if (file.last <= applied && !(isCurrent && this.#isWriting)) file.sizeBytes = 0;
    }
  }

  async close(): Promise<void> {
    for (const { file } of this.#files) await file.close();
  }

  async #erase(current: JournalFile, cause: unknown): Promise<void> {
    try {
      const beginning = new Uint8Array(4);
      const readBytes = await readFully(current.file, beginning, current.sizeBytes);
      if (beginning.every((byte) => byte === 0)) return;
      await current.file.write([beginning.fill(0).subarray(0, readBytes)], current.sizeBytes);
      await current.file.sync();
    } catch {
      this.#failure = new CairnError("storeFailed", "the journal cannot be synced", { cause });
    }
  }
}

/** Zeros end the records of a file. A disk that is full leaves the file as long as it is. */
async function takeRoom(file: DiskFile, sizeBytes: number): Promise<void> {
  const hasBytes = await file.sizeBytes();
  if (hasBytes >= sizeBytes) return;
  try {
    await file.write([Buffer.alloc(sizeBytes - hasBytes)], hasBytes);
    await file.sync();
  } catch (error) {
    if (!hasErrorCode(error, ...NO_ROOM)) throw error;
  }
}

function isJournalName(name: string): boolean {
  return NAME.test(name);
}

async function readWhole(file: DiskFile): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafeSlow(await file.sizeBytes());
  return bytes.subarray(0, await readFully(file, bytes, 0));
}

/** Each record must begin where the one before it ended: the last commit of all. */
function requireUnbroken(
  records: readonly JournalRecord[],
  applied: number,
  folder: string,
): number {
  let last = applied;
  for (const record of records) {
    if (record.above !== last) {
      throw new CairnError(
        "storeFailed",
        `the journal in ${folder} goes on after commit ${record.above}, expected ${last}`,
      );
    }
    last = record.last;
  }
  return last;
}

function explained(error: unknown): CairnError {
  if (hasErrorCode(error, ...NO_ROOM)) {
    return new CairnError("storeFull", "the disk of the metadata store is full", { cause: error });
  }
  return new CairnError("storeFailed", "the journal cannot be written", { cause: error });
}
