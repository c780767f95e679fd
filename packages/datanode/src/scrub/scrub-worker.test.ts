import { CairnError } from "@cairnfs/base/errors";
import { Prng } from "@cairnfs/base/random";
import { silentLogger, silentMetrics } from "@cairnfs/base/telemetry";
import { FaultDisk } from "@cairnfs/base/testing/fault-disk";
import { SimClock } from "@cairnfs/base/testing/sim-clock";
import { runWorker } from "@cairnfs/base/worker";
import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import { expect, test } from "vitest";
import type { Verdict } from "../store/chunk-store.ts";
import { MemoryChunkStore } from "../store/memory/memory-chunk-store.ts";
import { putChunk, type SampleChunk, sampleChunk } from "../store/testing/sample-chunk.ts";
import { ScrubLog } from "./scrub-log.ts";
import { ScrubReporter } from "./scrub-report.ts";
import { ScrubWorker } from "./scrub-worker.ts";

const KIB = 1024;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const PERIOD_MS = 8 * DAY_MS;

/** Notes what is read, and fails to read what a test says. */
class WatchedStore extends MemoryChunkStore {
  readonly verified: ChunkId[] = [];
  readonly failing = new Map<ChunkId, CairnError>();

  override async verify(
    ...[id, signal, pace]: Parameters<MemoryChunkStore["verify"]>
  ): Promise<Verdict> {
    const failure = this.failing.get(id);
    if (failure !== undefined) throw failure;
    const verdict = await super.verify(id, signal, pace);
    this.verified.push(id);
    return verdict;
  }

  /** What was read since this was asked last. */
  takeRead(): ChunkId[] {
    return this.verified.splice(0);
  }
}

/** A node's scrub and nothing else of the node. */
class ScrubTrial implements AsyncDisposable {
  readonly clock = new SimClock();
  readonly disk: FaultDisk;
  readonly store = new WatchedStore(this.clock);
  readonly options: { readonly periodMs: number; readonly bytesPerSecond: number };
  #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #parts: { log: ScrubLog; worker: ScrubWorker; reporter: ScrubReporter } | undefined;

  constructor(options: { periodMs?: number; bytesPerSecond?: number } = {}) {
    this.options = { periodMs: PERIOD_MS, bytesPerSecond: 1000 * KIB, ...options };
    this.disk = new FaultDisk(new Prng(1));
  }

