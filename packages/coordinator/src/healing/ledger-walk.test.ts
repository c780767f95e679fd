import { Prng, randomBelow } from "@cairnfs/base/random";
import { silentLogger } from "@cairnfs/base/telemetry";
import { SimClock } from "@cairnfs/base/testing/sim-clock";
import type { KvStore } from "@cairnfs/kv/kv-store";
import { MemoryKv } from "@cairnfs/kv/memory/memory-kv";
import { type ChunkId, parseChunkId } from "@cairnfs/protocol/chunk-id";
import { expect, test } from "vitest";
import { changeChunk, debtCounts, withDebt } from "../chunks/change-chunk.ts";
import type { ChunkRecord } from "../chunks/chunk-record.ts";
import { forgetReplica, liveCopies, recordReplica } from "../chunks/replicas.ts";
import { type Counters, readCounters } from "../counters.ts";
import { chunks, debts } from "../keyspace.ts";
import { openLedger } from "./ledger-state.ts";
import { LedgerWalk } from "./ledger-walk.ts";
import { recordOf } from "./testing/healing-cluster.ts";

const never = new AbortController().signal;

/** A ledger over nodes 1 to n that tests declare dead, back and removed. */
class Ledger {
  readonly kv: KvStore = new MemoryKv();
  readonly clock = new SimClock();
  readonly dead = new Set<number>();
  readonly removed = new Set<number>();
  readonly walk: LedgerWalk;
  surplusHeard = 0;

  constructor(isPending = false) {
    const dead = () => new Map([...this.dead].map((nodeNumber) => [nodeNumber, 1] as const));
    this.walk = new LedgerWalk(
      {
        kv: this.kv,
        clock: this.clock,
        logger: silentLogger,
        absences: { dead },
        nodes: { isLive: this.isLive, isMember: (nodeNumber) => !this.removed.has(nodeNumber) },
        isSurplus: (record) => liveCopies(record, this.isLive) > record.wantedCopies,
        onDebt: () => undefined,
        onSurplus: () => {
          this.surplusHeard += 1;
        },
      },
      isPending,
    );
  }

  readonly isLive = (nodeNumber: number): boolean =>
    !this.dead.has(nodeNumber) && !this.removed.has(nodeNumber);

  /** Puts records as they are, right or wrong. */
  async put(records: ReadonlyMap<ChunkId, ChunkRecord>): Promise<void> {
    await this.kv.transact((tx) => {
      for (const [id, record] of records) changeChunk(tx, id, undefined, record);
    });
  }

  /** Puts so many chunks, spread over five nodes. */
  async fill(count: number, random = new Prng(1)): Promise<void> {
    const records = new Map<ChunkId, ChunkRecord>();
    for (let number = 0; number < count; number++) {
      const first = randomBelow(random, 5);
      const nodeNumbers = [first, first + 1, first + 2].map((at) => 1 + (at % 5));
      records.set(randomId(random), recordOf({ nodeNumbers, lengthBytes: 1 + (number % 7) }));
    }
    await this.put(records);
  }

  async end(stepsMax = 10_000): Promise<number> {
    let steps = 0;
    for (; !this.walk.progress.isExact; steps++) {
      if (steps === stepsMax) throw new Error("the walk does not end");
      await this.walk.step(never);
    }
    return steps;
  }

  /** What is wrong: records that do not fit to the nodes, rows that do not fit to the records, counters to both. */
  async wrong(): Promise<string[]> {
    const found: string[] = [];
    const expected = new Map<string, number>();
    const rows = new Set<string>();
    const counters: Counters = await this.kv.read(async (reader) => {
      for await (const { key } of debts.scan(reader, { limit: 1000 })) rows.add(key.join(" "));
      for await (const { key, value } of chunks.scan(reader, { limit: 1000 })) {
        const fitting = withDebt(value, liveCopies(value, this.isLive));
        if (fitting.debtCopies !== value.debtCopies) {
          found.push(`${key} is in debt at ${value.debtCopies}, not ${fitting.debtCopies}`);
        }
        if (value.nodeNumbers.some((nodeNumber) => this.removed.has(nodeNumber))) {
          found.push(`${key} names a node that was removed`);
        }
        if (fitting.debtCopies !== undefined && !rows.delete(`${fitting.debtCopies} ${key}`)) {
          found.push(`${key} has no row`);
        }
        for (const [name, amount] of debtCounts(fitting)) {
          expected.set(name, (expected.get(name) ?? 0) + amount);
        }
      }
      return readCounters(reader);
    });
    for (const row of rows) found.push(`a row too many: ${row}`);
    for (const [name, value] of Object.entries(counters)) {
      if (!name.startsWith("debt") && name !== "missingBytes") continue;
      if (value !== (expected.get(name) ?? 0)) found.push(`${name} is ${value}`);
    }
    return found;
  }
}

