import { Prng } from "@cairnfs/base/random";
import { expect, test } from "vitest";
import { rendezvous } from "./rendezvous.ts";
import { describeNodeSelector } from "./selector.contract.ts";
import { candidatesOf } from "./testing/candidates.ts";

describeNodeSelector("rendezvous", rendezvous);

test("a node that leaves moves only the copies it would have had", () => {
  const random = new Prng(3);
  const all = candidatesOf({ zones: 1, nodes: 10 });
  const without = all.filter(({ nodeNumber }) => nodeNumber !== 4);
  for (let round = 0; round < 500; round++) {
    const request = { count: 3, seed: random.bytes(24), excluded: new Set<number>(), holders: [] };
    const before = rendezvous.select(all, request).filter((nodeNumber) => nodeNumber !== 4);
    const after = rendezvous.select(without, request);
    expect(after.slice(0, before.length)).toEqual(before);
  }
});
