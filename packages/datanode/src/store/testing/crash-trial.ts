import { CairnError, hasReason } from "@cairnfs/base/errors";
import { Prng, randomBelow } from "@cairnfs/base/random";
import type { FaultDisk } from "@cairnfs/base/testing/fault-disk";
import { SimClock } from "@cairnfs/base/testing/sim-clock";
import type { ChunkStore } from "../chunk-store.ts";
import { diskForStore, type OpenOnDisk, partsFor, TRIAL_FOLDER } from "./disk-trial.ts";
import { putChunk, readChunk, type SampleChunk, sampleChunk } from "./sample-chunk.ts";

/** A state a copy may be in: its epoch, or that it is not held. */
type CopyState = number | undefined;

interface TrackedChunk {
  readonly chunk: SampleChunk;
  /** All that may be found: one state, and more after an operation whose outcome is not known. */
  possible: Set<CopyState>;
  isBusy: boolean;
}

/** What befalls the disk while the store works. */
export interface Misfortune {
  /** Before a round of work; returns what to undo after it. */
  strike(disk: FaultDisk, random: Prng): () => void;
  /** Whether the power is cut at the end of the round when it has not been before. */
  readonly endsInCrash: boolean;
  /** Whether the disk may lose or rot what was acknowledged: then only wrong bytes are a fault of the store. */
  readonly isLossy?: boolean;
}

export interface CrashTrialOptions {
  readonly open: OpenOnDisk;
  readonly seed: number;
  readonly misfortune: Misfortune;
  readonly sizesBytes: readonly number[];
  readonly rounds?: number;
  /** Work that the store does in the background, for a chance to be interrupted. */
  readonly background?: (store: ChunkStore) => Promise<void>;
}

/** The power goes in the middle of some operation. */
export const powerLoss: Misfortune = {
  endsInCrash: true,
  strike: (disk, random) => {
    disk.crashAfter(randomBelow(random, 200));
    return () => undefined;
  },
};

/** Now and then an operation fails, and then the power goes. */
export const diskErrors: Misfortune = {
  endsInCrash: true,
  strike: (disk, random) => {
    const heals = Array.from({ length: 4 }, (_, index) =>
      disk.fail({
        code: random.next() < 0.3 ? "ENOSPC" : "EIO",
        operations: [(["write", "sync", "rename", "syncFolder"] as const)[index] ?? "write"],
        after: randomBelow(random, 60),
        times: 1 + randomBelow(random, 2),
      }),
    );
    return () => {
      for (const heal of heals) heal();
    };
  },
};

/** Syncs do nothing, and then the power goes. */
export const lostSyncs: Misfortune = {
  endsInCrash: true,
  isLossy: true,
  strike: (disk) => {
    disk.isLyingAboutSync = true;
    return () => undefined;
  },
};

/** Bits rot in the files of the store. */
export const bitRot: Misfortune = {
  endsInCrash: true,
  isLossy: true,
  strike: (disk, random) => {
    for (const path of disk.paths()) {
      const bits = disk.content(path).byteLength * 8;
      if (bits > 0 && random.next() < 0.3) disk.flipBit(path, randomBelow(random, bits));
    }
    return () => undefined;
  },
};

const CHUNK_COUNT = 12;
const OPERATIONS_PER_ROUND = 60;
const LANES = 4;

/**
 * Random work on a store whose disk fails by seed; after each round the store is opened again and must hold what was
 * acknowledged, whole, and nothing else but what an operation of unknown outcome may have left. Throws when it does not.
 */
