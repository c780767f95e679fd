import { crc32c } from "@cairnfs/base/checksum";
import { CairnError } from "@cairnfs/base/errors";
import { Prng, randomBelow } from "@cairnfs/base/random";
import { SimClock } from "@cairnfs/base/testing/sim-clock";
import { expect, test } from "vitest";
import { BLOCK_BYTES } from "../chunk-id.ts";
import { blockChecksums, blockCount, firstWrongBlock } from "./block-checksums.ts";
import type { ChunkFrame } from "./chunk-frame.ts";
import { cutFrames, sendWithin } from "./chunk-sender.ts";
import { SendWindow } from "./send-window.ts";

async function* piecesOf(...pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* pieces;
}

async function collect(frames: AsyncIterable<ChunkFrame>): Promise<ChunkFrame[]> {
  const all: ChunkFrame[] = [];
  for await (const frame of frames) all.push(frame);
  return all;
}

test("whatever the sizes of the pieces, the frames are aligned, follow each other, and carry the same bytes", async () => {
  const random = new Prng(11);
  const frameBytes = 4 * BLOCK_BYTES;
  for (let round = 0; round < 60; round++) {
    const pieces: Uint8Array[] = [];
    const largest = [10, BLOCK_BYTES, frameBytes, 5 * frameBytes][round % 4] ?? 1;
    for (let n = randomBelow(random, 12); n >= 0; n--) {
      const piece = Buffer.alloc(randomBelow(random, largest + 1), n);
      pieces.push(piece);
    }
    const frames = await collect(cutFrames(piecesOf(...pieces), frameBytes));
    let offsetBytes = 0;
    for (const [at, frame] of frames.entries()) {
      expect(frame.offsetBytes).toBe(offsetBytes);
      expect(frame.isFinal).toBe(at === frames.length - 1);
      expect(frame.data.byteLength).toBeLessThanOrEqual(frameBytes);
      if (!frame.isFinal) expect(frame.data.byteLength % BLOCK_BYTES).toBe(0);
      expect(firstWrongBlock(frame.data, frame.blockChecksums)).toBeUndefined();
      expect(frame.blockChecksums.length).toBe(blockCount(frame.data.byteLength));
      offsetBytes += frame.data.byteLength;
    }
    const sent = Buffer.concat(frames.map((frame) => frame.data));
    expect(sent.equals(Buffer.concat(pieces))).toBe(true);
  }
});

test("the frames of a large piece are slices of it, and so is a lone small one", async () => {
  const large = Buffer.alloc(10 * BLOCK_BYTES + 5);
  for (const piece of [large, Buffer.from("small")]) {
    const frames = await collect(cutFrames(piecesOf(piece), 4 * BLOCK_BYTES));
    for (const frame of frames) expect(frame.data.buffer).toBe(piece.buffer);
    expect(frames.at(-1)?.data.byteLength).toBeGreaterThan(0);
  }
});

test("behind an odd piece only the rest of one block is gathered, and a large piece is sliced again", async () => {
  const large = Buffer.alloc(10 * BLOCK_BYTES);
  const frames = await collect(cutFrames(piecesOf(Buffer.from("odd"), large), 4 * BLOCK_BYTES));
  expect(frames.map((frame) => frame.data.byteLength / BLOCK_BYTES)).toEqual([
    1,
    4,
    4,
    1 + 3 / BLOCK_BYTES,
  ]);
  expect(frames.slice(1).every((frame) => frame.data.buffer === large.buffer)).toBe(true);
});

test("no pieces make one final frame without bytes", async () => {
  expect(await collect(cutFrames(piecesOf()))).toEqual([
    { offsetBytes: 0, data: new Uint8Array(0), blockChecksums: [], isFinal: true },
  ]);
});

test("checksums are those of each 64 KiB block, the last of what remains", () => {
  const data = new Prng(3).bytes(BLOCK_BYTES + 1);
  expect(blockChecksums(data)).toEqual([
    crc32c(data.subarray(0, BLOCK_BYTES)),
    crc32c(data.subarray(BLOCK_BYTES)),
  ]);
  const checksums = blockChecksums(data);
  data[BLOCK_BYTES] = (data[BLOCK_BYTES] ?? 0) ^ 1;
  expect(firstWrongBlock(data, checksums)).toBe(1);
});

function windowOf(windowBytes: number, clock = new SimClock(), stallMs = 1000): SendWindow {
  return new SendWindow({ clock, windowBytes, stallMs });
}

const block = () => Buffer.alloc(BLOCK_BYTES);

test("a sender has at most the window in flight and goes on as acknowledgements come", async () => {
  const window = windowOf(2 * BLOCK_BYTES);
  const frames = sendWithin(
    window,
    cutFrames(piecesOf(block(), block(), block(), block()), BLOCK_BYTES),
  );
  await frames.next();
  await frames.next();
  let isThird = false;
  const third = frames.next().then((next) => {
    isThird = true;
    return next;
  });
  await new SimClock().advance(0);
  expect(isThird).toBe(false);
  expect(window.unacknowledgedBytes).toBe(2 * BLOCK_BYTES);
  window.acknowledge({ bytesReceived: BLOCK_BYTES, readyForNext: true });
  expect((await third).value).toMatchObject({ offsetBytes: 2 * BLOCK_BYTES });
  window.close();
});

test("a sender stops while the receiver is not ready, however much room there is", async () => {
  const window = windowOf(100 * BLOCK_BYTES);
  window.sent(10);
  window.acknowledge({ bytesReceived: 10, readyForNext: false });
  let isOpen = false;
  const room = window.room(1).then(() => {
    isOpen = true;
  });
  await new SimClock().advance(0);
  expect(isOpen).toBe(false);
  window.acknowledge({ bytesReceived: 10, readyForNext: true });
  await room;
  window.close();
});

test("a receiver that takes nothing of what is in flight breaks the window after the stall time", async () => {
  const clock = new SimClock();
  const window = windowOf(BLOCK_BYTES, clock, 1000);
  window.sent(BLOCK_BYTES);
  const waiting = window.room(2).catch((error: unknown) => error);
  await clock.advance(900);
  window.acknowledge({ bytesReceived: 1, readyForNext: true });
  await clock.advance(900);
  window.acknowledge({ bytesReceived: 1, readyForNext: true });
  expect(window.unacknowledgedBytes).toBe(BLOCK_BYTES - 1);
  await clock.advance(101);
  expect(await waiting).toMatchObject({ reason: "stalled" });
  expect(clock.pendingTimers).toBe(0);
});

test("a sender that is merely slow is not taken for a stalled receiver", async () => {
  const clock = new SimClock();
  const window = windowOf(BLOCK_BYTES, clock, 1000);
  window.sent(10);
  window.acknowledge({ bytesReceived: 10, readyForNext: true });
  await clock.advance(5000);
  window.sent(10);
  await clock.advance(999);
  await window.room(10);
  window.close();
});

test("an acknowledgement of bytes that were never sent, or that goes back, breaks the window", async () => {
  for (const bytesReceived of [4, 11]) {
    const window = windowOf(BLOCK_BYTES);
    let failure: unknown;
    window.onFailure((error) => {
      failure = error;
    });
    window.sent(10);
    window.acknowledge({ bytesReceived: 5, readyForNext: true });
    window.acknowledge({ bytesReceived, readyForNext: true });
    await expect(window.room(1)).rejects.toBeInstanceOf(CairnError);
    expect(failure).toMatchObject({ reason: "protocolViolation" });
  }
});
