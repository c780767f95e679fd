import { Prng } from "@cairnfs/base/random";
import { expect, test } from "vitest";
import type { ChunkRecord } from "../chunks/chunk-record.ts";
import { type FieldNode, isBalanced, type LoadedNode, MoveField, shareOf } from "./move-field.ts";
import { isMisplaced, type MoveTerms, planMove } from "./plan-move.ts";
import { Spread } from "./spread.ts";
import { chunkIdOf, fieldNode, GIB, MIB, recordOf, termsOf } from "./testing/field.ts";

const ID = chunkIdOf(1);

function plan(
  nodes: readonly FieldNode[],
  record: ChunkRecord,
  over: Partial<MoveTerms> & { readonly kept?: Readonly<Record<number, number>> } = {},
) {
  const { kept, ...terms } = over;
  const loads =
    kept === undefined
      ? undefined
      : new Map(Object.entries(kept).map(([number, bytes]) => [Number(number), bytes]));
  return planMove(ID, record, termsOf(new MoveField(nodes, loads), terms));
}

const five = [1, 2, 3, 4, 5].map((number) => fieldNode(number));

test("a chunk whose copies are where they belong stays", () => {
  expect(plan(five, recordOf([1, 2, 3]))).toEqual({ kind: "nothing" });
});

test("a copy on a draining node is made anew elsewhere first, and goes when enough others stay", () => {
  const nodes = [fieldNode(1, { isLeaving: true, canTake: false }), ...five.slice(1)];
  const first = plan(nodes, recordOf([1, 2, 3]));
  expect(first).toMatchObject({ kind: "copy", reason: "drain", from: 1 });
  expect([4, 5]).toContain(first.kind === "copy" && first.to);
  expect(plan(nodes, recordOf([1, 2, 3, 4]))).toEqual({
    kind: "release",
    reason: "drain",
    leaver: 1,
    intactMin: 3,
  });
});

test("a copy on a draining node stays when no other node can take one", () => {
  const nodes = [fieldNode(1, { isLeaving: true, canTake: false }), ...five.slice(1, 3)];
  expect(plan(nodes, recordOf([1, 2, 3]))).toEqual({ kind: "blocked", from: 1 });
  const full = [...nodes, fieldNode(4, { availableBytes: MIB })];
  expect(plan(full, recordOf([1, 2, 3]))).toEqual({ kind: "blocked", from: 1 });
});

test("the copy of a dead draining node goes from the record when the others are enough", () => {
  const dead = fieldNode(1, { isLeaving: true, isLive: false, isWell: false, canTake: false });
  const nodes = [dead, ...five.slice(1)];
  expect(plan(nodes, recordOf([1, 2, 3]))).toEqual({ kind: "nothing" });
  expect(plan(nodes, recordOf([1, 2, 3, 4]))).toMatchObject({ kind: "release", leaver: 1 });
});

test("too few copies are repair's business, not a move's", () => {
  const nodes = [fieldNode(1, { isLeaving: true, canTake: false }), ...five.slice(1)];
  expect(plan(nodes, recordOf([1, 2]))).toEqual({ kind: "nothing" });
});

test("while repair has work only draining nodes are cared for", () => {
  const zoned = [1, 2, 3, 4].map((number) => fieldNode(number, { zone: number < 4 ? "a" : "b" }));
  const terms = { isCalm: false };
  expect(plan(zoned, recordOf([1, 2, 3]), terms)).toEqual({ kind: "nothing" });
  expect(plan(zoned, recordOf([1, 2, 3, 4]), terms)).toEqual({ kind: "nothing" });
  const nodes = [fieldNode(1, { isLeaving: true, canTake: false }), ...five.slice(1)];
  expect(plan(nodes, recordOf([1, 2, 3]), terms)).toMatchObject({ kind: "copy", reason: "drain" });
});

test("garbage goes from a draining node without a copy, and nothing else of it moves", () => {
  const nodes = [fieldNode(1, { isLeaving: true, canTake: false }), ...five.slice(1)];
  const garbage = recordOf([1, 2, 3], { state: "garbage", references: 0 });
  expect(plan(nodes, garbage)).toMatchObject({ kind: "release", leaver: 1, intactMin: 0 });
  expect(plan(five, garbage)).toEqual({ kind: "nothing" });
  expect(plan(nodes, recordOf([1, 2], { state: "deleting" }))).toEqual({ kind: "nothing" });
});

