import { create } from "@bufbuild/protobuf";
import { type LocatedChunk, LocatedChunkSchema } from "@cairnfs/protocol/gen/cairn/v1/common_pb";
import { expect, test } from "vitest";
import { gate } from "../testing/test-bytes.ts";
import { ChunkMap } from "./chunk-map.ts";

const { signal } = new AbortController();
const LENGTH = 100;

/** Pages of ten chunks of 100 bytes. */
function page(firstIndex: number, nodeNumber = 1): LocatedChunk[] {
  return Array.from({ length: 10 }, (_, at) =>
    create(LocatedChunkSchema, {
      offsetBytes: BigInt((firstIndex + at) * LENGTH),
      lengthBytes: BigInt(LENGTH),
      chunkId: new Uint8Array(32).fill(firstIndex + at),
      nodeNumbers: [nodeNumber],
    }),
  );
}

test("pages are fetched once, and the next one from the middle of the one before", async () => {
  const asked: number[] = [];
  const map = new ChunkMap(3_000, async (offsetBytes) => {
    asked.push(offsetBytes);
    return page(offsetBytes / LENGTH);
  });
  map.add(page(0));
  for (const [offsetBytes, fetched] of [
    [0, []],
    [499, []],
    [500, [1_000]],
    [999, [1_000]],
    [1_000, [1_000]],
    [1_999, [1_000, 2_000]],
    [2_999, [1_000, 2_000]],
  ] as const) {
    const chunk = await map.at(offsetBytes, signal);
    expect(chunk.offsetBytes).toBe(Math.floor(offsetBytes / LENGTH) * LENGTH);
    expect(asked).toEqual(fetched);
  }
});

test("readers of one page that is on its way share the call", async () => {
  let calls = 0;
  const { opened, open } = gate();
  const map = new ChunkMap(1_000, async () => {
    calls += 1;
    await opened;
    return page(0);
  });
  const both = Promise.all([map.at(0, signal), map.at(0, signal)]);
  open();
  expect((await both).map((chunk) => chunk.offsetBytes)).toEqual([0, 0]);
  expect(calls).toBe(1);
});

test("a chunk is looked up again when its copies have moved", async () => {
  const map = new ChunkMap(1_000, async () => page(0, 2));
  map.add(page(0, 1));
  const chunk = await map.at(150, signal);
  expect(chunk.nodeNumbers).toEqual([1]);
  expect((await map.refreshed(chunk, signal)).nodeNumbers).toEqual([2]);
  expect((await map.at(150, signal)).nodeNumbers).toEqual([2]);
});

test("a map without the chunk is the coordinator's fault", async () => {
  const map = new ChunkMap(1_000, async () => []);
  await expect(map.at(0, signal)).rejects.toMatchObject({ reason: "protocolViolation" });
});

test("only so many pages are kept", async () => {
  let calls = 0;
  const map = new ChunkMap(1_000_000, async (offsetBytes) => {
    calls += 1;
    return page(offsetBytes / LENGTH);
  });
  for (let offsetBytes = 0; offsetBytes < 300_000; offsetBytes += 1_000) {
    await map.at(offsetBytes, signal);
  }
  expect(calls).toBe(300);
  await map.at(299_000, signal);
  expect(calls).toBe(300);
  await map.at(0, signal);
  expect(calls).toBe(301);
});
