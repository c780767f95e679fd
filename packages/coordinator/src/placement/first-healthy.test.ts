import { expect, test } from "vitest";
import { firstHealthy } from "./first-healthy.ts";
import { describeNodeSelector } from "./selector.contract.ts";
import { candidatesOf } from "./testing/candidates.ts";

describeNodeSelector("firstHealthy", firstHealthy);

test("the lowest numbers come first whatever the order of the candidates", () => {
  const candidates = candidatesOf({ zones: 1, nodes: 12 }).reverse();
  const request = { count: 3, seed: new Uint8Array(24), excluded: new Set<number>(), holders: [] };
  expect(firstHealthy.select(candidates, request)).toEqual([1, 2, 3]);
});
