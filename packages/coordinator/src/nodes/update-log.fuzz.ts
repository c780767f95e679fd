import { Prng, randomBelow } from "@cairnfs/base/random";
import { expect, test } from "vitest";
import { NodeTable, type TableUpdates } from "./node-table.ts";
import { nodeId, roomy } from "./testing/manager.ts";

/** What a node or client keeps. */
class Copy {
  readonly states = new Map<number, string>();
  version = 0;

  apply(updates: TableUpdates): void {
    if (updates.isWhole) this.states.clear();
    for (const row of updates.rows) this.states.set(row.nodeNumber, row.address);
    for (const nodeNumber of updates.removed) this.states.delete(nodeNumber);
    this.version = updates.version;
  }
}

test("a copy that follows by updates, however rarely and in however small parts, ends up like the table", () => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = new Prng(seed);
    const table = new NodeTable({ incarnation: 1 + seed, logCapacity: 16 });
    const copies = [new Copy(), new Copy(), new Copy()];
    for (let turn = 0; turn < 200; turn++) {
      const nodeNumber = 1 + randomBelow(random, 12);
      if (random.next() < 0.2) table.remove(nodeNumber);
      else {
        table.put({
          nodeNumber,
          nodeId: nodeId(nodeNumber),
          address: `${turn}`,
          grpcAddress: "",
          zone: "",
          rack: "",
          duty: "inService",
          liveness: "alive",
          health: "ok",
          usage: roomy,
          lastHeardMs: 0,
        });
      }
      const copy = copies[randomBelow(random, copies.length)];
      if (random.next() < 0.3) copy?.apply(table.since(copy.version, 1 + randomBelow(random, 4)));
    }
    const now = new Map([...table.rows()].map((row) => [row.nodeNumber, row.address]));
    for (const copy of copies) {
      while (copy.version !== table.version) copy.apply(table.since(copy.version, 3));
      expect(copy.states, `seed ${seed}`).toEqual(now);
    }
  }
});