function randomId(random: Prng): ChunkId {
  return parseChunkId(Buffer.from(random.bytes(32)).toString("hex"));
}

test("when a node dies its copies are missing, counted by the copies that are left, and when it is back they are not", async () => {
  const ledger = new Ledger();
  await ledger.fill(2500);
  ledger.dead.add(2);
  ledger.walk.begin();
  expect(ledger.walk.progress).toMatchObject({ isExact: false });
  await ledger.end();
  expect(await ledger.wrong()).toEqual([]);
  const one = await ledger.kv.read(readCounters);
  expect(one.debtChunks2).toBe(one.debtChunks);
  expect(one.debtChunks).toBeGreaterThan(1000);
  // Each chunk lacks one copy.
  expect(one.missingBytes).toBe(one.debtBytes);

  ledger.dead.add(3);
  ledger.walk.begin();
  await ledger.end();
  expect(await ledger.wrong()).toEqual([]);
  const two = await ledger.kv.read(readCounters);
  expect(two.debtChunks1).toBeGreaterThan(0);
  expect(two.missingBytes).toBe(two.debtBytes2 + 2 * two.debtBytes1);

  ledger.dead.clear();
  ledger.walk.begin();
  await ledger.end();
  expect(await ledger.wrong()).toEqual([]);
  expect(await ledger.kv.read(readCounters)).toMatchObject({ debtChunks: 0, missingBytes: 0 });
});

test("an event during a walk makes it go on until it has been everywhere since, and no further", async () => {
  const ledger = new Ledger();
  await ledger.fill(10_000);
  ledger.dead.add(1);
  ledger.walk.begin();
  // One step writes down that a walk is due, ten read all, one more finds the end.
  for (let step = 0; step < 6; step++) await ledger.walk.step(never);
  expect(ledger.walk.progress.share).toBeCloseTo(0.5, 1);
  ledger.dead.add(4);
  ledger.walk.begin();
  const steps = await ledger.end();
  expect(steps).toBeGreaterThan(10);
  expect(steps).toBeLessThan(15);
  expect(await ledger.wrong()).toEqual([]);
});

test("a chunk that comes into the records behind the walk, or changes there, is counted right", async () => {
  const ledger = new Ledger();
  const random = new Prng(3);
  await ledger.fill(5000, random);
  ledger.dead.add(1);
  ledger.walk.begin();
  for (let step = 0; step < 4; step++) await ledger.walk.step(never);
  const early = parseChunkId("00".repeat(32));
  await ledger.put(new Map([[early, withDebt(recordOf({ nodeNumbers: [1, 2, 3] }), 2)]]));
  await ledger.end();
  expect(await ledger.wrong()).toEqual([]);
});

test("a node that was removed is named by no record afterwards, and nobody is told to delete there", async () => {
  const ledger = new Ledger();
  await ledger.fill(1500);
  ledger.removed.add(5);
  ledger.walk.begin();
  await ledger.end();
  expect(await ledger.wrong()).toEqual([]);
});

test("without events the walk sleeps, and what it changes nothing for is not written", async () => {
  const ledger = new Ledger();
  await ledger.fill(3000);
  let commits = 0;
  const transact = ledger.kv.transact.bind(ledger.kv);
  ledger.kv.transact = (body, options) => {
    commits += 1;
    return transact(body, options);
  };
  let isOver = false;
  void ledger.walk.step(never).then(() => {
    isOver = true;
  });
  await ledger.clock.advance(3_000_000);
  expect(isOver).toBe(false);
  ledger.walk.begin();
  await ledger.end();
  // That a walk is due, and that it is over.
  expect(commits).toBe(2);
});

test("a walk that the last coordinator did not end is begun at the start, and then not any more", async () => {
  const first = new Ledger();
  await first.fill(1200);
  expect(await openLedger(first.kv)).toMatchObject({ isWalkPending: true });
  first.dead.add(2);
  first.walk.begin();
  await first.walk.step(never);
  const kept = await openLedger(first.kv);
  expect(kept).toEqual({ isWalkPending: true, deadSinceMs: new Map([[2, 1]]) });
  await first.end();
  expect(await openLedger(first.kv)).toMatchObject({ isWalkPending: false });
  expect(new Ledger(kept.isWalkPending).walk.progress.isExact).toBe(false);
});

