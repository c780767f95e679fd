import { expect, test } from "vitest";
import { ByteBudget } from "./byte-budget.ts";

test("bytes are handed out in the order they were asked for, never more than the budget", async () => {
  const budget = new ByteBudget(100);
  const order: string[] = [];
  const giveFirst = await budget.take(80);
  const large = budget.take(60).then((give) => {
    order.push("large");
    return give;
  });
  const small = budget.take(10).then((give) => {
    order.push("small");
    return give;
  });
  await Promise.resolve();
  expect(order).toEqual([]);
  expect(budget.usedBytes).toBe(80);

  giveFirst();
  (await large)();
  (await small)();
  expect(order).toEqual(["large", "small"]);
  expect(budget.usedBytes).toBe(0);
});

test("a request above the whole budget is served alone", async () => {
  const budget = new ByteBudget(100);
  const give = await budget.take(1000);
  expect(budget.usedBytes).toBe(100);
  give();
  expect(budget.usedBytes).toBe(0);
});

test("giving back twice counts once", async () => {
  const budget = new ByteBudget(100);
  const give = await budget.take(40);
  await budget.take(40);
  give();
  give();
  expect(budget.usedBytes).toBe(40);
});

test("an aborted request lets those behind it through", async () => {
  const budget = new ByteBudget(100);
  await budget.take(80);
  const controller = new AbortController();
  const blocked = budget.take(50, controller.signal);
  const behind = budget.take(20);
  controller.abort(new Error("gone"));
  await expect(blocked).rejects.toThrow("gone");
  await behind;
  expect(budget.usedBytes).toBe(100);
});

test("bytes are taken without waiting only when they are free, and the peak is remembered", () => {
  const budget = new ByteBudget(100);
  const give = budget.tryTake(70);
  expect(budget.tryTake(31)).toBeUndefined();
  expect(budget.tryTake(30)).toBeDefined();
  give?.();
  give?.();
  expect(budget.usedBytes).toBe(30);
  expect(budget.peakBytes).toBe(100);
});