test("copies in one zone move to where no copy is, when a node there can take one", () => {
  const zones = ["a", "a", "b", "c", "c"];
  const nodes = zones.map((zone, at) => fieldNode(at + 1, { zone }));
  const crowded = recordOf([1, 2, 3]);
  const move = plan(nodes, crowded);
  expect(move).toMatchObject({ kind: "copy", reason: "spread" });
  expect([1, 2]).toContain(move.kind === "copy" && move.from);
  expect([4, 5]).toContain(move.kind === "copy" && move.to);
  const noRoom = nodes.map((node) => (node.zone === "c" ? { ...node, availableBytes: MIB } : node));
  expect(plan(noRoom, crowded)).toEqual({ kind: "nothing" });
  const silent = nodes.map((node) => (node.zone === "c" ? { ...node, canTake: false } : node));
  expect(plan(silent, crowded)).toEqual({ kind: "nothing" });
});

test("within a zone copies move to other racks, and never to a more crowded zone for it", () => {
  const places = [
    ["a", "1"],
    ["a", "1"],
    ["a", "2"],
    ["b", "1"],
  ] as const;
  const nodes = places.map(([zone, rack], at) => fieldNode(at + 1, { zone, rack }));
  const move = plan(nodes, recordOf([1, 2, 4]));
  expect(move).toMatchObject({ kind: "copy", reason: "spread", to: 3 });
  expect(plan(nodes, recordOf([1, 3, 4]))).toEqual({ kind: "nothing" });
});

test("a copy too many goes from the most crowded zone", () => {
  const nodes = ["a", "b", "b", "c"].map((zone, at) => fieldNode(at + 1, { zone }));
  const move = plan(nodes, recordOf([1, 2, 3, 4]), { kept: { 1: 0, 2: GIB, 3: 0, 4: 9 * GIB } });
  expect(move).toEqual({ kind: "release", reason: "surplus", leaver: 2, intactMin: 3 });
});

test("a copy too many stays while too few of the nodes are well", () => {
  const nodes = [...five.slice(0, 3), fieldNode(4, { isWell: false, canTake: false })];
  expect(plan(nodes, recordOf([1, 2, 3, 4]))).toEqual({ kind: "nothing" });
});

test("copies go from a node fuller than the mean by more than the threshold to an emptier one", () => {
  const kept = { 1: 40 * GIB, 2: 20 * GIB, 3: 20 * GIB, 4: 20 * GIB, 5: 0 };
  expect(plan(five, recordOf([1, 2, 3]), { kept })).toEqual({
    kind: "copy",
    reason: "balance",
    from: 1,
    to: 5,
  });
  const level = { 1: 24 * GIB, 2: 20 * GIB, 3: 20 * GIB, 4: 20 * GIB, 5: 16 * GIB };
  expect(plan(five, recordOf([1, 2, 3]), { kept: level })).toEqual({ kind: "nothing" });
  const off = { kept, balanceWithin: undefined };
  expect(plan(five, recordOf([1, 2, 3]), off)).toEqual({ kind: "nothing" });
  expect(plan(five, recordOf([1, 2, 3]))).toEqual({ kind: "nothing" });
});

test("a new, empty node is filled although nobody is far above the mean", () => {
  const nodes = Array.from({ length: 11 }, (_, at) => fieldNode(at + 1));
  const kept = Object.fromEntries(nodes.map((node) => [node.nodeNumber, 20 * GIB]));
  const move = plan(nodes, recordOf([1, 2, 3]), { kept: { ...kept, 11: 0 } });
  expect(move).toMatchObject({ kind: "copy", reason: "balance", to: 11 });
});

test("no copy moves for balance when it would be less spread for it", () => {
  const zones = ["a", "b", "c", "c", "b"];
  const nodes = zones.map((zone, at) => fieldNode(at + 1, { zone }));
  const kept = { 1: 60 * GIB, 2: 10 * GIB, 3: 10 * GIB, 4: 0, 5: 10 * GIB };
  expect(plan(nodes, recordOf([1, 2, 3]), { kept })).toEqual({ kind: "nothing" });
});

test("a chunk that would only turn the imbalance round stays", () => {
  const nodes = [1, 2].map((number) => fieldNode(number, { capacityBytes: 100 * MIB }));
  const large = recordOf([1], { wantedCopies: 1, lengthBytes: 40 * MIB });
  expect(plan(nodes, large, { kept: { 1: 50 * MIB, 2: 0 } })).toEqual({ kind: "nothing" });
  expect(plan(nodes, large, { kept: { 1: 80 * MIB, 2: 0 } })).toMatchObject({ kind: "copy" });
});

