import { Prng } from "@cairnfs/base/random";
import { describe, expect, test } from "vitest";
import type { NodeSelector } from "./selector.ts";
import { candidatesOf } from "./testing/candidates.ts";

/** What every NodeSelector does. */
export function describeNodeSelector(name: string, selector: NodeSelector): void {
  describe(name, () => {
    const random = new Prng(1);
    const none = { excluded: new Set<number>(), holders: [] };

    test("gives exactly as many different candidates as asked for", () => {
      for (const size of [1, 2, 3, 7, 200]) {
        const candidates = candidatesOf({ zones: Math.min(3, size), nodes: size });
        for (let count = 0; count <= Math.min(size, 16); count++) {
          const chosen = selector.select(candidates, { count, seed: random.bytes(24), ...none });
          expect(new Set(chosen).size).toBe(count);
          for (const nodeNumber of chosen) {
            expect(candidates.some((candidate) => candidate.nodeNumber === nodeNumber)).toBe(true);
          }
        }
      }
    });

    test("gives the same nodes in the same order for the same seed", () => {
      const seed = random.bytes(24);
      const chosen = selector.select(candidatesOf({ zones: 3, nodes: 30 }), {
        count: 3,
        seed,
        ...none,
      });
      const again = selector.select(candidatesOf({ zones: 3, nodes: 30 }), {
        count: 3,
        seed: seed.slice(),
        ...none,
      });
      expect(again).toEqual(chosen);
    });

    test("never chooses an excluded node or one that holds a copy", () => {
      const candidates = candidatesOf({ zones: 2, nodes: 6 });
      const holders = candidates.filter(({ nodeNumber }) => nodeNumber <= 2);
      const excluded = new Set([3]);
      for (let round = 0; round < 50; round++) {
        const chosen = selector.select(candidates, {
          count: 3,
          seed: random.bytes(24),
          excluded,
          holders,
        });
        expect([...chosen].sort()).toEqual([4, 5, 6]);
      }
    });
  });
}
