import { expect, test } from "vitest";
import { Limit } from "./limit.ts";

test("no more tasks run at once than the limit, and all of them run", async () => {
  const limit = new Limit(3);
  let running = 0;
  let most = 0;
  const outcomes = await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      limit.run(async () => {
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setImmediate(resolve));
        running -= 1;
        return index;
      }),
    ),
  );
  expect(most).toBe(3);
  expect(outcomes).toEqual(Array.from({ length: 20 }, (_, index) => index));
});

test("a task that fails gives its turn to the next", async () => {
  const limit = new Limit(1);
  await expect(limit.run(() => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(await limit.run(() => Promise.resolve("next"))).toBe("next");
});

test("who is aborted while waiting leaves the queue and takes nobody's turn", async () => {
  const limit = new Limit(1);
  let open: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const first = limit.run(() => gate);
  const controller = new AbortController();
  const aborted = limit.run(() => Promise.resolve("never"), controller.signal);
  const last = limit.run(() => Promise.resolve("last"));
  controller.abort(new Error("gone"));
  await expect(aborted).rejects.toThrow("gone");
  open();
  await first;
  expect(await last).toBe("last");
});
