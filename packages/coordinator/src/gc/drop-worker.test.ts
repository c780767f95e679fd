import { CairnError } from "@cairnfs/base/errors";
import { silentLogger } from "@cairnfs/base/telemetry";
import { SimClock } from "@cairnfs/base/testing/sim-clock";
import { MemoryKv } from "@cairnfs/kv/memory/memory-kv";
import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import { expect, test } from "vitest";
import { recordOf } from "../healing/testing/healing-cluster.ts";
import { chunks, drops } from "../keyspace.ts";
import type { ChunkDeleter } from "./chunk-deleter.ts";
import { DropWorker } from "./drop-worker.ts";

const signal = new AbortController().signal;

/** The nth chunk in the order of ids. */
function idOf(n: number): ChunkId {
  return n.toString(16).padStart(64, "0") as ChunkId;
}

/** A wall clock that can be set back. */
class SettableClock extends SimClock {
  setBackMs = 0;

  override now(): number {
    return super.now() - this.setBackMs;
  }
}

/** Drops of nodes that delete all but what the test says, and what they were asked. */
class Trial implements ChunkDeleter, AsyncDisposable {
  readonly kv = new MemoryKv();
  readonly clock = new SettableClock();
  readonly dead = new Set<number>();
  readonly keeping = new Set<number>();
  /** Chunks that no node can delete. */
  readonly kept = new Set<ChunkId>();
  /** Chunks for which a whole call fails. */
  readonly poison = new Set<ChunkId>();
  /** How often each chunk was asked for. */
  readonly asked = new Map<ChunkId, number>();
  readonly worker = new DropWorker({
    kv: this.kv,
    clock: this.clock,
    deleter: this,
    isLive: (nodeNumber) => !this.dead.has(nodeNumber),
    onKept: (nodeNumber) => void this.keeping.add(nodeNumber),
    logger: silentLogger,
    settings: { receiptLifeMs: 1000 },
  });

  /** How often each node was asked. */
  readonly turns = new Map<number, number>();

  async deleteChunks(request: {
    readonly nodeNumber: number;
    readonly chunkIds: readonly ChunkId[];
  }): Promise<readonly boolean[]> {
    const { nodeNumber, chunkIds } = request;
    this.turns.set(nodeNumber, (this.turns.get(nodeNumber) ?? 0) + 1);
    expect(chunkIds.length).toBeLessThanOrEqual(1000);
    for (const id of chunkIds) this.asked.set(id, (this.asked.get(id) ?? 0) + 1);
    if (chunkIds.some((id) => this.poison.has(id))) throw new CairnError("storeFailed", "no luck");
    return chunkIds.map((id) => !this.kept.has(id));
  }

  add(rows: Iterable<{ readonly id: ChunkId; readonly epoch: number }>, node = 1): Promise<void> {
    return this.kv.transact(async (tx) => {
      for (const { id, epoch } of rows) drops.put(tx, [node, id], epoch);
    });
  }

  async run(): Promise<void> {
    while ((await this.worker.step(signal)) === "again");
  }

  left(): Promise<ChunkId[]> {
    return this.kv.read(async (reader) => {
      const rows = await drops.page(reader, { limit: 10_000 });
      return rows.map((row) => row.key[1]);
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kv.close();
  }
}

test("a copy that cannot be deleted holds up none of other epochs, and is asked for again later", async () => {
  await using trial = new Trial();
  trial.kept.add(idOf(0));
  await trial.add([0, 1, 2, 3].map((n) => ({ id: idOf(n), epoch: 5 + (n % 3) })));
  await trial.run();
  expect(await trial.left()).toEqual([idOf(0)]);
  expect(trial.asked.get(idOf(0))).toBe(1);

  await trial.clock.advance(29_999);
  await trial.run();
  expect(trial.asked.get(idOf(0))).toBe(1);
  trial.kept.clear();
  await trial.clock.advance(1);
  await trial.run();
  expect(await trial.left()).toEqual([]);
});

test("more copies than a page holds that cannot be deleted hold up none after them", async () => {
  for (const bad of [999, 1000, 1001, 2500]) {
    await using trial = new Trial();
    const rows = Array.from({ length: bad + 3 }, (_, n) => ({ id: idOf(n), epoch: 1 + (n % 2) }));
    for (const { id } of rows.slice(0, bad)) trial.kept.add(id);
    await trial.add(rows);
    await trial.run();
    expect(await trial.left()).toEqual([...trial.kept]);
    // The node rests once a round, not for each page, and each has its turn once.
    expect([...trial.asked.values()].every((times) => times === 1)).toBe(true);

    // What came up meanwhile and lies before where the round ended has its turn as well.
    trial.kept.delete(idOf(0));
    await trial.clock.advance(30_000);
    await trial.run();
    expect(await trial.left()).toEqual([...trial.kept]);
  }
});

test("a call that always fails keeps its own rows waiting and no others for ever", async () => {
  await using trial = new Trial();
  trial.poison.add(idOf(0));
  await trial.add([0, 1, 2].map((n) => ({ id: idOf(n), epoch: n === 2 ? 6 : 5 })));
  await trial.run();
  expect(await trial.left()).toHaveLength(3);
  await trial.clock.advance(30_000);
  await trial.run();
  expect(await trial.left()).toEqual([idOf(0)]);
  trial.poison.clear();
  await trial.clock.advance(30_000);
  await trial.run();
  expect(await trial.left()).toEqual([]);
});

test("nodes with much to delete do not keep the others waiting", async () => {
  await using trial = new Trial();
  const many = Array.from({ length: 3000 }, (_, n) => ({ id: idOf(n), epoch: 1 }));
  for (let node = 1; node <= 10; node++) await trial.add(many, node);
  for (let node = 11; node <= 20; node++) await trial.add(many.slice(0, 1), node);
  // Three steps have room for a turn of each of the twenty.
  for (let step = 0; step < 3; step++) await trial.worker.step(signal);
  expect(trial.turns.size).toBe(20);
  await trial.run();
  expect(await trial.left()).toEqual([]);
});

test("a node that has come back is told at once, and a clock that is set back makes nobody wait longer", async () => {
  await using trial = new Trial();
  trial.poison.add(idOf(0));
  await trial.add([{ id: idOf(0), epoch: 5 }]);
  await trial.run();
  expect(trial.turns.get(1)).toBe(1);
  trial.worker.noteNode(1);
  await trial.run();
  expect(trial.turns.get(1)).toBe(2);

  trial.clock.setBackMs = 3_600_000;
  trial.poison.clear();
  await trial.clock.advance(30_000);
  await trial.run();
  expect(await trial.left()).toEqual([]);
});

test("a copy that was to go while its chunk had enough stays when the chunk has too few by now", async () => {
  await using trial = new Trial();
  const states = ["live", "live", "live", "garbage"] as const;
  await trial.kv.transact((tx) => {
    for (const [n, state] of states.entries()) {
      // Node 1 holds the second under a later epoch, and the third is where it should be.
      const nodeNumbers = n === 1 ? [1, 2] : n === 2 ? [3, 4] : [2, 3];
      chunks.put(tx, idOf(n), recordOf({ state, nodeNumbers, wantedCopies: 2 }));
    }
  });
  await trial.add(states.map((_, n) => ({ id: idOf(n), epoch: 5 })));
  trial.dead.add(2);
  await trial.run();
  expect(await trial.left()).toEqual([]);
  expect([...trial.asked.keys()]).toEqual([idOf(1), idOf(2), idOf(3)]);
  expect([...trial.keeping]).toEqual([1]);
});
