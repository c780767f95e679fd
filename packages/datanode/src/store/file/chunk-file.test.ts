import { toHex } from "@cairnfs/base/hex";
import { parseChunkId } from "@cairnfs/protocol/chunk-id";
import { expect, test } from "vitest";
import {
  dataOffsetFor,
  decodeChecksums,
  decodeSlot,
  encodeChecksums,
  encodeSlot,
  newestHeader,
  SLOT_BYTES,
  TABLE_OFFSET_BYTES,
} from "./chunk-file.ts";

const header = {
  id: parseChunkId("ab".repeat(32)),
  lengthBytes: 8 * 1024 * 1024,
  epoch: 7,
  verifiedMs: 1_700_000_000_000,
  sequence: 3,
  dataOffsetBytes: 12_288,
  tableChecksum: 0x01020304,
};

test("the slot of a chunk of 8 MiB is these 92 bytes", () => {
  expect(toHex(encodeSlot(header))).toBe(
    [
      "434149524e43484b",
      "0001",
      "0000",
      "00010000",
      "ab".repeat(32),
      "0000000000800000",
      "0000000000000007",
      "0000018bcfe56800",
      "0000000000000003",
      "00003000",
      "01020304",
      "f4a2312a",
    ].join(""),
  );
  expect(decodeSlot(encodeSlot(header))).toEqual(header);
});

test("a slot with any byte changed, cut off or never written is none", () => {
  for (let at = 0; at < 92; at++) {
    const slot = encodeSlot(header);
    slot[at] = (slot[at] ?? 0) ^ 0x10;
    expect(decodeSlot(slot)).toBeUndefined();
  }
  expect(decodeSlot(encodeSlot(header).subarray(0, 91))).toBeUndefined();
  expect(decodeSlot(new Uint8Array(SLOT_BYTES))).toBeUndefined();
});

test("of two slots the later one holds, and the other when it is torn", () => {
  const head = new Uint8Array(TABLE_OFFSET_BYTES);
  expect(newestHeader(head)).toBeUndefined();
  head.set(encodeSlot({ ...header, sequence: 4 }), 0);
  head.set(encodeSlot({ ...header, sequence: 5 }), SLOT_BYTES);
  expect(newestHeader(head)).toMatchObject({ slot: 1, header: { sequence: 5 } });
  head[SLOT_BYTES] = 0;
  expect(newestHeader(head)).toMatchObject({ slot: 0, header: { sequence: 4 } });
});

test("the data starts at the first page after the checksums of the longest chunk it may be", () => {
  const mib = 1024 * 1024;
  expect(dataOffsetFor(1)).toBe(3 * 4096);
  expect(dataOffsetFor(64 * mib)).toBe(3 * 4096);
  expect(dataOffsetFor(64 * mib + 1)).toBe(4 * 4096);
  expect(dataOffsetFor(512 * mib)).toBe(10 * 4096);
});

test("checksums are read back from any block on", () => {
  const table = encodeChecksums([1, 0xffffffff, 3]);
  expect(toHex(table)).toBe("00000001ffffffff00000003");
  expect(decodeChecksums(table, 1, 3)).toEqual([0xffffffff, 3]);
});