  async start(): Promise<void> {
    const { clock, store, disk } = this;
    await disk.makeFolder("/data");
    const log = await ScrubLog.open("/data", { disk, clock, logger: silentLogger });
    const parts = { store, log, clock, logger: silentLogger, metrics: silentMetrics };
    const worker = new ScrubWorker(parts, this.options);
    this.#parts = {
      log,
      worker,
      reporter: new ScrubReporter({ log, worker, clock }, this.options),
    };
    this.#stop = new AbortController();
    const random = new Prng(2);
    this.#running = runWorker(worker, { clock, random, logger: silentLogger }, this.#stop.signal);
    await clock.advance(0);
  }

  /** Ends the process; an orderly end writes down how far the scrub is. */
  async stop(how: "orderly" | "killed"): Promise<void> {
    this.#stop.abort();
    await this.clock.advance(0);
    await this.#running;
    if (how === "orderly") await this.#parts?.log.write();
  }

  get worker(): ScrubWorker {
    if (this.#parts === undefined) throw new Error("not started");
    return this.#parts.worker;
  }

  get reporter(): ScrubReporter {
    if (this.#parts === undefined) throw new Error("not started");
    return this.#parts.reporter;
  }

  async report() {
    this.reporter.want();
    const report = this.reporter.news(await this.store.space());
    if (report === undefined) throw new Error("there is always something to say to who wants it");
    return report;
  }

  /** In small steps, as time goes. */
  async pass(ms: number, stepMs = 1000): Promise<void> {
    for (let passedMs = 0; passedMs < ms; passedMs += stepMs) await this.clock.advance(stepMs);
  }

  async put(count: number, sizeBytes: number, firstSeed = 1): Promise<SampleChunk[]> {
    const chunks = Array.from({ length: count }, (_, at) => sampleChunk(sizeBytes, firstSeed + at));
    for (const chunk of chunks) await putChunk(this.store, chunk);
    return chunks.sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("killed");
  }
}

function idsOf(chunks: readonly SampleChunk[]): ChunkId[] {
  return chunks.map(({ id }) => id);
}

test("each copy is read within the period, in the order of ids, and one that was read lately is not read again", async () => {
  await using trial = new ScrubTrial();
  const chunks = await trial.put(5, 100);
  await trial.start();
  await trial.clock.advance(1000);
  expect(trial.store.takeRead()).toEqual(idsOf(chunks));
  await trial.clock.advance(PERIOD_MS / 4);
  expect(trial.store.takeRead()).toEqual([]);

  const readMs = new Map<ChunkId, number>();
  for (const { id } of chunks) readMs.set(id, trial.clock.now() - PERIOD_MS / 4);
  for (let hours = 0; hours < (3 * PERIOD_MS) / HOUR_MS; hours++) {
    await trial.clock.advance(HOUR_MS);
    for (const id of trial.store.takeRead()) readMs.set(id, trial.clock.now());
    const oldestMs = Math.min(...readMs.values());
    expect(trial.clock.now() - oldestMs).toBeLessThanOrEqual(PERIOD_MS);
  }
  expect((await trial.report()).overdueChunks).toBe(0n);
});

test("what was stored since the last pass is read in the next", async () => {
  await using trial = new ScrubTrial();
  await trial.start();
  const chunks = await trial.put(3, 100);
  await trial.clock.advance(PERIOD_MS / 4 - HOUR_MS);
  expect(trial.store.takeRead()).toEqual([]);
  await trial.clock.advance(2 * HOUR_MS);
  expect(trial.store.takeRead()).toEqual(idsOf(chunks));
});

test("a pass costs no more than its budget", async () => {
  await using trial = new ScrubTrial({ bytesPerSecond: 1000 * KIB });
  const chunks = await trial.put(100, 1000 * KIB);
  await trial.start();
  await trial.pass(50_000);
  const readHalf = trial.store.verified.length;
  expect(readHalf).toBeGreaterThan(40);
  expect(readHalf).toBeLessThan(55);
  const report = await trial.report();
  expect(report.passEndedMs).toBe(0n);
  expect(report.totalChunks).toBe(100n);
  expect(Number(report.doneBytes) / Number(report.totalBytes)).toBeCloseTo(readHalf / 100, 1);
  expect(Math.abs(Number(report.bytesPerSecond) - 1000 * KIB)).toBeLessThan(100 * KIB);
  await trial.pass(60_000);
  expect(trial.store.verified).toEqual(idsOf(chunks));
  expect((await trial.report()).passEndedMs).not.toBe(0n);
});

test("a pass goes on after a restart where it was, and after a kill at most a minute before", async () => {
  await using trial = new ScrubTrial({ bytesPerSecond: 100 * KIB });
  const chunks = idsOf(await trial.put(300, 100 * KIB));
  await trial.start();
  await trial.pass(100_000);
  await trial.stop("orderly");
  const before = trial.store.takeRead();
  expect(before.length).toBeGreaterThan(90);
  await trial.start();
  await trial.pass(10_000);
  expect(trial.store.verified[0]).toBe(chunks[before.length]);

  await trial.stop("killed");
  const upTo = before.length + trial.store.takeRead().length;
  await trial.start();
  await trial.pass(300_000);
  // Copies were read lately: they are passed over and not read again.
  expect(trial.store.takeRead()).toEqual(chunks.slice(upTo));
  expect((await trial.report()).doneChunks).toBe(300n);
});

test("at rest nothing is written and no timer but the next pass's is set", async () => {
  await using trial = new ScrubTrial();
  await trial.put(3, 100);
  await trial.start();
  await trial.clock.advance(1000);
  const { operations } = trial.disk;
  await trial.clock.advance(DAY_MS);
  expect(trial.disk.operations).toBe(operations);
  expect(trial.clock.pendingTimers).toBe(1);
});

test("a scrub that is asked for reads everything that was verified before, once, also without a period", async () => {
  await using trial = new ScrubTrial({ periodMs: 0 });
  const chunks = await trial.put(4, 100);
  await trial.start();
  await trial.clock.advance(30 * DAY_MS);
  expect(trial.store.takeRead()).toEqual([]);

  const askedMs = trial.clock.now();
  trial.worker.request(askedMs);
  await trial.clock.advance(1000);
  expect(trial.store.takeRead()).toEqual(idsOf(chunks));
  expect(await trial.report()).toMatchObject({ requestedMs: BigInt(askedMs), overdueChunks: 0n });
  expect((await trial.report()).requestedDoneMs).not.toBe(0n);

  // The same request again is no news; nor is an older one, or none.
  for (const ms of [askedMs, askedMs - 1, 0]) trial.worker.request(ms);
  await trial.clock.advance(DAY_MS);
  expect(trial.store.takeRead()).toEqual([]);
  trial.worker.request(askedMs + 1);
  await trial.clock.advance(1000);
  expect(trial.store.takeRead()).toEqual(idsOf(chunks));
});

test("a scrub that is asked for during a pass begins anew, is done after a restart, and is not done twice", async () => {
  await using trial = new ScrubTrial({ bytesPerSecond: 100 * KIB });
  const chunks = idsOf(await trial.put(40, 100 * KIB));
  await trial.start();
  await trial.pass(20_000);
  trial.worker.request(trial.clock.now());
  await trial.pass(10_000);
  const again = trial.store.takeRead();
  expect(again.filter((id) => id === chunks[0])).toHaveLength(2);
  await trial.stop("orderly");
  await trial.start();
  expect((await trial.report()).requestedDoneMs).toBe(0n);
  await trial.pass(60_000);
  const rest = trial.store.takeRead();
  expect(rest.at(-1)).toBe(chunks.at(-1));
  expect(new Set(rest).size).toBe(rest.length);
  expect((await trial.report()).requestedDoneMs).not.toBe(0n);
  await trial.stop("orderly");
  await trial.start();
  await trial.pass(60_000);
  expect(trial.store.takeRead()).toEqual([]);
});

test("a request by a clock that is ahead or behind has all copies read all the same", async () => {
  await using trial = new ScrubTrial({ periodMs: 0 });
  const chunks = idsOf(await trial.put(3, 100));
  await trial.start();
  for (const skewMs of [-DAY_MS, DAY_MS]) {
    trial.worker.request(trial.clock.now() + skewMs);
    await trial.clock.advance(5000);
    expect(trial.store.takeRead()).toEqual(chunks);
  }
});

test("a bad copy that a full disk cannot take out of service holds up none behind it", async () => {
  await using trial = new ScrubTrial();
  const chunks = idsOf(await trial.put(4, 100));
  const [, failing] = chunks as [ChunkId, ChunkId];
  trial.store.failing.set(failing, new CairnError("storeFull", "the disk is full"));
  await trial.start();
  await trial.pass(60_000);
  expect(trial.store.takeRead()).toEqual(chunks.filter((id) => id !== failing));
  expect(await trial.report()).toMatchObject({ unreadableChunks: 1n });
});

test("rotten copies are found, and the pass goes on behind them", async () => {
  await using trial = new ScrubTrial();
  const chunks = await trial.put(6, 100);
  const [, second, , fourth] = idsOf(chunks) as [ChunkId, ChunkId, ChunkId, ChunkId];
  trial.store.corrupt(second);
  trial.store.corrupt(fourth);
  const found: ChunkId[] = [];
  trial.store.onBadCopy((id) => found.push(id));
  await trial.start();
  await trial.clock.advance(1000);
  expect(found).toEqual([second, fourth]);
  expect(trial.store.takeRead()).toEqual(idsOf(chunks));
});

test("a copy that the node cannot read is tried again, then left for a pass that comes soon, and is not called bad", async () => {
  await using trial = new ScrubTrial();
  const chunks = idsOf(await trial.put(4, 100));
  const [, failing] = chunks as [ChunkId, ChunkId];
  trial.store.failing.set(failing, new CairnError("storeFailed", "too many files are open"));
  await trial.start();
  await trial.pass(60_000);
  expect(trial.store.takeRead()).toEqual(chunks.filter((id) => id !== failing));
  expect(await trial.report()).toMatchObject({ unreadableChunks: 1n, badCopies: 0n });
  await trial.pass(PERIOD_MS + HOUR_MS, HOUR_MS / 2);
  expect(await trial.report()).toMatchObject({ overdueChunks: 1n, overdueBytes: 100n });
  trial.store.failing.clear();
  trial.store.takeRead();
  await trial.clock.advance(2 * HOUR_MS);
  expect(trial.store.takeRead()).toContain(failing);
  expect(await trial.report()).toMatchObject({ unreadableChunks: 0n, overdueChunks: 0n });
});

test("a node that was away for longer than the period says what is overdue, and less with each copy that it reads", async () => {
  await using trial = new ScrubTrial({ bytesPerSecond: 100 * KIB });
  await trial.put(200, 100 * KIB);
  await trial.start();
  await trial.pass(210_000);
  await trial.stop("orderly");
  const lastMs = BigInt(trial.clock.now());
  await trial.clock.advance(2 * PERIOD_MS);
  await trial.start();
  const first = await trial.report();
  // The first is read as soon as the node is up.
  expect(first).toMatchObject({ overdueChunks: 199n, overdueBytes: BigInt(199 * 100 * KIB) });
  expect(lastMs - (first.oldestVerifiedMs ?? 0n)).toBeLessThan(220_000n);
  await trial.pass(100_000);
  const half = await trial.report();
  expect(Number(half.overdueChunks)).toBeGreaterThan(80);
  expect(Number(half.overdueChunks)).toBeLessThan(120);
  await trial.pass(120_000);
  expect(await trial.report()).toMatchObject({ overdueChunks: 0n, overdueBytes: 0n });
});

test("a clock that was set back makes copies be read again, not never", async () => {
  await using trial = new ScrubTrial();
  const chunks = await trial.put(3, 100);
  await trial.start();
  await trial.clock.advance(1000);
  await trial.stop("orderly");
  trial.store.takeRead();
  const back = new SimClock(trial.clock.now() - 30 * DAY_MS);
  const log = await ScrubLog.open("/data", { disk: trial.disk, clock: back, logger: silentLogger });
  const parts = {
    store: trial.store,
    log,
    clock: back,
    logger: silentLogger,
    metrics: silentMetrics,
  };
  const worker = new ScrubWorker(parts, trial.options);
  const signal = new AbortController().signal;
  for (let steps = 0; steps < 2; steps++) await worker.step(signal);
  expect(trial.store.takeRead()).toEqual(idsOf(chunks));
});

test("a budget that cannot cover the disk within the period is told", async () => {
  await using trial = new ScrubTrial({ periodMs: 4000, bytesPerSecond: 100 * KIB });
  await trial.put(3, 100 * KIB);
  await trial.start();
  expect((await trial.report()).isTooSlow).toBe(false);
  await trial.put(10, 100 * KIB, 10);
  await trial.pass(10_000);
  expect((await trial.report()).isTooSlow).toBe(true);
});

test("a scrub says something when it is news and is silent else", async () => {
  await using trial = new ScrubTrial({ bytesPerSecond: 100 * KIB });
  await trial.put(60, 100 * KIB);
  await trial.start();
  const { reporter } = trial;
  const news = async () => {
    const report = reporter.news(await trial.store.space());
    if (report !== undefined) reporter.noteTold(report);
    return report !== undefined;
  };
  expect(await news()).toBe(true);
  await trial.pass(5000);
  expect(await news()).toBe(false);
  await trial.pass(6000);
  expect(await news()).toBe(true);
  await trial.pass(80_000);
  expect(await news()).toBe(true);
  await trial.pass(80_000);
  expect(await news()).toBe(false);
  trial.worker.request(trial.clock.now());
  expect(await news()).toBe(true);
  reporter.want();
  expect(await news()).toBe(true);
});
