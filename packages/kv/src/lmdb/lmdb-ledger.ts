import type { Clock, Timer } from "@cairnfs/base/clock";
import { CairnError, hasReason } from "@cairnfs/base/errors";
import { type Ledger, RolledBack } from "../ledger.ts";
import type { View, Written } from "../view.ts";
import type { ResolvedWrite } from "../write-buffer.ts";
import { type BatchNumbers, encodeCommitBatch } from "./commit-batch.ts";
import type { CommitWriter } from "./commit-writer.ts";
import type { DiskReserve } from "./disk-reserve.ts";
import { type Environment, RESERVED_COMMITS } from "./environment.ts";
import type { Journal } from "./journal.ts";
import { type JournalRecord, RecordBuilder, readEntries } from "./journal-record.ts";
import { DurableSnapshot, type Layers, LedgerView } from "./ledger-view.ts";
import { LmdbSnapshot } from "./lmdb-snapshot.ts";
import { Memtable } from "./memtable.ts";

const GROUP_COMMITS_MAX = 1024;
const GROUP_BYTES_MAX = 8 * 1024 * 1024;
/** A group that has so many commits, or has gathered for so long, is written though more may come. */
const GATHERED_COMMITS = 64;
const GATHERING_MS = 1;
/** A checkpoint begins when the journal has so much, or when this long has passed. */
const CHECKPOINT_BYTES = 8 * 1024 * 1024;
const CHECKPOINT_DELAY_MS = 500;
/** The memory of a batch that is larger is not kept for the next. */
const KEPT_BATCH_BYTES = 16 * 1024 * 1024;
/** While a checkpoint goes on, so much more is taken; and this is where it ends when checkpoints fail. */
const JOURNAL_BYTES_MAX = 64 * 1024 * 1024;

/** So many keys are written at a time on a full disk: they touch a few MiB of pages at most. */
const PART_KEYS = 256;
/** Of a part that is not the last: which commits are in LMDB stays as it is. */
const NO_NUMBERS: BatchNumbers = { applied: 0, ceiling: 0 };

/** Commits that become durable together. */
interface Group {
  readonly record: RecordBuilder;
  readonly commits: { readonly sequence: number; readonly writes: readonly ResolvedWrite[] }[];
  lastSequence: number;
  hasAppends: boolean;
  readonly durable: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export interface LedgerEvents {
  /** Commits are taken again. */
  readonly onRoom: () => void;
  /** Appends have become durable. */
  readonly onAppend: () => void;
}

export interface LmdbLedgerParts {
  readonly clock: Clock;
  readonly environment: Environment;
  readonly writer: CommitWriter;
  readonly journal: Journal;
  readonly reserve: DiskReserve;
  /** What the journal had that is not in LMDB. */
  readonly records: readonly JournalRecord[];
}

/**
 * The order of commits over an LMDB environment. One group of commits is on its way into the journal while the next one
 * gathers. All that is not in LMDB yet is in memtables; checkpoints bring what is durable there.
 */
export class LmdbLedger implements Ledger {
  readonly #clock: Clock;
  readonly #environment: Environment;
  readonly #writer: CommitWriter;
  readonly #journal: Journal;
  readonly #reserve: DiskReserve;
  readonly #events: LedgerEvents;
  #sequence: number;
  #validFrom = 0;
  #durableSequence: number;
  #ceiling: number;
  #layers: Layers;
  #gathering: Group;
  #writing: Group | undefined;
  #spareRecord: RecordBuilder | undefined;
  #spareBatch: ArrayBuffer | undefined;
  #viewsHeld = 0;
  /** Falls to one after a failure, so that only those commits fail that have no room of their own. */
  #groupCommitsMax = GROUP_COMMITS_MAX;
  #isWriteDue = false;
  #isCheckpointDue = false;
  #checkpointTimer: Timer | undefined;
  #checkpoint: Promise<void> | undefined;
  #checkpointError: unknown;
  /** The last group found no room in the journal. */
  #isJournalFull = false;

