import { toHex } from "@cairnfs/base/hex";
import { expect, test } from "vitest";
import {
  decodeRecordHead,
  encodeRecordHead,
  headBytesOf,
  paddingOf,
  RecordKind,
  recordBytesOf,
} from "./record.ts";
import {
  decodeEntry,
  decodeSegmentHeader,
  decodeTrailer,
  ENTRY_BYTES,
  encodeEntry,
  encodeSegmentHeader,
  encodeTrailer,
  parseSegmentName,
  segmentName,
} from "./segment-format.ts";

const salt = Buffer.from("0123456789abcdef", "hex");
const id = Buffer.alloc(32, 0xab);
const record = {
  kind: RecordKind.chunk,
  id,
  lengthBytes: 65_537,
  epoch: 7,
  verifiedS: 1_700_000_000,
  blockChecksums: [0x11111111, 0x22222222],
};

test("the head of a record of 65,537 bytes is these 76 bytes", () => {
  const head = encodeRecordHead(record, salt);
  expect(toHex(head)).toBe(
    [
      "43524543",
      "01",
      "000000",
      "0123456789abcdef",
      "ab".repeat(32),
      "00010001",
      "6553f100",
      "0000000000000007",
      "210084fe",
      "1111111122222222",
    ].join(""),
  );
  expect(decodeRecordHead(Buffer.from(head), 0)).toEqual({ ...record, salt });
});

test("a head with any byte changed, or cut off, is none", () => {
  for (let at = 0; at < headBytesOf(record.lengthBytes); at++) {
    const head = Buffer.from(encodeRecordHead(record, salt));
    head[at] = (head[at] ?? 0) ^ 1;
    expect(decodeRecordHead(head, 0)).toBeUndefined();
  }
  expect(decodeRecordHead(Buffer.from(encodeRecordHead(record, salt)).subarray(0, 75), 0)).toBe(
    undefined,
  );
});

test("a record is padded to eight bytes", () => {
  for (const lengthBytes of [0, 1, 8, 65_536, 65_537, 2 ** 20 - 1]) {
    const sizeBytes = recordBytesOf(lengthBytes);
    expect(sizeBytes % 8).toBe(0);
    expect(headBytesOf(lengthBytes) + lengthBytes + paddingOf(lengthBytes).byteLength).toBe(
      sizeBytes,
    );
  }
});

test("the header of segment 5 is these 32 bytes", () => {
  const header = encodeSegmentHeader({ number: 5, salt });
  expect(toHex(header)).toBe(
    `434149524e534547${"0001"}${"0000"}${"00000005"}${"0123456789abcdef"}${"00000000"}51875371`,
  );
  expect(decodeSegmentHeader(Buffer.from(header))).toEqual({ number: 5, salt });
  for (let at = 0; at < 32; at++) {
    const rotten = Buffer.from(header);
    rotten[at] = (rotten[at] ?? 0) ^ 1;
    expect(decodeSegmentHeader(rotten)).toBeUndefined();
  }
});

test("an entry of a footer is these 56 bytes", () => {
  const bytes = Buffer.alloc(ENTRY_BYTES, 0xff);
  const { blockChecksums, ...head } = record;
  encodeEntry({ ...head, offset: 32 }, bytes, 0);
  expect(toHex(bytes)).toBe(
    `01000000${"00000020"}${"ab".repeat(32)}${"00010001"}${"6553f100"}${"0000000000000007"}`,
  );
  expect(decodeEntry(bytes, 0)).toEqual({ ...head, offset: 32 });
  expect(blockChecksums.length).toBe(2);
});

test("the trailer of a segment with three records is these 40 bytes", () => {
  const trailer = {
    number: 5,
    salt,
    entryCount: 3,
    footerOffset: 4096,
    footerChecksum: 0x0a0b0c0d,
  };
  const bytes = encodeTrailer(trailer);
  expect(toHex(bytes)).toBe(
    `434149524e454e44${"00000005"}${"00000003"}${"00001000"}${"0a0b0c0d"}${"0123456789abcdef"}26bcb4c4${"00000000"}`,
  );
  expect(decodeTrailer(Buffer.from(bytes))).toEqual(trailer);
  for (let at = 0; at < 36; at++) {
    const rotten = Buffer.from(bytes);
    rotten[at] = (rotten[at] ?? 0) ^ 1;
    expect(decodeTrailer(rotten)).toBeUndefined();
  }
});

test("a segment's file is named after its number", () => {
  expect(segmentName(17)).toBe("0000000017.segment");
  expect(parseSegmentName("0000000017.segment")).toBe(17);
  expect(parseSegmentName("0000000017.segment.unreadable")).toBeUndefined();
});
