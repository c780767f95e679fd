import { expect, test } from "vitest";
import { releaseReceived, takeReceiveBuffer } from "./receive-buffers.ts";

const FRAME_BYTES = 1024 * 1024 + 200;

test("memory that was given back is used for the next message of about the same size", () => {
  const first = takeReceiveBuffer(FRAME_BYTES);
  expect(first.byteLength).toBe(FRAME_BYTES);
  releaseReceived(first.subarray(100));
  const second = takeReceiveBuffer(FRAME_BYTES - 50);
  expect(second.byteLength).toBe(FRAME_BYTES - 50);
  expect(second.buffer).toBe(first.buffer);
  expect(takeReceiveBuffer(FRAME_BYTES).buffer).not.toBe(second.buffer);
});

test("memory that is given back twice is lent once", () => {
  const memory = takeReceiveBuffer(FRAME_BYTES);
  releaseReceived(memory);
  releaseReceived(memory);
  expect(takeReceiveBuffer(FRAME_BYTES).buffer).toBe(memory.buffer);
  expect(takeReceiveBuffer(FRAME_BYTES).buffer).not.toBe(memory.buffer);
});

test("bytes that were not received, and sizes that frames do not have, are left alone", () => {
  const own = new Uint8Array(FRAME_BYTES);
  releaseReceived(own);
  const odd = takeReceiveBuffer(700_000);
  releaseReceived(odd);
  expect(takeReceiveBuffer(FRAME_BYTES).buffer).not.toBe(own.buffer);
  expect(takeReceiveBuffer(700_000).buffer).not.toBe(odd.buffer);
});

test("no more than 32 MiB lie ready", () => {
  const lent = Array.from({ length: 40 }, () => takeReceiveBuffer(FRAME_BYTES));
  for (const memory of lent) releaseReceived(memory);
  const known = new Set(lent.map(({ buffer }) => buffer));
  const again = Array.from({ length: 40 }, () => takeReceiveBuffer(FRAME_BYTES));
  expect(again.filter(({ buffer }) => known.has(buffer)).length).toBe(31);
});