  constructor(parts: LmdbLedgerParts, firstSequence: number, events: LedgerEvents) {
    this.#clock = parts.clock;
    this.#environment = parts.environment;
    this.#writer = parts.writer;
    this.#journal = parts.journal;
    this.#reserve = parts.reserve;
    this.#events = events;
    this.#sequence = firstSequence;
    this.#durableSequence = firstSequence;
    this.#ceiling = firstSequence + RESERVED_COMMITS;
    this.#layers = {
      active: memtableOf(parts.records),
      frozen: undefined,
      base: new LmdbSnapshot(parts.environment),
    };
    this.#gathering = newGroup(firstSequence, new RecordBuilder());
    if (parts.records.length > 0) this.#checkpointSoon();
  }

  get sequence(): number {
    return this.#sequence;
  }

  get validFrom(): number {
    return this.#validFrom;
  }

  get isFull(): boolean {
    const { commits, record } = this.#gathering;
    return commits.length >= this.#groupCommitsMax || record.sizeBytes >= GROUP_BYTES_MAX;
  }

  /** While the reserve is spent, and as long as LMDB cannot take what the journal has. Whoever asks has it tried again. */
  refusesGrowth(): boolean {
    const isFull =
      this.#isJournalFull || this.#reserve.isSpent || hasReason(this.#checkpointError, "storeFull");
    if (isFull) this.#checkpointSoon();
    return isFull;
  }

