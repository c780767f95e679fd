import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { CairnError } from "@cairnfs/base/errors";
import { Prng, randomBelow } from "@cairnfs/base/random";
import { expect, test } from "vitest";
import { StatRequestSchema } from "../gen/cairn/v1/coordinator_pb.ts";
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

test("a message whose stream has no data, or that has fields we do not know, is written by protobuf", () => {
  const open = { step: { case: "open", value: { lengthBytes: 5n } } } as const;
  expect(encodeMessage(StoreChunkRequestSchema, open).length).toBe(1);
  expect(encodeMessage(RetrieveChunkResponseSchema, {}).length).toBe(1);
  const bytes = toBinary(
    RetrieveChunkResponseSchema,
    create(RetrieveChunkResponseSchema, { data: { data: new Uint8Array(9) } }),
  );
  const unknown = joinParts([bytes, new Uint8Array([0x98, 0x06, 0x01])]);
  const decoded = decodeMessage(RetrieveChunkResponseSchema, unknown, "invalidArgument");
  expectSame(joinParts(encodeMessage(RetrieveChunkResponseSchema, decoded)), unknown);
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
