import { Prng, randomBelow } from "@cairnfs/base/random";
import { expect, test } from "vitest";
import { SortedMap, type SortedView } from "./sorted-map.ts";

function entries(map: SortedView<number>, start: string, end: string, isReverse: boolean) {
  const found: [string, number | undefined][] = [];
  for (
    const cursor = map.cursor(start, end, isReverse);
    cursor.key !== undefined;
    cursor.advance()
  ) {
    found.push([cursor.key, cursor.value]);
  }
  return found;
}

function modelEntries(
  model: ReadonlyMap<string, number>,
  start: string,
  end: string,
  isReverse: boolean,
) {
  const found = [...model].filter(([key]) => key >= start && key < end);
  found.sort(([a], [b]) => (a < b ? -1 : 1));
  return isReverse ? found.reverse() : found;
}

for (const [seed, keySpace] of [
  [1, 50],
  [2, 500],
  [3, 20_000],
] as const) {
  test(`a sorted map and its snapshots agree with a plain map (seed ${seed}, ${keySpace} keys)`, () => {
    const random = new Prng(seed);
    const map = new SortedMap<number>();
    const model = new Map<string, number>();
    const snapshots: { view: SortedView<number>; model: Map<string, number> }[] = [];
    const key = () => randomBelow(random, keySpace).toString(36).padStart(3, "0");
    for (let round = 0; round < 20_000; round++) {
      // Phases of growth and of removal, so that nodes split and merge.
      const removes = random.next() < (Math.floor(round / 4000) % 2 === 0 ? 0.2 : 0.8);
      const at = key();
      if (removes) expect(map.delete(at)).toBe(model.delete(at));
      else {
        map.set(at, round);
        model.set(at, round);
      }
      if (round % 2500 === 0) snapshots.push({ view: map.snapshot(), model: new Map(model) });
      if (round % 200 !== 0) continue;
      expect(map.size).toBe(model.size);
      const probe = key();
      expect(map.get(probe)).toBe(model.get(probe));
      const [start, end] = [key(), key()];
      for (const isReverse of [false, true]) {
        expect(entries(map, start, end, isReverse)).toEqual(
          modelEntries(model, start, end, isReverse),
        );
      }
    }
    for (const snapshot of snapshots) {
      expect(entries(snapshot.view, "", "~", false)).toEqual(
        modelEntries(snapshot.model, "", "~", false),
      );
    }
    for (const at of model.keys()) expect(map.delete(at)).toBe(true);
    expect(entries(map, "", "~", false)).toEqual([]);
  });
}
