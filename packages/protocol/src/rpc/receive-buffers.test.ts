import { isPageAligned } from "@cairnfs/base/page-memory";
import { expect, test } from "vitest";
import { BLOCK_BYTES } from "../chunk-id.ts";
import { pagedReceiveBuffers, receiveBuffers, releaseReceived } from "./receive-buffers.ts";

const FRAME_BYTES = 1024 * 1024 + 200;

test("memory that was given back is used for the next message of about the same size", () => {
  const first = receiveBuffers.take(FRAME_BYTES);
  expect(first.byteLength).toBe(FRAME_BYTES);
  releaseReceived(first.subarray(100));
  const second = receiveBuffers.take(FRAME_BYTES - 50);
  expect(second.byteLength).toBe(FRAME_BYTES - 50);
  expect(second.buffer).toBe(first.buffer);
  expect(receiveBuffers.take(FRAME_BYTES).buffer).not.toBe(second.buffer);
});

test("memory that is given back twice is lent once", () => {
  const memory = receiveBuffers.take(FRAME_BYTES);
  releaseReceived(memory);
  releaseReceived(memory);
  expect(receiveBuffers.take(FRAME_BYTES).buffer).toBe(memory.buffer);
  expect(receiveBuffers.take(FRAME_BYTES).buffer).not.toBe(memory.buffer);
});

test("bytes that were not received, and sizes that frames do not have, are left alone", () => {
  const own = new Uint8Array(FRAME_BYTES);
  releaseReceived(own);
  const odd = receiveBuffers.take(700_000);
  releaseReceived(odd);
  expect(receiveBuffers.take(FRAME_BYTES).buffer).not.toBe(own.buffer);
  expect(receiveBuffers.take(700_000).buffer).not.toBe(odd.buffer);
});

test("no more than 32 MiB lie ready", () => {
  const lent = Array.from({ length: 40 }, () => receiveBuffers.take(FRAME_BYTES));
  for (const memory of lent) releaseReceived(memory);
  const known = new Set(lent.map(({ buffer }) => buffer));
  const again = Array.from({ length: 40 }, () => receiveBuffers.take(FRAME_BYTES));
  expect(again.filter(({ buffer }) => known.has(buffer)).length).toBe(31);
});

test("the data that ends a message for a disk begins with a page when it is whole blocks", () => {
  for (const dataBytes of [BLOCK_BYTES, 4 * BLOCK_BYTES, 8 * BLOCK_BYTES, 16 * BLOCK_BYTES]) {
    for (const headerBytes of [1, 130, 4096]) {
      const message = pagedReceiveBuffers.take(headerBytes + dataBytes);
      expect(message.byteLength).toBe(headerBytes + dataBytes);
      expect(isPageAligned(message.subarray(headerBytes))).toBe(true);
      releaseReceived(message);
      expect(pagedReceiveBuffers.take(headerBytes + dataBytes).buffer).toBe(message.buffer);
    }
  }
  const tail = pagedReceiveBuffers.take(16 * BLOCK_BYTES - 5000);
  expect(tail.byteLength).toBe(16 * BLOCK_BYTES - 5000);
});