export async function crashTrial(options: CrashTrialOptions): Promise<void> {
  const random = new Prng(options.seed);
  const clock = new SimClock();
  const tracked = Array.from({ length: CHUNK_COUNT }, (_, index): TrackedChunk => {
    const sizeBytes = options.sizesBytes[index % options.sizesBytes.length] ?? 1;
    return {
      chunk: sampleChunk(sizeBytes + index, options.seed * CHUNK_COUNT + index),
      possible: new Set([undefined]),
      isBusy: false,
    };
  });
  let disk = await diskForStore(options.seed);
  for (let round = 0; round < (options.rounds ?? 4); round++) {
    const undo = options.misfortune.strike(disk, random);
    const work = new Work(tracked, random, { round, isLossy: options.misfortune.isLossy ?? false });
    let store: ChunkStore | undefined;
    try {
      store = await options.open(TRIAL_FOLDER, partsFor(disk, clock));
    } catch (error) {
      expectDiskError(error);
    }
    if (store !== undefined) await work.run(store, options.background);
    undo();
    if (options.misfortune.endsInCrash || disk.isDown || store === undefined) {
      disk = disk.crash();
      await store?.close().catch(expectDiskError);
    } else await store.close();

    const found = await options.open(TRIAL_FOLDER, partsFor(disk, clock));
    const where = `seed ${options.seed}, round ${round}`;
    if (options.misfortune.isLossy) await checkBytes(found, tracked, where);
    else await check(found, tracked, where);
    if (random.next() < 0.5) await found.close();
    // Half of the time the next round finds a store that was not closed.
    else disk = disk.crash();
  }
}

class Work {
  readonly #tracked: readonly TrackedChunk[];
  readonly #random: Prng;
  readonly #round: number;
  readonly #isLossy: boolean;

  constructor(
    tracked: readonly TrackedChunk[],
    random: Prng,
    { round, isLossy }: { readonly round: number; readonly isLossy: boolean },
  ) {
    this.#isLossy = isLossy;
    this.#tracked = tracked;
    this.#random = random;
    this.#round = round;
  }

