import { mkdir } from "node:fs/promises";
import type { Clock } from "@cairnfs/base/clock";
import { makeFolderDurably } from "@cairnfs/base/durable-file";
import { CairnError } from "@cairnfs/base/errors";
import { lockFolder } from "@cairnfs/base/folder-lock";
import { type Closable, Lifecycle } from "@cairnfs/base/lifecycle";
import type { Random } from "@cairnfs/base/random";
import { RealDisk } from "@cairnfs/base/real-disk";
import type { Awaitable, KvReader, KvStore, KvTransaction, TransactOptions } from "../kv-store.ts";
import { SnapshotReader } from "../snapshot-reader.ts";
import { closed, Transactor } from "../transactor.ts";
import { CommitWriter } from "./commit-writer.ts";
import { DiskReserve } from "./disk-reserve.ts";
import { beginOpening, openEnvironment } from "./environment.ts";
import { Journal } from "./journal.ts";
import { LmdbLedger, type LmdbLedgerParts } from "./lmdb-ledger.ts";

export interface LmdbKvParts {
  /** For the pauses between attempts. */
  readonly clock: Clock;
  readonly random: Random;
  /** So much of the disk is kept for deletions when it is full; none unless given. */
  readonly reserveBytes?: number | undefined;
}

/** A checkpoint begins at 8 MiB: so much of the journal is written again and again. */
const JOURNAL_FILE_BYTES = 8 * 1024 * 1024;

/** The embedded store: LMDB in one folder, for one process. */
export class LmdbKv implements KvStore {
  readonly #transactor: Transactor;
  readonly #ledger: LmdbLedger;
  readonly #listeners = new Set<() => void>();
  readonly #lifecycle: Lifecycle;
  #reading = 0;
  #onIdle: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  private constructor(
    parts: LmdbKvParts & LmdbLedgerParts & { readonly lifecycle: Lifecycle },
    firstSequence: number,
  ) {
    this.#lifecycle = parts.lifecycle;
    this.#ledger = new LmdbLedger(parts, firstSequence, {
      onRoom: () => this.#transactor.makeRoom(),
      onAppend: () => {
        for (const listener of this.#listeners) queueMicrotask(listener);
      },
    });
    this.#transactor = new Transactor(this.#ledger, parts);
  }

  /**
   * Opens the store in `folder`, or makes it. When another process has it open this rejects with `storeForeign`;
   * a process that has died, however, leaves nothing to be cleaned.
   */
  static async open(folder: string, parts: LmdbKvParts): Promise<LmdbKv> {
    const lifecycle = new Lifecycle();
    try {
      const isNew = (await mkdir(folder, { recursive: true })) !== undefined;
      if (isNew) await makeFolderDurably(new RealDisk(), folder);
      lifecycle.add(await takeFolder(folder));
      const environment = await openEnvironment(folder);
      lifecycle.add({ close: () => environment.root.close() });
      const opening = beginOpening(environment, parts.random);
      const { reserveBytes = 0 } = parts;
      const { journal, records } = await Journal.open(folder, new RealDisk(), {
        ...opening,
        fileBytes: reserveBytes === 0 ? 0 : JOURNAL_FILE_BYTES,
      });
      lifecycle.add(journal);
      const writer = lifecycle.add(await CommitWriter.open(folder));
      const reserve = await DiskReserve.open(writer, parts.clock, reserveBytes);
      const ledgerParts = { environment, journal, records, writer, reserve };
      return new LmdbKv({ ...parts, ...ledgerParts, lifecycle }, opening.firstSequence);
    } catch (error) {
      await lifecycle.close();
      throw error;
    }
  }

  transact<T>(body: (tx: KvTransaction) => Awaitable<T>, options?: TransactOptions): Promise<T> {
    return this.#transactor.transact(body, options);
  }

  async read<T>(body: (reader: KvReader) => Awaitable<T>): Promise<T> {
    if (this.#closing !== undefined) throw closed();
    const snapshot = this.#ledger.durableState();
    const reader = new SnapshotReader(snapshot);
    this.#reading += 1;
    try {
      return await body(reader);
    } finally {
      reader.end();
      snapshot.release();
      this.#reading -= 1;
      if (this.#reading === 0) this.#onIdle?.();
    }
  }

  onAppend(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#transactor.close();
    if (this.#reading > 0) {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
    }
    await this.#ledger.close();
    await this.#lifecycle.close();
  }
}

async function takeFolder(folder: string): Promise<Closable> {
  const lock = await lockFolder(folder);
  if (lock !== undefined) return lock;
  throw new CairnError(
    "storeForeign",
    `the metadata store in ${folder} is open in another process`,
  );
}
