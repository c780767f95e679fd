import { assert, present } from "@cairnfs/base/assert";
import { type Disk, hasErrorCode } from "@cairnfs/base/disk";
import { CairnError } from "@cairnfs/base/errors";
import type { Random } from "@cairnfs/base/random";
import type { SpaceLedger } from "../space-ledger.ts";
import type { SpareRoom } from "../spare-room.ts";
import { storeError } from "../store-error.ts";
import { type AppendFile, DirectAppender } from "./direct-appender.ts";
import { FooterBuilder } from "./footer-builder.ts";
import {
  encodeRecordHead,
  paddingOf,
  type RecordHead,
  recordBytesOf,
  SALT_BYTES,
} from "./record.ts";
import type { SegmentFiles } from "./segment-files.ts";
import { encodeSegmentHeader, SEGMENT_HEADER_BYTES } from "./segment-format.ts";

/** A record that is to be written. */
export interface NewRecord extends RecordHead {
  readonly blockChecksums: readonly number[];
  readonly data: readonly Uint8Array[];
  /** Whether the disk's spare room may be used for it: it frees space, or keeps a promise. */
  readonly isUrgent: boolean;
}

export interface Location {
  readonly segment: number;
  readonly offset: number;
}

export interface SegmentLogParts {
  readonly disk: Disk;
  readonly folder: string;
  readonly random: Random;
  readonly ledger: SpaceLedger;
  readonly files: SegmentFiles;
  readonly spare: SpareRoom;
  /** Page-aligned memory through which segments are written past the system's cache; undefined to write through the cache. */
  readonly staging: Buffer | undefined;
  /** Is told of each record, in the order of the log, when it is durable and before its `append` resolves. */
  readonly onDurable: (record: RecordHead, location: Location) => void;
  /** Is told of a segment when it takes no more records. */
  readonly onSealed: (segment: number, sizeBytes: number) => void;
  readonly onStarted: (segment: number) => void;
}

export interface SegmentLogOptions {
  /** A segment is sealed when it is so long, */
  readonly segmentBytesMax: number;
  /** or has so many records, which bounds the memory for its footer. */
  readonly recordsMax: number;
}

/** The segment that takes records. */
export interface ActiveSegment {
  readonly number: number;
  readonly salt: Uint8Array;
  readonly file: AppendFile;
  sizeBytes: number;
  readonly footer: FooterBuilder;
}

interface Pending {
  readonly record: NewRecord;
  readonly resolve: (location: Location) => void;
  readonly reject: (error: unknown) => void;
}

interface Chore {
  readonly work: () => Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

const BATCH_BYTES_MAX = 8 * 1024 * 1024;
const BATCH_RECORDS_MAX = 512;
const LAZY_RECORDS_MAX = 1024;

/**
 * Appends records to the newest segment. Those that are asked for while the disk is busy go out together, with one write and one
 * sync; each `append` resolves when its record is durable.
 */
export class SegmentLog {
  readonly #parts: SegmentLogParts;
  readonly #options: SegmentLogOptions;
  #active: ActiveSegment | undefined;
  #nextNumber: number;
  readonly #pending: Pending[] = [];
  #lazy: NewRecord[] = [];
  readonly #chores: Chore[] = [];
  #running: Promise<void> | undefined;
  #isRunning = false;
  /** After a failure, what lies behind the last durable record must go before anything is written again. */
  #needsRepair = false;

  constructor(
    parts: SegmentLogParts,
    options: SegmentLogOptions,
    start: { readonly nextNumber: number; readonly active: ActiveSegment | undefined },
  ) {
    this.#parts = parts;
    this.#options = options;
    this.#nextNumber = start.nextNumber;
    this.#active = start.active;
  }

  /** The segment that takes records; undefined when the next record starts one. */
  get activeSegment(): number | undefined {
    return this.#active?.number;
  }

  get activeBytes(): number {
    return this.#active?.sizeBytes ?? 0;
  }

  /** Resolves when the record is durable; when it rejects, nothing of it is in the log, now or after a restart. */
  append(record: NewRecord): Promise<Location> {
    return new Promise((resolve, reject) => {
      this.#pending.push({ record, resolve, reject });
      this.#start();
    });
  }