  async run(
    store: ChunkStore,
    background: ((store: ChunkStore) => Promise<void>) | undefined,
  ): Promise<void> {
    const lanes = Array.from({ length: LANES }, async () => {
      for (let count = 0; count < OPERATIONS_PER_ROUND / LANES; count++) {
        const idle = this.#tracked.filter((candidate) => !candidate.isBusy);
        const target = idle[randomBelow(this.#random, idle.length)];
        if (target === undefined) continue;
        target.isBusy = true;
        await this.#operate(store, target);
        target.isBusy = false;
      }
    });
    if (background !== undefined) {
      lanes.push(
        (async () => {
          for (let count = 0; count < 8; count++) {
            await background(store).catch(expectDiskError);
            for (let turn = 0; turn < 20; turn++) await undefined;
          }
        })(),
      );
    }
    await Promise.all(lanes);
  }

  async #operate(store: ChunkStore, target: TrackedChunk): Promise<void> {
    const epoch = this.#round * 100 + randomBelow(this.#random, 100);
    const kind = this.#random.next();
    try {
      if (kind < 0.5) await put(store, target, epoch);
      else if (kind < 0.65) await claim(store, target, epoch);
      else if (kind < 0.9) await remove(store, target, epoch);
      else await verify(store, target.chunk);
      if (target.possible.size === 0) throw new Error(`${target.chunk.id} is in no possible state`);
    } catch (error) {
      // What was lost or rotted is not where the model has it.
      if (this.#isLossy) expectLoss(error);
      else expectDiskError(error);
    }
  }
}

async function put(store: ChunkStore, target: TrackedChunk, epoch: number): Promise<void> {
  target.possible = mayBe(target.possible, (state) => Math.max(state ?? 0, epoch));
  const info = await putChunk(store, target.chunk, { epoch });
  settle(target, info.epoch);
}

async function claim(store: ChunkStore, target: TrackedChunk, epoch: number): Promise<void> {
  const before = target.possible;
  target.possible = mayBe(before, (state) => raised(state, epoch));
  if (await store.claim(target.chunk.id, epoch)) {
    const held = [...before].filter((state) => state !== undefined);
    target.possible = new Set(held.map((state) => raised(state, epoch)));
  } else if (before.has(undefined)) target.possible = before;
  else throw new Error(`${target.chunk.id} was not claimed`);
}

async function remove(store: ChunkStore, target: TrackedChunk, epoch: number): Promise<void> {
  const before = target.possible;
  target.possible = mayBe(before, (state) => remaining(state, epoch));
  if (await store.delete(target.chunk.id, epoch)) {
    target.possible = new Set([...before].map((state) => remaining(state, epoch)));
  } else throw new Error(`${target.chunk.id} was not deleted in epoch ${epoch}`);
}

async function verify(store: ChunkStore, { id }: SampleChunk): Promise<void> {
  const verdict = await store.verify(id, new AbortController().signal);
  if (verdict === "corrupt") throw new Error(`${id} was found corrupt`);
}

async function check(
  store: ChunkStore,
  tracked: readonly TrackedChunk[],
  where: string,
): Promise<void> {
  const listed = await store.list(undefined, 1000);
  const held: string[] = [];
  for (const target of tracked) {
    const { chunk, possible } = target;
    const info = await store.info(chunk.id);
    if (!possible.has(info?.epoch)) {
      throw new Error(
        `${where}: chunk ${chunk.id} has epoch ${info?.epoch}, possible are ${[...possible].join()}`,
      );
    }
    settle(target, info?.epoch);
    if (info === undefined) continue;
    held.push(chunk.id);
    const bytes = await readChunk(store, chunk);
    if (Buffer.compare(bytes, chunk.bytes) !== 0) throw new Error(`${where}: ${chunk.id} differs`);
    const verdict = await store.verify(chunk.id, new AbortController().signal);
    if (verdict !== "intact") throw new Error(`${where}: ${chunk.id} is ${verdict}`);
  }
  if (listed.map((info) => info.id).join() !== held.sort().join()) {
    throw new Error(`${where}: the inventory is not what is held`);
  }
  const { chunkCount } = await store.space();
  if (chunkCount !== held.length) throw new Error(`${where}: ${chunkCount} chunks are counted`);
}

/** What is served is right or shows itself wrong; what is corrupt goes, and can be stored again. */
async function checkBytes(
  store: ChunkStore,
  tracked: readonly TrackedChunk[],
  where: string,
): Promise<void> {
  for (const { chunk } of tracked) {
    const info = await store.info(chunk.id);
    if (info === undefined) continue;
    const bytes = await readChunk(store, chunk).catch(expectCorrupt);
    const verdict = await store.verify(chunk.id, new AbortController().signal);
    if (bytes !== undefined && Buffer.compare(bytes, chunk.bytes) !== 0) {
      throw new Error(`${where}: wrong bytes of ${chunk.id} were served as right`);
    }
    if ((verdict === "intact") !== (bytes !== undefined)) {
      throw new Error(`${where}: ${chunk.id} is ${verdict}, which is not what reading it gave`);
    }
    await putChunk(store, chunk);
    await readChunk(store, chunk);
  }
}

/** An error that names a loss, the store's or the model's own; a bug is none. */
function expectLoss(error: unknown): void {
  const isOurs = error instanceof Error && error.constructor === Error;
  if (!(error instanceof CairnError) && !isOurs) throw error;
}

function expectCorrupt(error: unknown): undefined {
  const isSeen = error instanceof Error && /is corrupt$/u.test(error.message);
  if (!isSeen && !hasReason(error, "chunkCorrupt")) throw error;
  return undefined;
}

function mayBe(
  before: ReadonlySet<CopyState>,
  after: (state: CopyState) => CopyState,
): Set<CopyState> {
  return new Set([...before, ...[...before].map(after)]);
}

function settle(target: TrackedChunk, state: CopyState): void {
  target.possible = new Set([state]);
}

function raised(state: CopyState, epoch: number): CopyState {
  return state === undefined ? undefined : Math.max(state, epoch);
}

function remaining(state: CopyState, epoch: number): CopyState {
  return state !== undefined && state > epoch ? state : undefined;
}

function expectDiskError(error: unknown): void {
  if (!(error instanceof CairnError) || !hasReason(error, "storeFailed", "storeFull")) throw error;
}
