import { getEventListeners } from "node:events";
import { expect, test } from "vitest";
import { CopySlots } from "./copy-slots.ts";

const never = new AbortController().signal;

async function isOver(waiting: Promise<unknown>): Promise<boolean> {
  const pending = Symbol("pending");
  const first = await Promise.race([
    waiting,
    new Promise((resolve) => setImmediate(() => resolve(pending))),
  ]);
  return first !== pending;
}

test("a node takes part in so many copies at once and no more, as source and as target", async () => {
  const slots = new CopySlots({ copiesPerNode: 1, waitingMax: 10 });
  const first = await slots.take({ target: 1, sources: [2] }, never);
  const sameTarget = slots.take({ target: 1, sources: [3] }, never);
  const sameSource = slots.take({ target: 4, sources: [2] }, never);
  expect(await isOver(sameTarget)).toBe(false);
  expect(await isOver(sameSource)).toBe(false);
  // A node that sends may also receive.
  const back = await slots.take({ target: 2, sources: [1] }, never);
  expect(slots.running).toBe(2);
  first.release();
  (await sameTarget).release();
  (await sameSource).release();
  back.release();
  expect(slots.running).toBe(0);
});

test("the source that has least to do is taken, of equals the first", async () => {
  const slots = new CopySlots({ copiesPerNode: 2, waitingMax: 10 });
  const sources = [7, 8];
  const taken = [];
  for (const target of [1, 2, 3, 4]) taken.push(await slots.take({ target, sources }, never));
  expect(taken.map((one) => one.source)).toEqual([7, 8, 7, 8]);
  const waiting = slots.take({ target: 5, sources }, never);
  expect(await isOver(waiting)).toBe(false);
  taken[1]?.release();
  expect((await waiting).source).toBe(8);
});

test("those that want the same node are served as they came; others are not held up by them", async () => {
  const slots = new CopySlots({ copiesPerNode: 1, waitingMax: 10 });
  const first = await slots.take({ target: 1, sources: [9] }, never);
  const second = slots.take({ target: 1, sources: [2] }, never);
  const third = slots.take({ target: 1, sources: [3] }, never);
  const other = await slots.take({ target: 5, sources: [6] }, never);
  first.release();
  const { release } = await second;
  expect(await isOver(third)).toBe(false);
  release();
  expect((await third).source).toBe(3);
  other.release();
});

test("who gives up waits no longer, and too many do not wait at all", async () => {
  const slots = new CopySlots({ copiesPerNode: 1, waitingMax: 1 });
  const first = await slots.take({ target: 1, sources: [9] }, never);
  const stop = new AbortController();
  const waiting = slots.take({ target: 1, sources: [2] }, stop.signal);
  const beyond = slots.take({ target: 1, sources: [3] }, never);
  await expect(beyond).rejects.toMatchObject({ reason: "overloaded" });
  stop.abort(new Error("enough"));
  await expect(waiting).rejects.toThrow("enough");
  await expect(slots.take({ target: 1, sources: [2] }, stop.signal)).rejects.toThrow("enough");
  first.release();
  expect(slots.running).toBe(0);
  const again = await slots.take({ target: 1, sources: [2] }, never);
  again.release();
  expect(getEventListeners(never, "abort")).toEqual([]);
});
