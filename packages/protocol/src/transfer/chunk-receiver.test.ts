import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { BLOCK_BYTES, FRAME_DATA_BYTES_MAX } from "../chunk-id.ts";
import { type ChunkDataStream, ChunkDataStreamSchema } from "../gen/cairn/v1/datanode_pb.ts";
import { blockChecksums } from "./block-checksums.ts";
import { ChunkReceiver, type ChunkReceiverOptions } from "./chunk-receiver.ts";

function frame(
  offsetBytes: number,
  sizeBytes: number,
  changes: MessageInitShape<typeof ChunkDataStreamSchema> = {},
): ChunkDataStream {
  const data = Buffer.alloc(sizeBytes, 7);
  return create(ChunkDataStreamSchema, {
    offsetBytes: BigInt(offsetBytes),
    data,
    blockChecksums: blockChecksums(data),
    ...changes,
  });
}

function receiver(options: Partial<ChunkReceiverOptions> = {}): ChunkReceiver {
  return new ChunkReceiver({
    direction: "store",
    lengthLimitBytes: 10 * BLOCK_BYTES,
    verifiesBlocks: true,
    ...options,
  });
}

test("frames that follow each other are taken up to the final one, which may be odd or empty", () => {
  for (const lastBytes of [0, 1, BLOCK_BYTES]) {
    const intake = receiver();
    intake.accept(frame(0, 2 * BLOCK_BYTES));
    expect(intake.accept(frame(2 * BLOCK_BYTES, BLOCK_BYTES)).offsetBytes).toBe(2 * BLOCK_BYTES);
    intake.accept(frame(3 * BLOCK_BYTES, lastBytes, { isFinal: true }));
    intake.end();
    expect(intake.receivedBytes).toBe(3 * BLOCK_BYTES + lastBytes);
  }
});

test("a stream of a range starts where the range starts", () => {
  const intake = receiver({ firstOffsetBytes: 3 * BLOCK_BYTES });
  expect(() => intake.accept(frame(0, BLOCK_BYTES))).toThrow("at offset 0, expected 196608");
  expect(intake.accept(frame(3 * BLOCK_BYTES, 1, { isFinal: true })).offsetBytes).toBe(196608);
});

test.each([
  ["a gap", frame(2 * BLOCK_BYTES, BLOCK_BYTES), "at offset 131072, expected 65536"],
  ["an overlap", frame(0, BLOCK_BYTES), "at offset 0, expected 65536"],
  ["an odd length", frame(BLOCK_BYTES, 5), "has 5 bytes, expected a multiple of 65536"],
  ["no bytes before the end", frame(BLOCK_BYTES, 0), "has 0 bytes, expected a multiple"],
  [
    "too many bytes for a frame",
    frame(BLOCK_BYTES, FRAME_DATA_BYTES_MAX + 1, { isFinal: true }),
    "expected at most 1048576",
  ],
  [
    "too few checksums",
    frame(BLOCK_BYTES, 2 * BLOCK_BYTES, { blockChecksums: [1] }),
    "has 1 checksums, expected 2",
  ],
  [
    "too many checksums",
    frame(BLOCK_BYTES, 0, { isFinal: true, blockChecksums: [1] }),
    "has 1 checksums, expected 0",
  ],
])("%s is refused with what was expected", (_what, wrong, message) => {
  const store = receiver({ lengthLimitBytes: 64 * BLOCK_BYTES });
  store.accept(frame(0, BLOCK_BYTES));
  expect(() => store.accept(wrong)).toThrow(
    expect.objectContaining({
      reason: "invalidArgument",
      message: expect.stringContaining(message),
    }),
  );
  const retrieve = receiver({ direction: "retrieve", lengthLimitBytes: 64 * BLOCK_BYTES });
  retrieve.accept(frame(0, BLOCK_BYTES));
  expect(() => retrieve.accept(wrong)).toThrow(
    expect.objectContaining({ reason: "protocolViolation" }),
  );
});

test("a frame of exactly 1 MiB is taken", () => {
  const intake = receiver({ lengthLimitBytes: FRAME_DATA_BYTES_MAX });
  intake.accept(frame(0, FRAME_DATA_BYTES_MAX, { isFinal: true }));
  expect(intake.isComplete).toBe(true);
});

test("a block that does not match its checksum is named; the fault is the caller's or the copy's", () => {
  const wrong = frame(0, 2 * BLOCK_BYTES);
  wrong.data[BLOCK_BYTES + 9] = 8;
  expect(() => receiver().accept(wrong)).toThrow(
    expect.objectContaining({
      reason: "chunkMismatch",
      details: { blockOffsetBytes: BLOCK_BYTES },
    }),
  );
  expect(() => receiver({ direction: "retrieve" }).accept(wrong)).toThrow(
    expect.objectContaining({ reason: "chunkCorrupt" }),
  );
  expect(receiver({ verifiesBlocks: false }).accept(wrong).data).toBe(wrong.data);
});

test("a stream is neither longer than its limit nor of another length than was announced", () => {
  const limited = receiver({ lengthLimitBytes: BLOCK_BYTES });
  limited.accept(frame(0, BLOCK_BYTES));
  expect(() => limited.accept(frame(BLOCK_BYTES, 1, { isFinal: true }))).toThrow(
    expect.objectContaining({ reason: "chunkMismatch" }),
  );
  for (const wrongBytes of [99, 101]) {
    expect(() =>
      receiver({ lengthBytes: 100 }).accept(frame(0, wrongBytes, { isFinal: true })),
    ).toThrow(expect.objectContaining({ reason: "chunkMismatch" }));
  }
  expect(receiver({ lengthBytes: 100 }).accept(frame(0, 100, { isFinal: true })).isFinal).toBe(
    true,
  );
});

test("a stream that ends without its final frame, or goes on after it, is refused", () => {
  const open = receiver();
  open.accept(frame(0, BLOCK_BYTES));
  expect(() => open.end()).toThrow("ended after 65536 bytes");
  const done = receiver({ direction: "retrieve" });
  done.accept(frame(0, 3, { isFinal: true }));
  expect(() => done.accept(frame(3, 0, { isFinal: true }))).toThrow("after the final one");
});
