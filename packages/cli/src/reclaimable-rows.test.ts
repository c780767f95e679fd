import { expect, test } from "vitest";
import { reclaimableRows } from "./reclaimable-rows.ts";

const NOTHING = {
  trash: {
    items: 0,
    unsizedItems: 0,
    files: 0,
    directories: 0,
    logicalBytes: 0,
    diskBytes: 0,
    nextDueMs: undefined,
    lastDueMs: undefined,
  },
  parts: [],
};
const EMPTY = { quarantinedCopies: 0, quarantinedBytes: 0 };

test("where nothing is on its way out there is no row", () => {
  expect(reclaimableRows(NOTHING, EMPTY, 0, String)).toEqual([]);
});

test("each stage has a row, with the least where not all was added up", () => {
  const reclaimable = {
    trash: {
      ...NOTHING.trash,
      items: 1_200,
      unsizedItems: 1,
      logicalBytes: 10,
      diskBytes: 30,
      nextDueMs: 60_000,
      lastDueMs: 7_200_000,
    },
    parts: [
      {
        name: "garbage",
        items: 2,
        logicalBytes: 5,
        diskBytes: 15,
        nextDueMs: 1_000,
        lastDueMs: undefined,
        isPartial: false,
      },
      {
        name: "uploads",
        items: 0,
        logicalBytes: 0,
        diskBytes: 0,
        nextDueMs: undefined,
        lastDueMs: undefined,
        isPartial: false,
      },
    ],
  };
  const quarantine = { quarantinedCopies: 3, quarantinedBytes: 9 };
  expect(reclaimableRows(reclaimable, quarantine, 0, String)).toEqual([
    ["trash", ">= 30", ">= 10", "1,200", "in 60 s", "in 2 h"],
    ["garbage", "15", "5", "2", "in 1 s", ""],
    ["quarantine", "9", "", "3", "when chunks need the room", ""],
  ]);
});