test("copies beyond the wanted ones are told of when the walk is over", async () => {
  const ledger = new Ledger();
  await ledger.fill(10);
  await ledger.put(new Map([[randomId(new Prng(9)), recordOf({ nodeNumbers: [1, 2, 3, 4] })]]));
  ledger.walk.begin();
  await ledger.end();
  expect(ledger.surplusHeard).toBe(1);
  ledger.dead.add(4);
  ledger.walk.begin();
  await ledger.end();
  expect(ledger.surplusHeard).toBe(1);
});

test("a store from before there were counters by copies gets them when it is opened", async () => {
  const ledger = new Ledger();
  const random = new Prng(7);
  await ledger.fill(1500, random);
  ledger.dead.add(2).add(3);
  ledger.walk.begin();
  await ledger.end();
  const { kv } = ledger;
  const right = await kv.read(readCounters);
  // As it was: the rows and the two counters of all debt, and nothing else.
  await kv.transact((tx) => {
    for (const name of ["debtChunks1", "debtChunks2", "debtBytes1", "debtBytes2", "missingBytes"]) {
      tx.delete(Buffer.from(`cntr${name}`));
    }
    tx.delete(Buffer.from("metaledger"));
  });
  expect((await kv.read(readCounters)).missingBytes).toBe(0);
  expect(await openLedger(kv)).toMatchObject({ isWalkPending: true });
  expect(await kv.read(readCounters)).toEqual(right);
});

test("whatever happens to nodes and chunks, after a walk rows and counters are what a recount finds", async () => {
  const seed = Number(process.env.SEED ?? Math.trunc(performance.timeOrigin % 1_000_000));
  const random = new Prng(seed);
  for (let history = 0; history < 20; history++) {
    const ledger = new Ledger();
    const ids: ChunkId[] = [];
    for (let event = 0; event < 150; event++) {
      await happen(ledger, ids, random);
      if (randomBelow(random, 3) === 0 && !ledger.walk.progress.isExact) {
        await ledger.walk.step(never);
      }
    }
    await ledger.end();
    expect({ seed, history, wrong: await ledger.wrong() }).toEqual({ seed, history, wrong: [] });
  }
});

async function happen(ledger: Ledger, ids: ChunkId[], random: Prng): Promise<void> {
  const nodeNumber = 1 + randomBelow(random, 7);
  const id = ids[randomBelow(random, Math.max(1, ids.length))];
  const { isLive } = ledger;
  switch (randomBelow(random, 8)) {
    case 0:
      ledger.dead.add(nodeNumber);
      ledger.walk.begin();
      return;
    case 1:
      ledger.dead.delete(nodeNumber);
      ledger.walk.begin();
      return;
    case 2:
      if (ledger.removed.size > 1 || !ledger.dead.has(nodeNumber)) return;
      ledger.removed.add(nodeNumber);
      ledger.dead.delete(nodeNumber);
      ledger.walk.begin();
      return;
    case 3:
      if (id === undefined) return;
      await ledger.kv.transact((tx) =>
        recordReplica(tx, id, { nodeNumber, epoch: 1_000_000 }, isLive),
      );
      if (ledger.removed.has(nodeNumber)) ledger.walk.begin();
      return;
    case 4:
      if (id === undefined) return;
      await ledger.kv.transact((tx) =>
        forgetReplica(tx, id, { nodeNumber, deletes: random.next() < 0.5 }, isLive),
      );
      return;
    case 5:
      if (id === undefined) return;
      await ledger.kv.transact(async (tx) => {
        const record = await chunks.get(tx, id);
        if (record?.state !== "live") return;
        changeChunk(tx, id, record, {
          ...record,
          state: "garbage",
          dueMs: 1,
          debtCopies: undefined,
        });
      });
      return;
    default: {
      const fresh = randomId(random);
      const wantedCopies = 1 + randomBelow(random, 5);
      const nodeNumbers = [...new Set([nodeNumber, 1 + randomBelow(random, 7)])].filter(isLive);
      const record = recordOf({
        wantedCopies,
        nodeNumbers,
        lengthBytes: 1 + randomBelow(random, 99),
      });
      await ledger.put(new Map([[fresh, withDebt(record, nodeNumbers.length)]]));
      ids.push(fresh);
    }
  }
}
