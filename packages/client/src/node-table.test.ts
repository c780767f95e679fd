import { create } from "@bufbuild/protobuf";
import { NodeState, NodeUpdatesSchema } from "@cairnfs/protocol/gen/cairn/v1/common_pb";
import { expect, test } from "vitest";
import { NodeTable } from "./node-table.ts";

function tableOf() {
  return new NodeTable(async () => undefined);
}

function updates(version: bigint, nodes: Record<number, string>, requiresFullResync = false) {
  return create(NodeUpdatesSchema, {
    version,
    requiresFullResync,
    nodes: Object.entries(nodes).map(([nodeNumber, address]) => ({
      nodeNumber: Number(nodeNumber),
      address,
      state: address === "" ? NodeState.REMOVED : NodeState.HEALTHY,
    })),
  });
}

test("updates replace rows, remove some and move the version; a whole table replaces the copy", () => {
  const table = tableOf();
  table.apply(updates(5n, { 1: "a", 2: "b" }, true));
  table.apply(updates(7n, { 1: "c", 2: "" }));
  expect(table.find(1)?.address).toBe("c");
  expect(table.find(2)).toBeUndefined();
  expect(table.version).toBe(7n);
  table.apply(updates(3n, { 9: "x" }, true));
  expect(table.all().map((node) => node.nodeNumber)).toEqual([9]);
  expect(table.version).toBe(3n);
});

test("old updates are passed over", () => {
  const table = tableOf();
  table.apply(updates(7n, { 1: "new" }, true));
  table.apply(updates(6n, { 1: "old" }));
  expect(table.find(1)?.address).toBe("new");
});

test("rows that come along with an answer are taken in, and the version stays: the rest is still to be asked for", () => {
  const table = tableOf();
  table.apply(updates(0n, { 1: "a" }));
  expect(table.find(1)?.address).toBe("a");
  expect(table.version).toBe(0n);
  table.apply(updates(7n, { 2: "b" }, true));
  table.apply(updates(0n, { 2: "moved", 3: "c" }));
  expect(table.find(2)?.address).toBe("moved");
  expect(table.find(3)?.address).toBe("c");
  expect(table.version).toBe(7n);
});
