import { Prng } from "@cairnfs/base/random";
import { expect, test } from "vitest";
import { capacityWeighted } from "./capacity-weighted.ts";
import { describeNodeSelector } from "./selector.contract.ts";
import type { Candidate } from "./selector.ts";
import { candidatesOf } from "./testing/candidates.ts";

describeNodeSelector("capacityWeighted", capacityWeighted);

const none = { excluded: new Set<number>(), holders: [] };

function* selections(candidates: readonly Candidate[], count: number, rounds: number) {
  const random = new Prng(11);
  for (let round = 0; round < rounds; round++) {
    yield capacityWeighted.select(candidates, { count, seed: random.bytes(24), ...none });
  }
}

function tally(numbers: Iterable<number>): Map<number, number> {
  const counts = new Map<number, number>();
  for (const nodeNumber of numbers) counts.set(nodeNumber, (counts.get(nodeNumber) ?? 0) + 1);
  return counts;
}

function placeOf(candidates: readonly Candidate[], part: "zone" | "rack") {
  const places = new Map(candidates.map((candidate) => [candidate.nodeNumber, candidate[part]]));
  return (nodeNumber: number) => places.get(nodeNumber);
}

test("three copies in three zones never share a zone", () => {
  const candidates = candidatesOf({ zones: 3, nodes: 30 });
  const zoneOf = placeOf(candidates, "zone");
  for (const chosen of selections(candidates, 3, 1000)) {
    expect(new Set(chosen.map(zoneOf)).size).toBe(3);
  }
});

test("with too few zones copies are spread as evenly as they can be, and over racks within a zone", () => {
  const candidates = candidatesOf({ zones: 2, nodes: 40, racks: 2 });
  const zoneOf = placeOf(candidates, "zone");
  const rackOf = placeOf(candidates, "rack");
  for (const chosen of selections(candidates, 4, 1000)) {
    const perZone = groupBy(chosen, zoneOf);
    expect([...perZone.values()].map((inZone) => inZone.length)).toEqual([2, 2]);
    for (const inZone of perZone.values()) expect(new Set(inZone.map(rackOf)).size).toBe(2);
  }
});

test("in one zone copies land on different racks as long as there are any", () => {
  const candidates = candidatesOf({ zones: 1, nodes: 12, racks: 4 });
  const rackOf = placeOf(candidates, "rack");
  for (const chosen of selections(candidates, 3, 500)) {
    expect(new Set(chosen.map(rackOf)).size).toBe(3);
  }
});

test("equal nodes get equal shares of the copies and of the primaries", () => {
  const rounds = 30_000;
  const candidates = candidatesOf({ zones: 3, nodes: 30 });
  const chosen = [...selections(candidates, 3, rounds)];
  const copies = tally(chosen.flat());
  const primaries = tally(chosen.map(([primary]) => primary ?? 0));
  for (const { nodeNumber } of candidates) {
    // 3,000 and 1,000 expected; the bounds are more than five standard deviations away.
    expect(Math.abs((copies.get(nodeNumber) ?? 0) - 3000)).toBeLessThan(300);
    expect(Math.abs((primaries.get(nodeNumber) ?? 0) - 1000)).toBeLessThan(170);
  }
});

test("a node with three times the room gets three times the chunks", () => {
  const candidates = candidatesOf({
    zones: 1,
    nodes: 8,
    availableBytes: (nodeNumber) => (nodeNumber <= 4 ? 3e12 : 1e12),
  });
  const counts = tally([...selections(candidates, 1, 32_000)].flat());
  for (const { nodeNumber } of candidates) {
    const expected = nodeNumber <= 4 ? 6000 : 2000;
    expect(Math.abs((counts.get(nodeNumber) ?? 0) - expected)).toBeLessThan(expected * 0.1);
  }
});

test("shares of a large rack are as good as a small one: 500 equal nodes get equal shares", () => {
  const candidates = candidatesOf({ zones: 1, nodes: 500 });
  const counts = tally([...selections(candidates, 3, 50_000)].flat());
  // Choosing without putting back evens shares of different size a little: 300 are expected.
  for (const { nodeNumber } of candidates) {
    expect(Math.abs((counts.get(nodeNumber) ?? 0) - 300)).toBeLessThan(120);
  }
});

test("a node that leaves moves few of the other choices", () => {
  const all = candidatesOf({ zones: 3, nodes: 60 });
  const without = all.filter(({ nodeNumber }) => nodeNumber !== 17);
  const before = [...selections(all, 3, 2000)];
  const after = [...selections(without, 3, 2000)];
  const moved = before.flatMap((chosen, round) =>
    chosen.filter((nodeNumber) => nodeNumber !== 17 && !after[round]?.includes(nodeNumber)),
  );
  // One node in sixty left: a hundred of the 6,000 copies were its own.
  expect(moved.length).toBeLessThan(60);
});

test("new copies stay away from the zones and racks of those that are there", () => {
  const candidates = candidatesOf({ zones: 3, nodes: 30, racks: 5 });
  const zoneOf = placeOf(candidates, "zone");
  const random = new Prng(5);
  for (let round = 0; round < 200; round++) {
    const holders = candidates.filter(({ nodeNumber }) => nodeNumber === 1 || nodeNumber === 2);
    const [target = 0] = capacityWeighted.select(candidates, {
      count: 1,
      seed: random.bytes(24),
      excluded: new Set(),
      holders,
    });
    expect(zoneOf(target)).toBe("z2");
  }
});

function groupBy<T, K>(items: readonly T[], keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
}