test("a node that failed lately gets no copy", () => {
  const nodes = [fieldNode(1, { isLeaving: true, canTake: false }), ...five.slice(1)];
  const move = plan(nodes, recordOf([1, 2, 3]), { excluded: new Set([4]) });
  expect(move).toMatchObject({ kind: "copy", to: 5 });
});

/** A cluster of random shape with random records, all moves of which are carried out at once. */
class RandomCluster {
  readonly nodes: FieldNode[];
  readonly records: ChunkRecord[] = [];
  moves = 0;
  readonly #random: Prng;

  constructor(seed: number) {
    this.#random = new Prng(seed);
    const zones = 1 + this.#below(4);
    const racks = 1 + this.#below(3);
    this.nodes = Array.from({ length: 4 + this.#below(9) }, (_, at) => {
      const isLive = this.#below(12) > 0;
      const isLeaving = this.#below(6) === 0;
      const canTake = isLive && !isLeaving && this.#below(10) > 0;
      return fieldNode(at + 1, {
        zone: `z${this.#below(zones)}`,
        rack: `r${this.#below(racks)}`,
        isLive,
        isLeaving,
        isWell: isLive && !isLeaving,
        canTake,
        capacityBytes: (1 + this.#below(20)) * 100 * MIB,
      });
    });
    for (let number = 0; number < 150; number++) {
      const holders = new Set<number>();
      const copies = 1 + this.#below(4);
      for (let at = 0; at < copies; at++) holders.add(1 + this.#below(this.nodes.length));
      this.records.push(
        recordOf([...holders], {
          wantedCopies: 1 + this.#below(3),
          lengthBytes: MIB * (1 + this.#below(4)),
        }),
      );
    }
  }

  field(): MoveField {
    const kept = new Map<number, number>();
    for (const { nodeNumbers, lengthBytes } of this.records) {
      for (const number of nodeNumbers) kept.set(number, (kept.get(number) ?? 0) + lengthBytes);
    }
    return new MoveField(
      this.nodes.map((node) => ({
        ...node,
        availableBytes: node.capacityBytes - (kept.get(node.nodeNumber) ?? 0),
      })),
      kept,
    );
  }

  /** Every record has its turn; false when none had anything to do. */
  round(): boolean {
    const terms = termsOf(this.field());
    let hasMoved = false;
    for (let at = 0; at < this.records.length; at++) {
      let preferred: number | undefined;
      for (let steps = 0; steps < 8; steps++) {
        const record = this.record(at);
        const move = planMove(chunkIdOf(at), record, { ...terms, preferred });
        if (move.kind === "nothing" || move.kind === "blocked") break;
        if (move.kind === "copy") {
          if (preferred !== undefined) break;
          preferred = move.from;
          expect(record.nodeNumbers).not.toContain(move.to);
          expect(terms.field.nodes.get(move.to)?.canTake).toBe(true);
          terms.field.add(move.to, record.lengthBytes);
          this.#set(at, { ...record, nodeNumbers: [...record.nodeNumbers, move.to] });
        } else {
          expect(record.nodeNumbers).toContain(move.leaver);
          terms.field.add(move.leaver, -record.lengthBytes);
          const nodeNumbers = record.nodeNumbers.filter((number) => number !== move.leaver);
          this.#set(at, { ...record, nodeNumbers });
        }
        hasMoved = true;
        this.moves += 1;
      }
    }
    return hasMoved;
  }

  record(at: number): ChunkRecord {
    const record = this.records[at];
    if (record === undefined) throw new Error(`there is no record ${at}`);
    return record;
  }

  #set(at: number, record: ChunkRecord): void {
    const before = liveOf(this.record(at), this.nodes);
    const after = liveOf(record, this.nodes);
    // What leaves, leaves enough live copies that stay.
    if (after < before)
      expect(stayingOf(record, this.nodes)).toBeGreaterThanOrEqual(record.wantedCopies);
    this.records[at] = record;
  }

  #below(limit: number): number {
    return Math.floor(this.#random.next() * limit);
  }
}

function liveOf(record: ChunkRecord, nodes: readonly FieldNode[]): number {
  return record.nodeNumbers.filter((number) => nodes[number - 1]?.isLive).length;
}

function stayingOf(record: ChunkRecord, nodes: readonly FieldNode[]): number {
  return record.nodeNumbers.filter((number) => {
    const node = nodes[number - 1];
    return node?.isLive && !node.isLeaving;
  }).length;
}

test("from any cluster, moves come to an end: drained, spread as far as it goes, and balanced within the threshold", () => {
  for (let seed = 1; seed <= 60; seed++) {
    const cluster = new RandomCluster(seed);
    const hadEnough = cluster.records.map(
      (record) => liveOf(record, cluster.nodes) >= record.wantedCopies,
    );
    let rounds = 0;
    while (cluster.round()) {
      rounds += 1;
      expect(rounds, `seed ${seed} does not come to an end`).toBeLessThan(60);
    }
    const field = cluster.field();
    const terms = termsOf(field);
    for (const [at, record] of cluster.records.entries()) {
      if (!hadEnough[at]) continue;
      expect(liveOf(record, cluster.nodes)).toBeGreaterThanOrEqual(record.wantedCopies);
      expect(isMisplaced(chunkIdOf(at), record, terms), `seed ${seed}`).toBe(false);
    }
    expectBalanced(cluster, field, seed);
  }
});

/** No single move of one copy would bring a node that is out of the threshold nearer to the mean, the spread kept. */
function expectBalanced(cluster: RandomCluster, field: MoveField, seed: number): void {
  const mean = field.meanShare;
  for (const from of field.nodes.values()) {
    if (!isBalanced(from) || shareOf(from) <= mean + 0.05) continue;
    for (const record of cluster.records) {
      if (!record.nodeNumbers.includes(from.nodeNumber)) continue;
      if (stayingOf(record, cluster.nodes) !== record.wantedCopies) continue;
      const helped = [...field.nodes.values()].filter(
        (to) => couldTake(to, record, field) && helps(from, to, record.lengthBytes, mean),
      );
      const staying = record.nodeNumbers.flatMap((number) => {
        const node = field.nodes.get(number);
        return node !== undefined && isBalanced(node) ? [node] : [];
      });
      if (staying.length !== record.nodeNumbers.length) continue;
      const spread = new Spread(staying);
      const kept = helped.filter((to) => {
        const { zones, racks } = spread.change(from, to);
        return zones < 0 || (zones === 0 && racks <= 0);
      });
      expect(kept, `seed ${seed}: node ${from.nodeNumber} is too full`).toEqual([]);
    }
  }
}

function couldTake(to: LoadedNode, record: ChunkRecord, field: MoveField): boolean {
  return field.hasRoom(to, record.lengthBytes) && !record.nodeNumbers.includes(to.nodeNumber);
}

function helps(from: LoadedNode, to: LoadedNode, sizeBytes: number, mean: number): boolean {
  const after = (to.keptBytes + sizeBytes) / to.capacityBytes;
  return shareOf(to) < mean && (from.keptBytes - sizeBytes) / from.capacityBytes >= after;
}

test("nodes of any size end balanced by their share of capacity when nothing stands in the way", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = new Prng(seed);
    const nodes = Array.from({ length: 6 }, (_, at) =>
      fieldNode(at + 1, { capacityBytes: GIB * (1 + Math.floor(random.next() * 8)) }),
    );
    const kept = new Map<number, number>();
    const records: ChunkRecord[] = [];
    for (let number = 0; number < 4000; number++) {
      const at = Math.floor(random.next() * 3);
      const holders = [1 + at, 1 + ((at + 1) % 4)];
      records.push(recordOf(holders, { wantedCopies: 2, lengthBytes: MIB }));
      for (const holder of holders) kept.set(holder, (kept.get(holder) ?? 0) + MIB);
    }
    // Their own capacity is no limit here: what is looked at is the share.
    const field = new MoveField(
      nodes.map((node) => ({ ...node, availableBytes: 1000 * GIB })),
      kept,
    );
    for (let hasMoved = true; hasMoved; ) {
      hasMoved = false;
      for (const [number, record] of records.entries()) {
        const move = planMove(chunkIdOf(number), record, termsOf(field));
        if (move.kind !== "copy") continue;
        hasMoved = true;
        field.add(move.to, MIB);
        field.add(move.from, -MIB);
        const nodeNumbers = record.nodeNumbers.map((holder) =>
          holder === move.from ? move.to : holder,
        );
        records[number] = { ...record, nodeNumbers };
      }
    }
    const capacity = nodes.reduce((sum, node) => sum + node.capacityBytes, 0);
    const { above, below } = field.extremes();
    // A node of more than half of all that the others have cannot hold two copies of a chunk.
    if (Math.max(...nodes.map((node) => node.capacityBytes)) * 2 > capacity) continue;
    expect(Math.max(above, -below), `seed ${seed}`).toBeLessThanOrEqual(0.05);
  }
});
