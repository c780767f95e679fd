import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { AssertionFailure } from "@cairnfs/base/assert";
import { CairnError } from "@cairnfs/base/errors";
import { Prng, randomBelow } from "@cairnfs/base/random";
import { expect, test } from "vitest";
import { PreconditionSchema } from "../gen/cairn/v1/common_pb.ts";
import {
  ListRequestSchema,
  StatRequestSchema,
  StatResponseSchema,
} from "../gen/cairn/v1/coordinator_pb.ts";
import {
  type ChunkDataStreamSchema,
  RetrieveChunkResponseSchema,
  StoreChunkRequestSchema,
} from "../gen/cairn/v1/datanode_pb.ts";
import { checkedSizeOfParts, decodeMessage, encodeMessage, joinParts } from "./codec.ts";
import { MESSAGE_BYTES_MAX } from "./limits.ts";

function randomStream(random: Prng): MessageInitShape<typeof ChunkDataStreamSchema> {
  const dataBytes = [0, 1, 127, 128, 300, 70_000, 2_100_000][randomBelow(random, 7)] ?? 0;
  return {
    sessionId: random.bytes(randomBelow(random, 2) * 16),
    chunkId: random.bytes(randomBelow(random, 2) * 32),
    offsetBytes: BigInt(randomBelow(random, 3) * 65_536),
    isFinal: random.next() < 0.5,
    blockChecksums: Array.from({ length: randomBelow(random, 5) }, () =>
      randomBelow(random, 2 ** 32),
    ),
    data: new Uint8Array(dataBytes).fill(dataBytes),
  };
}

test.each([1, 2, 3])(
  "the parts of a chunk stream are what protobuf would write (seed %i)",
  (seed) => {
    const random = new Prng(seed);
    for (let round = 0; round < 40; round++) {
      const data = randomStream(random);
      const store = { step: { case: "data", value: data } } as const;
      const retrieve = { chunkLengthBytes: BigInt(randomBelow(random, 2) * 5_000_000), data };
      expectSame(
        joinParts(encodeMessage(StoreChunkRequestSchema, store)),
        toBinary(StoreChunkRequestSchema, create(StoreChunkRequestSchema, store)),
      );
      expectSame(
        joinParts(encodeMessage(RetrieveChunkResponseSchema, retrieve)),
        toBinary(RetrieveChunkResponseSchema, create(RetrieveChunkResponseSchema, retrieve)),
      );
    }
  },
);

test("fields that this release does not know are passed over, groups within groups as well", () => {
  const unknown = [
    [0x98, 0x06, 0x01],
    [0xa1, 0x06, 1, 2, 3, 4, 5, 6, 7, 8],
    [0xa2, 0x06, 2, 0x0a, 0x05],
    [0xa5, 0x06, 1, 2, 3, 4],
    [0xab, 0x06, 0xab, 0x06, 0x08, 0x01, 0xac, 0x06, 0xac, 0x06],
  ];
  const known = joinParts(encodeMessage(StatRequestSchema, { path: "/a" }));
  for (const field of unknown) {
    const bytes = joinParts([new Uint8Array(field), known, new Uint8Array(field)]);
    expect(decodeMessage(StatRequestSchema, bytes, "invalidArgument").path).toBe("/a");
    // Wherever it is cut within the field behind the known one, it is no message.
    for (let cut = bytes.byteLength - field.length + 1; cut < bytes.byteLength; cut++) {
      expect(() =>
        decodeMessage(StatRequestSchema, bytes.subarray(0, cut), "invalidArgument"),
      ).toThrow(CairnError);
    }
  }
});

test.each([
  ["a field without a number", [0x02, 0x00]],
  ["a wire type that there is not", [0x0f, 0x00]],
  ["a field number of more than 32 bits", [0x8a, 0x80, 0x80, 0x80, 0x10, 0x00]],
  ["a group that does not end", [0xab, 0x06]],
  ["an end of a group that did not begin", [0xac, 0x06]],
  ["a group that ends as another", [0xab, 0x06, 0xb4, 0x06]],
  ["groups that are too deep", new Array(300).fill([0xab, 0x06]).flat()],
  ["a number of eleven bytes", [0x98, 0x06, ...new Array(10).fill(0x80), 0x01]],
  ["a text that is no UTF-8", [0x0a, 0x02, 0xc3, 0x28]],
  ["a long text that is no UTF-8", [0x0a, 0x40, ...new Array(63).fill(0x61), 0xff]],
  ["a length beyond the end", [0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f]],
])("%s is no message", (_, bytes) => {
  const error = expect.objectContaining({ reason: "invalidArgument" });
  expect(() => decodeMessage(StatRequestSchema, new Uint8Array(bytes), "invalidArgument")).toThrow(
    error,
  );
});

test("a nested message that ends beyond its bounds is no message, though bytes follow", () => {
  // A message of two bytes whose field claims two more, and then what these could be.
  const bytes = new Uint8Array([0x0a, 0x02, 0x12, 0x02, 0x61, 0x62]);
  expect(() => decodeMessage(StatResponseSchema, bytes, "protocolViolation")).toThrow(CairnError);
});

test("the replacement character may be meant", () => {
  const path = `/${"\ufffd".repeat(20)}`;
  const bytes = joinParts(encodeMessage(StatRequestSchema, { path }));
  expect(decodeMessage(StatRequestSchema, bytes, "invalidArgument").path).toBe(path);
});

test("numbers that the field cannot hold are a bug of ours", () => {
  const wrong = [{ limit: -1 }, { limit: 1.5 }, { limit: 2 ** 32 }, { limit: Number.NaN }];
  for (const init of wrong) {
    expect(() => encodeMessage(ListRequestSchema, init)).toThrow(AssertionFailure);
  }
  for (const versionMax of [-1n, 1n << 64n]) {
    const init = { condition: { case: "version", value: versionMax } } as const;
    expect(() => encodeMessage(PreconditionSchema, init)).toThrow(AssertionFailure);
  }
  // What was begun before is not part of the next message.
  expect(joinParts(encodeMessage(ListRequestSchema, { limit: 5 }))).toEqual(
    new Uint8Array([0x18, 5]),
  );
});

test("the data is not copied, neither when it is encoded nor when it is decoded", () => {
  const data = new Uint8Array(100_000);
  const parts = encodeMessage(StoreChunkRequestSchema, { step: { case: "data", value: { data } } });
  expect(parts[1]).toBe(data);
  const bytes = joinParts(parts);
  const { step } = decodeMessage(StoreChunkRequestSchema, bytes, "invalidArgument");
  expect(step.case === "data" && step.value.data.buffer === bytes.buffer).toBe(true);
});

test("bytes that are no message fail with the reason that the reader gives", () => {
  for (const reason of ["invalidArgument", "protocolViolation"] as const) {
    expect(() => decodeMessage(StatRequestSchema, new Uint8Array([0x0a, 0x05]), reason)).toThrow(
      expect.objectContaining({ reason }),
    );
  }
});

test("a message may have exactly 4 MiB and not one byte more", () => {
  expect(checkedSizeOfParts([new Uint8Array(MESSAGE_BYTES_MAX)])).toBe(MESSAGE_BYTES_MAX);
  const tooLarge = [new Uint8Array(MESSAGE_BYTES_MAX), new Uint8Array(1)];
  expect(() => checkedSizeOfParts(tooLarge)).toThrow(CairnError);
});

function expectSame(actual: Uint8Array, expected: Uint8Array): void {
  expect(Buffer.compare(actual, expected)).toBe(0);
}
