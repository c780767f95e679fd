import type {
  Awaitable,
  KvReader,
  KvStore,
  KvTransaction,
  TransactOptions,
} from "@cairnfs/kv/kv-store";
import type { Ledger } from "@cairnfs/kv/ledger";
import { MapView, snapshotOf, writeToMap } from "@cairnfs/kv/memory/map-view";
import { SnapshotReader } from "@cairnfs/kv/snapshot-reader";
import { SortedMap } from "@cairnfs/kv/sorted-map";
import { closed, Transactor } from "@cairnfs/kv/transactor";
import type { View } from "@cairnfs/kv/view";
import type { ResolvedWrite } from "@cairnfs/kv/write-buffer";
import type { SimProcess } from "../process/sim-process.ts";
import type { Chance } from "../schedule/chance.ts";

/** How fast the metadata store is. */
export interface KvPace {
  /** A commit takes about so long to become durable. */
  commitMs: number;
}

interface Commit {
  readonly sequence: number;
  readonly writes: readonly ResolvedWrite[];
  readonly hasAppends: boolean;
}

/** What a metadata store has on its disk: all that was acknowledged, and what was written after it in order. */
export class KvStorage {
  readonly map = new SortedMap<Uint8Array>();
  sequence = 0;
  /** Written, and not durable yet. */
  readonly pending: Commit[] = [];

  /** The next commit is durable. */
  settleOne(): Commit | undefined {
    const commit = this.pending.shift();
    if (commit === undefined) return undefined;
    writeToMap(this.map, commit.writes);
    this.sequence = commit.sequence;
    return commit;
  }

  /** The machine stopped: some of the commits that nobody was told of are there, in order, and the others are not. */
  stop(random: Chance): void {
    for (let kept = random.below(this.pending.length + 1); kept > 0; kept--) this.settleOne();
    this.pending.length = 0;
  }
}

/** The metadata store of one life of a coordinator: bodies see every commit at once, callers hear of it when it is durable. */
export class SimKv implements KvStore {
  readonly #ledger: SimLedger;
  readonly #transactor: Transactor;
  readonly #process: SimProcess;
  #isClosed = false;

  constructor(storage: KvStorage, process: SimProcess, pace: KvPace) {
    this.#process = process;
    this.#ledger = new SimLedger(storage, process, pace);
    this.#transactor = new Transactor(this.#ledger, {
      clock: process.clock,
      random: process.random.branch("kv"),
    });
  }

  transact<T>(body: (tx: KvTransaction) => Awaitable<T>, options?: TransactOptions): Promise<T> {
    return this.#transactor.transact(body, options);
  }

  async read<T>(body: (reader: KvReader) => Awaitable<T>): Promise<T> {
    if (this.#isClosed) throw closed();
    return readStorage(this.#ledger.storage, body);
  }

  onAppend(listener: () => void): () => void {
    this.#ledger.listeners.add(listener);
    return () => void this.#ledger.listeners.delete(listener);
  }

  close(): Promise<void> {
    this.#isClosed = true;
    return this.#process.isAlive ? this.#transactor.close() : Promise.resolve();
  }
}

/** Runs `body` against what is durable now. */
export async function readStorage<T>(
  storage: KvStorage,
  body: (reader: KvReader) => Awaitable<T>,
): Promise<T> {
  const view = new MapView(storage.sequence, storage.map).hold();
  // The process that runs on it may go on meanwhile.
  view.detach();
  const reader = new SnapshotReader(snapshotOf(view));
  try {
    return await body(reader);
  } finally {
    reader.end();
  }
}

class SimLedger implements Ledger {
  readonly listeners = new Set<() => void>();
  readonly isFull = false;
  readonly validFrom = 0;
  readonly storage: KvStorage;
  sequence: number;
  readonly #process: SimProcess;
  readonly #pace: KvPace;
  readonly #random: Chance;
  readonly #map = new SortedMap<Uint8Array>();
  readonly #waiting: { readonly sequence: number; readonly resolve: () => void }[] = [];
  #view: MapView | undefined;
  #isFlushing = false;

  constructor(storage: KvStorage, process: SimProcess, pace: KvPace) {
    this.storage = storage;
    this.sequence = storage.sequence;
    this.#process = process;
    this.#pace = pace;
    this.#random = process.random.branch("ledger");
    const cursor = storage.map.cursor("", "\uffff", false);
    while (cursor.key !== undefined && cursor.value !== undefined) {
      this.#map.set(cursor.key, cursor.value);
      cursor.advance();
    }
    cursor.close();
  }

  view(): View {
    this.#view ??= new MapView(this.sequence, this.#map);
    return this.#view.hold();
  }

  apply(writes: readonly ResolvedWrite[], hasAppends: boolean): void {
    this.#view?.detach();
    this.#view = undefined;
    writeToMap(this.#map, writes);
    this.sequence += 1;
    if (!this.#process.isAlive) return;
    this.storage.pending.push({ sequence: this.sequence, writes, hasAppends });
    this.#flush();
  }

  durable(sequence: number): Promise<void> | undefined {
    if (sequence <= this.storage.sequence && this.#process.isAlive) return undefined;
    return new Promise((resolve) => this.#waiting.push({ sequence, resolve }));
  }

  /** What is pending now becomes durable together. */
  #flush(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    const count = this.storage.pending.length;
    this.#process.scheduler.after(this.#random.aboutMs(this.#pace.commitMs), () => {
      this.#process.deliver(() => this.#flushed(count));
    });
  }

  #flushed(count: number): void {
    this.#isFlushing = false;
    let hasAppends = false;
    for (let at = 0; at < count; at++) hasAppends ||= this.storage.settleOne()?.hasAppends ?? false;
    while ((this.#waiting[0]?.sequence ?? Number.POSITIVE_INFINITY) <= this.storage.sequence) {
      this.#waiting.shift()?.resolve();
    }
    if (hasAppends) for (const listener of this.listeners) queueMicrotask(listener);
    if (this.storage.pending.length > 0) this.#flush();
  }
}
