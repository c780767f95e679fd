import { CairnError } from "@cairnfs/base/errors";
import { type Ledger, RolledBack } from "../ledger.ts";
import { type SortedCursor, SortedMap, type SortedView } from "../sorted-map.ts";
import { LayeredCursor, TOMBSTONE, type View, type Written } from "../view.ts";
import type { ResolvedWrite } from "../write-buffer.ts";
import { encodeCommitBatch, entryBytes } from "./commit-batch.ts";
import type { CommitWriter } from "./commit-writer.ts";
import { type Environment, RESERVED_COMMITS } from "./environment.ts";
import { LmdbSnapshot } from "./lmdb-snapshot.ts";

const GROUP_COMMITS_MAX = 1024;
const GROUP_BYTES_MAX = 8 * 1024 * 1024;

/** Commits that become durable together. */
interface Group {
  readonly writes: SortedMap<Written>;
  commits: number;
  sizeBytes: number;
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

/**
 * The order of commits over an LMDB environment. One group of commits is on its way to the disk while the next one
 * gathers; a view is the durable state with both laid over it.
 */
export class LmdbLedger implements Ledger {
  readonly #environment: Environment;
  readonly #writer: CommitWriter;
  readonly #events: LedgerEvents;
  #sequence: number;
  #validFrom = 0;
  #durableSequence: number;
  #ceiling: number;
  #snapshot: LmdbSnapshot;
  #gathering: Group;
  #writing: Group | undefined;
  #view: LayeredView | undefined;
  /** Falls to one after a failure, so that only those commits fail that have no room of their own. */
  #groupCommitsMax = GROUP_COMMITS_MAX;
  #isWriteDue = false;

  constructor(
    parts: { readonly environment: Environment; readonly writer: CommitWriter },
    firstSequence: number,
    events: LedgerEvents,
  ) {
    this.#environment = parts.environment;
    this.#writer = parts.writer;
    this.#events = events;
    this.#sequence = firstSequence;
    this.#durableSequence = firstSequence;
    this.#ceiling = firstSequence + RESERVED_COMMITS;
    this.#snapshot = new LmdbSnapshot(parts.environment);
    this.#gathering = newGroup(firstSequence);
  }

  get sequence(): number {
    return this.#sequence;
  }

  get validFrom(): number {
    return this.#validFrom;
  }

  get isFull(): boolean {
    const { commits, sizeBytes } = this.#gathering;
    return commits >= this.#groupCommitsMax || sizeBytes >= GROUP_BYTES_MAX;
  }

  /** What is durable, held for the caller. */
  durableState(): LmdbSnapshot {
    return this.#snapshot.hold();
  }

  view(): View {
    if (this.#writer.failure !== undefined) throw this.#writer.failure;
    this.#view ??= new LayeredView(this.#sequence, {
      gathering: this.#gathering.writes,
      writing: this.#writing?.writes,
      base: this.#snapshot,
    });
    return this.#view.hold();
  }

  apply(writes: readonly ResolvedWrite[], hasAppends: boolean): void {
    const group = this.#gathering;
    this.#view?.detach();
    this.#view = undefined;
    for (const { key, written } of writes) {
      group.writes.set(key, written);
      group.sizeBytes += entryBytes(key, written);
    }
    this.#sequence += 1;
    group.commits += 1;
    group.lastSequence = this.#sequence;
    group.hasAppends ||= hasAppends;
    this.#writeSoon();
  }

