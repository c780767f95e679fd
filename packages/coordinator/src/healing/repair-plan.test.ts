import { expect, test } from "vitest";
import { type ChunkRecord, NO_DOMAIN } from "../chunks/chunk-record.ts";
import { planRepair } from "./repair-plan.ts";

function recordOf(over: Partial<ChunkRecord>): ChunkRecord {
  return {
    state: "live",
    lengthBytes: 1,
    references: 1,
    wantedCopies: 3,
    nodeNumbers: [1, 2],
    homeDomainId: NO_DOMAIN,
    homeReferences: 0,
    dueMs: 0,
    deleteEpoch: 0,
    debtCopies: 2,
    fences: [],
    ...over,
  };
}

function nodes(view: { live: readonly number[]; heard: readonly number[] }) {
  return {
    isLive: (nodeNumber: number) => view.live.includes(nodeNumber),
    isHeard: (nodeNumber: number) => view.heard.includes(nodeNumber),
  };
}

test("a chunk that is gone or owes nothing needs nothing", () => {
  const all = nodes({ live: [1, 2], heard: [1, 2] });
  expect(planRepair(undefined, all)).toEqual({ kind: "nothing" });
  expect(planRepair(recordOf({ debtCopies: undefined }), all)).toEqual({ kind: "nothing" });
});

test("the ledger is put right before anything is copied", () => {
  expect(planRepair(recordOf({}), nodes({ live: [1], heard: [1] }))).toEqual({ kind: "settle" });
  const risen = recordOf({ nodeNumbers: [1, 2, 3] });
  expect(planRepair(risen, nodes({ live: [1, 2, 3], heard: [] }))).toEqual({ kind: "settle" });
});

test("nodes that were heard are asked before those that are only not given up", () => {
  expect(planRepair(recordOf({}), nodes({ live: [1, 2], heard: [2] }))).toEqual({
    kind: "copy",
    sources: [2, 1],
  });
});

test("without a live copy a chunk is lost", () => {
  const record = recordOf({ debtCopies: 0 });
  expect(planRepair(record, nodes({ live: [], heard: [] }))).toEqual({ kind: "lost" });
});
