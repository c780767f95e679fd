import { PassThrough, Writable } from "node:stream";
import { expect, test } from "vitest";
import { pump } from "./pump.ts";

async function* parts(count: number, sizeBytes = 1024) {
  for (let index = 0; index < count; index++) yield Buffer.alloc(sizeBytes, index);
}

test("the source is read no faster than the sink takes it", async () => {
  let pulled = 0;
  const source = (async function* () {
    for await (const part of parts(100)) {
      pulled += 1;
      yield part;
    }
  })();
  const sink = new PassThrough({ highWaterMark: 4096 });
  const pumping = pump(source, sink, new AbortController().signal);
  await new Promise((resolve) => setImmediate(resolve));
  expect(pulled).toBeLessThan(10);
  sink.resume();
  expect(await pumping).toBe(100 * 1024);
});

test("an abort while the sink is full rejects and ends the source", async () => {
  const controller = new AbortController();
  let isReturned = false;
  const source = (async function* () {
    try {
      yield* parts(100);
    } finally {
      isReturned = true;
    }
  })();
  const pumping = pump(source, new PassThrough({ highWaterMark: 1 }), controller.signal);
  await new Promise((resolve) => setImmediate(resolve));
  controller.abort(new Error("enough"));
  await expect(pumping).rejects.toThrow("enough");
  expect(isReturned).toBe(true);
});

test("a sink that closes while it is full rejects with its error", async () => {
  const sink = new Writable({ highWaterMark: 1, write: () => undefined });
  sink.on("error", () => undefined);
  const pumping = pump(parts(3), sink, new AbortController().signal);
  await new Promise((resolve) => setImmediate(resolve));
  sink.destroy(new Error("unplugged"));
  await expect(pumping).rejects.toThrow("unplugged");
});
