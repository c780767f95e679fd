import { expect, test } from "vitest";
import { chooseLeaver } from "./choose-leaver.ts";

const holder = (nodeNumber: number, zone: string, rack = "r", availableBytes = 50) => ({
  nodeNumber,
  zone,
  rack,
  capacityBytes: 100,
  availableBytes,
});

test("a copy leaves the zone that has the most", () => {
  expect(chooseLeaver([holder(1, "a"), holder(2, "b"), holder(3, "b"), holder(4, "c")])).toBe(2);
});

test("within a zone a copy leaves the rack that has the most, and there the fullest node", () => {
  const racks = [holder(1, "a", "x", 1), holder(2, "a", "y", 90), holder(3, "a", "y", 80)];
  expect(chooseLeaver(racks)).toBe(3);
});

test("of equals the first in number leaves, in whatever order they come; of none, none", () => {
  expect(chooseLeaver([holder(3, "a"), holder(1, "b"), holder(2, "c")])).toBe(1);
  expect(chooseLeaver([])).toBeUndefined();
});