  /** What is durable, held for the caller. */
  durableState(): DurableSnapshot {
    this.#viewsHeld += 1;
    return new DurableSnapshot(this.#durableSequence, this.#layers, this.#onRelease);
  }

  view(): View {
    const failure = this.#journal.failure ?? this.#writer.failure;
    if (failure !== undefined) throw failure;
    this.#viewsHeld += 1;
    return new LedgerView(this.#sequence, this.#layers, this.#onRelease);
  }

  apply(writes: readonly ResolvedWrite[], hasAppends: boolean): void {
    const group = this.#gathering;
    this.#sequence += 1;
    const sequence = this.#sequence;
    const commit = { sequence, oldestRead: this.#viewsHeld === 0 ? this.#durableSequence : -1 };
    for (const { key, written } of writes) {
      this.#layers.active.add(key, written, commit);
      group.record.add(key, written);
    }
    group.commits.push({ sequence, writes });
    group.lastSequence = sequence;
    group.hasAppends ||= hasAppends;
    this.#writeSoon();
  }

  durable(sequence: number): Promise<void> | undefined {
    if (sequence <= this.#durableSequence) return undefined;
    const writing = this.#writing;
    if (writing !== undefined && sequence <= writing.lastSequence) return writing.durable;
    return this.#gathering.durable;
  }

  /** To be called when no transaction is under way: nothing waits to be written then. Leaves an empty journal if it can. */
  async close(): Promise<void> {
    this.#checkpointTimer?.cancel();
    await this.#checkpoint;
    if (!this.#layers.active.isEmpty) void this.#beginCheckpoint();
    await this.#checkpoint;
    this.#checkpointTimer?.cancel();
    this.#layers.base.release();
  }

  readonly #onRelease = (): void => {
    this.#viewsHeld -= 1;
  };

  /**
   * At the end of this round of the event loop, so that all who are ready now share the group; and while each round
   * brings more, a little later: a group costs as much as several commits.
   */
  #writeSoon(): void {
    if (this.#isWriteDue || this.#writing !== undefined) return;
    this.#isWriteDue = true;
    const startMs = this.#clock.monotonicMs();
    let gathered = 0;
    const look = () => {
      const { length } = this.#gathering.commits;
      const isGrowing = length > gathered && length < GATHERED_COMMITS;
      if (isGrowing && this.#clock.monotonicMs() - startMs < GATHERING_MS) {
        gathered = length;
        setImmediate(look);
        return;
      }
      this.#isWriteDue = false;
      this.#write();
    };
    setImmediate(look);
  }

  #write(): void {
    const group = this.#gathering;
    if (group.commits.length === 0) return;
    this.#writing = group;
    this.#gathering = newGroup(this.#sequence, this.#spareRecord ?? new RecordBuilder());
    this.#spareRecord = undefined;
    this.#append(group).then(
      () => this.#succeed(group),
      (error: unknown) => this.#fail(group, error),
    );
    this.#events.onRoom();
  }

  async #append(group: Group): Promise<void> {
    if (this.#journal.sizeBytes + group.record.sizeBytes > JOURNAL_BYTES_MAX) {
      await (this.#checkpoint ?? this.#beginCheckpoint());
      if (this.#checkpointError !== undefined) throw this.#checkpointError;
    }
    await this.#journal.append(group.record, group.lastSequence);
  }

  #succeed(group: Group): void {
    this.#writing = undefined;
    this.#isJournalFull = false;
    this.#durableSequence = group.lastSequence;
    this.#groupCommitsMax = Math.min(GROUP_COMMITS_MAX, this.#groupCommitsMax * 2);
    group.record.reset();
    this.#spareRecord = group.record;
    if (group.hasAppends) this.#events.onAppend();
    group.resolve();
    if (this.#isCheckpointDue || this.#journal.sizeBytes >= CHECKPOINT_BYTES)
      void this.#beginCheckpoint();
    else this.#checkpointSoon();
    if (this.#gathering.commits.length > 0) this.#writeSoon();
  }

  /** Undoes everything that is not durable: what was gathered since may be built on what failed. */
  #fail(group: Group, error: unknown): void {
    const gathered = this.#gathering;
    this.#isJournalFull = hasReason(error, "storeFull");
    // It makes room in the journal.
    if (this.#isJournalFull) this.#checkpointSoon();
    this.#layers.active.undo(this.#durableSequence);
    this.#layers.frozen?.undo(this.#durableSequence);
    this.#sequence += 1;
    this.#validFrom = this.#sequence;
    this.#durableSequence = this.#sequence;
    this.#writing = undefined;
    this.#gathering = newGroup(this.#sequence, new RecordBuilder());
    this.#groupCommitsMax = 1;
    const isLost = this.#journal.failure !== undefined || !(error instanceof CairnError);
    group.reject(group.commits.length === 1 || isLost ? error : new RolledBack());
    gathered.reject(isLost ? error : new RolledBack());
    this.#events.onRoom();
  }

  #checkpointSoon(): void {
    if (this.#checkpointTimer !== undefined) return;
    this.#checkpointTimer = this.#clock.after(CHECKPOINT_DELAY_MS, () => {
      this.#checkpointTimer = undefined;
      if (this.#writing === undefined) void this.#beginCheckpoint();
      else this.#isCheckpointDue = true;
    });
  }

  /** Begins to bring what is durable into LMDB, unless that goes on already. Not while a group is written. */
  #beginCheckpoint(): Promise<void> {
    if (this.#checkpoint === undefined) {
      this.#isCheckpointDue = false;
      this.#checkpoint = this.#runCheckpoint().finally(() => {
        this.#checkpoint = undefined;
        this.#events.onRoom();
      });
    }
    return this.#checkpoint;
  }