  /** Writes a record together with the next others; it may be lost in a crash until then. */
  appendLazily(record: NewRecord): void {
    this.#lazy.push(record);
    if (this.#lazy.length >= LAZY_RECORDS_MAX) this.#start();
  }

  /**
   * Resolves when the log says on the disk what it said last. After a failed write it might not: what was answered with an error
   * could be found after a restart, so nobody may be told yes on the strength of what is known.
   */
  async confirm(): Promise<void> {
    if (this.#needsRepair) await this.#chore(() => this.#repair());
  }

  /** Ends the newest segment, so that it can be compacted. */
  seal(): Promise<void> {
    return this.#chore(async () => {
      if (this.#active !== undefined) await this.#sealActive(this.#active);
    });
  }

  /** Takes no more records into a segment whose file is gone. */
  forsake(segment: number): Promise<void> {
    return this.#chore(async () => {
      const active = this.#active;
      if (active?.number !== segment) return;
      this.#active = undefined;
      this.#needsRepair = false;
      this.#parts.onSealed(segment, active.sizeBytes);
      await active.file.close();
    });
  }

  async close(): Promise<void> {
    if (this.#lazy.length > 0) this.#start();
    while (this.#isRunning) await this.#running;
    const active = this.#active;
    this.#active = undefined;
    await active?.file.close();
  }

  #start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#running = this.#run();
  }

  async #run(): Promise<void> {
    // One turn, so that those who ask at once are in one batch.
    await undefined;
    do {
      await this.#doChores();
      const batch = this.#takeBatch();
      const lazy = this.#lazy.splice(0).map(withoutWaiting);
      await this.#write([...batch, ...lazy]);
    } while (this.#pending.length > 0 || this.#chores.length > 0);
    // Nothing is awaited from the last look at the queues to here, so nobody is forgotten.
    this.#isRunning = false;
  }

  /** Has something done between two batches. */
  #chore(work: () => Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#chores.push({ work, resolve, reject });
      this.#start();
    });
  }

  async #doChores(): Promise<void> {
    for (const { work, resolve, reject } of this.#chores.splice(0)) {
      try {
        await work();
        resolve();
      } catch (error) {
        reject(storeError(error, "keeping the log"));
      }
    }
  }

  #takeBatch(): Pending[] {
    let count = 0;
    let sizeBytes = 0;
    for (const { record } of this.#pending) {
      sizeBytes += recordBytesOf(record.lengthBytes);
      if (count > 0 && (sizeBytes > BATCH_BYTES_MAX || count >= BATCH_RECORDS_MAX)) break;
      count += 1;
    }
    return this.#pending.splice(0, count);
  }

  async #write(batch: readonly Pending[]): Promise<void> {
    try {
      await this.#writeDurably(batch);
    } catch (error) {
      const isFull = hasErrorCode(error, "ENOSPC", "EDQUOT");
      const urgent = isFull ? batch.filter(({ record }) => record.isUrgent) : [];
      for (const pending of batch) {
        if (!urgent.includes(pending)) pending.reject(storeError(error, "writing to the log"));
      }
      if (urgent.length > 0) await this.#writeIntoSpareRoom(urgent);
    }
  }

  async #writeIntoSpareRoom(urgent: readonly Pending[]): Promise<void> {
    try {
      await this.#parts.spare.release();
      await this.#writeDurably(urgent);
    } catch (error) {
      for (const pending of urgent) pending.reject(storeError(error, "writing to the log"));
    }
  }

  /** Writes and syncs all of `batch`, or leaves the log as it was and throws. */
  async #writeDurably(batch: readonly Pending[]): Promise<void> {
    if (batch.length === 0) return;
    await this.#repair();
    const active = await this.#activeFor(batch);
    const parts: Uint8Array[] = [];
    const offsets: number[] = [];
    let endOffset = active.sizeBytes;
    for (const { record } of batch) {
      offsets.push(endOffset);
      parts.push(encodeRecordHead(record, active.salt), ...record.data);
      const padding = paddingOf(record.lengthBytes);
      if (padding.byteLength > 0) parts.push(padding);
      endOffset += recordBytesOf(record.lengthBytes);
    }
    try {
      await active.file.write(parts, active.sizeBytes);
      await active.file.sync();
    } catch (error) {
      this.#needsRepair = true;
      // Done at once so that a restart finds nothing of what failed; if this fails too, nothing is written before it went well.
      await this.#repair().catch(() => undefined);
      throw error;
    }
    this.#parts.ledger.add(endOffset - active.sizeBytes);
    active.sizeBytes = endOffset;
    for (const [index, { record, resolve }] of batch.entries()) {
      const location = { segment: active.number, offset: present(offsets[index], "placed") };
      active.footer.add({ ...record, offset: location.offset });
      this.#parts.onDurable(record, location);
      resolve(location);
    }
  }

  async #repair(): Promise<void> {
    if (!this.#needsRepair) return;
    const active = present(this.#active, "what failed was a write to the active segment");
    await active.file.truncate(active.sizeBytes);
    await active.file.sync();
    this.#needsRepair = false;
  }

  async #activeFor(batch: readonly Pending[]): Promise<ActiveSegment> {
    const active = this.#active;
    if (active !== undefined) {
      let endOffset = active.sizeBytes;
      for (const { record } of batch) endOffset += recordBytesOf(record.lengthBytes);
      const entryCount = active.footer.count + batch.length;
      const isRoomy =
        endOffset <= this.#options.segmentBytesMax && entryCount <= this.#options.recordsMax;
      if (isRoomy || active.footer.count === 0) return active;
      await this.#sealActive(active);
    }
    return this.#startSegment();
  }

  async #startSegment(): Promise<ActiveSegment> {
    assert(this.#nextNumber < 2 ** 32, "segment numbers have 32 bits");
    const number = this.#nextNumber;
    // Never used again, also when making it fails half-way.
    this.#nextNumber += 1;
    const salt = this.#parts.random.bytes(SALT_BYTES);
    const file = await this.#makeFile(number, encodeSegmentHeader({ number, salt }));
    this.#parts.ledger.add(SEGMENT_HEADER_BYTES);
    this.#parts.onStarted(number);
    const active = {
      number,
      salt,
      file,
      sizeBytes: SEGMENT_HEADER_BYTES,
      footer: new FooterBuilder(),
    };
    this.#active = active;
    return active;
  }

  /** A new segment's file, durably there with its header. */
  async #makeFile(number: number, header: Uint8Array): Promise<AppendFile> {
    const { disk, files, folder, staging } = this.#parts;
    const path = files.path(number);
    const file = await disk.open(path, "create");
    try {
      await file.write([header], 0);
      await file.sync();
      await disk.syncFolder(folder);
      if (staging === undefined) return file;
      const direct = await disk.open(path, "update", { isDirect: true });
      await file.close();
      return new DirectAppender(direct, staging);
    } catch (error) {
      await file.close();
      await disk.remove(path).catch(() => undefined);
      throw error;
    }
  }

  /** Writes the footer; a segment that ends without one is scanned when the store is opened. */
  async #sealActive(active: ActiveSegment): Promise<void> {
    await this.#repair();
    const footer = active.footer.encode(active);
    const footerBytes = footer.reduce((sum, part) => sum + part.byteLength, 0);
    let sizeBytes = active.sizeBytes;
    try {
      await active.file.write(footer, active.sizeBytes);
      // The trailer is found by the file's end.
      await active.file.truncate(active.sizeBytes + footerBytes);
      await active.file.sync();
      sizeBytes += footerBytes;
      this.#parts.ledger.add(footerBytes);
    } catch (error) {
      if (storeError(error, "") === error) throw error;
      await active.file.truncate(active.sizeBytes).catch(() => undefined);
    }
    await active.file.close();
    this.#active = undefined;
    this.#parts.onSealed(active.number, sizeBytes);
  }
}

function withoutWaiting(record: NewRecord): Pending {
  return { record, resolve: () => undefined, reject: () => undefined };
}

/** The error of those who come when the store is closed. */
export function closedError(): CairnError {
  return new CairnError("shuttingDown", "the store is closed");
}
