import { expect, test } from "vitest";
import { TestManager } from "../nodes/testing/manager.ts";
import { findNode } from "./find-node.ts";

test("a node is found by its number, its addresses and the first digits of its id", async () => {
  const cluster = await TestManager.open();
  for (const number of [1, 2]) {
    await cluster.join(number, { grpcAddress: `node-${number}:2` });
  }
  const find = (name: string) => findNode(cluster.manager.table.rows(), name).nodeNumber;
  expect(find("2")).toBe(2);
  expect(find("node-1:1")).toBe(1);
  expect(find("node-2:2")).toBe(2);
  expect(find(cluster.manager.table.get(2)?.nodeId.toUpperCase() ?? "")).toBe(2);
  expect(() => find("9")).toThrow(/no node is "9": expected a number/u);
  expect(() => find("")).toThrow(/no node is ""/u);
  expect(() => find("0000000000")).toThrow(/begins the ids of nodes 1, 2/u);
});