  async #runCheckpoint(): Promise<void> {
    const frozen = this.#layers.active;
    const active = new Memtable();
    for (const group of [this.#writing, this.#gathering]) {
      for (const { sequence, writes } of group?.commits ?? []) {
        for (const { key, written } of writes)
          active.add(key, written, { sequence, oldestRead: -1 });
      }
    }
    const { base } = this.#layers;
    this.#layers = { active, frozen, base };
    const numbers = { applied: this.#journal.last, ceiling: this.#nextCeiling() };
    const writes = frozen.values(this.#durableSequence);
    if (this.#writing === undefined) this.#journal.turn();
    try {
      if (this.#reserve.isSpent) await this.#writeInParts([...writes], numbers);
      else await this.#writeWhole(writes, numbers);
      this.#endCheckpoint(numbers);
    } catch (error) {
      this.#checkpointError = error;
      frozen.join(this.#layers.active);
      this.#layers = { active: frozen, frozen: undefined, base: this.#layers.base };
      this.#checkpointSoon();
    }
    await this.#keepReserve();
  }

  async #writeWhole(
    writes: Iterable<readonly [string, Written]>,
    numbers: BatchNumbers,
  ): Promise<void> {
    const batch = encodeCommitBatch(writes, numbers, this.#spareBatch);
    this.#spareBatch = undefined;
    const memory = await this.#writer.write(batch);
    if (memory !== undefined && memory.byteLength <= KEPT_BATCH_BYTES) this.#spareBatch = memory;
  }

  /**
   * On a full disk: LMDB does not write over pages, so that a large batch needs more of them than there are. Parts of it that are
   * next to each other need few, and what one part frees the next but one can use. Until the last part is there the
   * memtable covers them all, and after a crash the journal writes them again.
   */
  async #writeInParts(
    writes: (readonly [string, Written])[],
    numbers: BatchNumbers,
  ): Promise<void> {
    writes.sort(([a], [b]) => (a < b ? -1 : 1));
    const lastAt = Math.max(0, writes.length - PART_KEYS);
    for (let at = 0; at < lastAt; at += PART_KEYS) {
      const part = writes.slice(at, Math.min(at + PART_KEYS, lastAt));
      await this.#writer.write(encodeCommitBatch(part, NO_NUMBERS));
      this.#renewBase();
    }
    await this.#writeWhole(writes.slice(lastAt), numbers);
  }

  /** Reads from the last state of LMDB on: pages are not used again while somebody reads from before they were free. */
  #renewBase(): void {
    const { base } = this.#layers;
    this.#layers = { ...this.#layers, base: new LmdbSnapshot(this.#environment) };
    base.release();
  }

  /** Gives the reserve up when a checkpoint found no room, and takes it again when one did and there is room for both. */
  async #keepReserve(): Promise<void> {
    try {
      if (this.#checkpointError === undefined) {
        if (this.#reserve.isDue) await this.#reserve.take();
        return;
      }
      if (!hasReason(this.#checkpointError, "storeFull")) return;
      await this.#reserve.spend(() => this.#renewBase());
    } catch (error) {
      this.#checkpointError = error;
    }
  }

  #endCheckpoint({ applied, ceiling }: BatchNumbers): void {
    this.#checkpointError = undefined;
    this.#isJournalFull = false;
    if (ceiling !== 0) this.#ceiling = ceiling;
    this.#journal.release(applied);
    const { active, base } = this.#layers;
    this.#layers = { active, frozen: undefined, base: new LmdbSnapshot(this.#environment) };
    base.release();
    if (!active.isEmpty) this.#checkpointSoon();
  }

  #nextCeiling(): number {
    const isNear = this.#sequence + RESERVED_COMMITS / 2 > this.#ceiling;
    return isNear ? this.#ceiling + RESERVED_COMMITS : 0;
  }
}

function memtableOf(records: readonly JournalRecord[]): Memtable {
  const memtable = new Memtable();
  for (const record of records) {
    const commit = { sequence: record.last, oldestRead: record.last };
    readEntries(record, (key, written) => memtable.add(key, written, commit));
  }
  return memtable;
}

function newGroup(lastSequence: number, record: RecordBuilder): Group {
  let resolve: () => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const durable = new Promise<void>((resolveDurable, rejectDurable) => {
    resolve = resolveDurable;
    reject = rejectDurable;
  });
  // Who waits hears of a failure; a group that nobody waits for may fail unheard.
  durable.catch(() => undefined);
  return { record, commits: [], lastSequence, hasAppends: false, durable, resolve, reject };
}