  durable(sequence: number): Promise<void> | undefined {
    if (sequence <= this.#durableSequence) return undefined;
    const writing = this.#writing;
    if (writing !== undefined && sequence <= writing.lastSequence) return writing.durable;
    return this.#gathering.durable;
  }

  /** To be called when no transaction is under way: nothing waits to be written then. */
  close(): void {
    this.#snapshot.release();
  }

  /** At the end of this round of the event loop, so that all who are ready now share the group. */
  #writeSoon(): void {
    if (this.#isWriteDue || this.#writing !== undefined) return;
    this.#isWriteDue = true;
    setImmediate(() => {
      this.#isWriteDue = false;
      this.#write();
    });
  }

  #write(): void {
    const group = this.#gathering;
    if (group.commits === 0) return;
    this.#writing = group;
    this.#gathering = newGroup(this.#sequence);
    this.#view = undefined;
    let ceiling = 0;
    if (group.lastSequence + RESERVED_COMMITS / 2 > this.#ceiling) {
      ceiling = this.#ceiling + RESERVED_COMMITS;
    }
    const batch = encodeCommitBatch(group.writes, group.sizeBytes, ceiling);
    this.#writer.write(batch).then(
      () => this.#succeed(group, ceiling),
      (error: unknown) => this.#fail(group, error),
    );
    this.#events.onRoom();
  }

  #succeed(group: Group, ceiling: number): void {
    if (ceiling !== 0) this.#ceiling = ceiling;
    this.#writing = undefined;
    this.#durableSequence = group.lastSequence;
    this.#groupCommitsMax = Math.min(GROUP_COMMITS_MAX, this.#groupCommitsMax * 2);
    this.#snapshot.release();
    this.#snapshot = new LmdbSnapshot(this.#environment);
    this.#view?.detach();
    this.#view = undefined;
    if (group.hasAppends) this.#events.onAppend();
    group.resolve();
    if (this.#gathering.commits > 0) this.#writeSoon();
  }

  /** Undoes everything that is not durable: what was gathered since may be built on what failed. */
  #fail(group: Group, error: unknown): void {
    const gathered = this.#gathering;
    this.#sequence += 1;
    this.#validFrom = this.#sequence;
    this.#durableSequence = this.#sequence;
    this.#writing = undefined;
    this.#gathering = newGroup(this.#sequence);
    this.#view = undefined;
    this.#groupCommitsMax = 1;
    const isLost = this.#writer.failure !== undefined || !(error instanceof CairnError);
    group.reject(group.commits === 1 || isLost ? error : new RolledBack());
    gathered.reject(isLost ? error : new RolledBack());
    this.#events.onRoom();
  }
}

interface Layers {
  readonly gathering: SortedMap<Written>;
  /** It does not change any more. */
  readonly writing: SortedMap<Written> | undefined;
  readonly base: LmdbSnapshot;
}

/** A durable state with newer commits laid over it. */
class LayeredView implements View {
  readonly sequence: number;
  readonly #layers: Layers;
  #gathering: SortedView<Written>;
  #holders = 0;

  constructor(sequence: number, layers: Layers) {
    this.sequence = sequence;
    this.#layers = layers;
    this.#gathering = layers.gathering;
  }

  hold(): this {
    this.#holders += 1;
    this.#layers.base.hold();
    return this;
  }

  release(): void {
    this.#holders -= 1;
    this.#layers.base.release();
  }

  /** To be called before the layer that is gathering changes. A view that nobody holds needs no snapshot. */
  detach(): void {
    if (this.#holders > 0) this.#gathering = this.#layers.gathering.snapshot();
  }

  get(keyText: string, key: Uint8Array): Uint8Array | undefined {
    const written = this.#gathering.get(keyText) ?? this.#layers.writing?.get(keyText);
    if (written === undefined) return this.#layers.base.get(key);
    return written === TOMBSTONE ? undefined : Buffer.from(written);
  }

  cursor(start: string, end: string, isReverse: boolean): SortedCursor<Uint8Array> {
    let cursor = this.#layers.base.cursor(start, end, isReverse);
    for (const layer of [this.#layers.writing, this.#gathering]) {
      if (layer === undefined || layer.isEmpty) continue;
      cursor = new LayeredCursor(
        { cursor: layer.cursor(start, end, isReverse) },
        cursor,
        isReverse,
      );
    }
    return cursor;
  }
}

function newGroup(lastSequence: number): Group {
  let resolve: () => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const durable = new Promise<void>((resolveDurable, rejectDurable) => {
    resolve = resolveDurable;
    reject = rejectDurable;
  });
  // Who waits hears of a failure; a group that nobody waits for may fail unheard.
  durable.catch(() => undefined);
  return {
    writes: new SortedMap(),
    commits: 0,
    sizeBytes: 0,
    lastSequence,
    hasAppends: false,
    durable,
    resolve,
    reject,
  };
}
