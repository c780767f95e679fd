import { expect, test } from "vitest";
import { CommitHistory } from "./commit-history.ts";
import { TOMBSTONE } from "./view.ts";

function writes(...keys: readonly string[]) {
  return keys.map((key) => ({ key, written: TOMBSTONE }) as const);
}

const readsA = { keys: ["a"], ranges: [] };
const readsBToD = { keys: [], ranges: [{ start: "b", end: "d" }] };

test("a reading is stale when a later commit wrote a key or into a range of it", () => {
  const history = new CommitHistory(10);
  history.record(11, writes("a"));
  history.record(12, writes("x", "c"));
  history.record(13, writes("d"));
  expect(history.hasChanged(readsA, 10)).toBe(true);
  expect(history.hasChanged(readsA, 11)).toBe(false);
  expect(history.hasChanged(readsBToD, 11)).toBe(true);
  expect(history.hasChanged(readsBToD, 12)).toBe(false);
  expect(history.hasChanged({ keys: ["y"], ranges: [] }, 10)).toBe(false);
});

test("a reading from before what is remembered counts as stale", () => {
  const history = new CommitHistory(10);
  expect(history.hasChanged(readsA, 9)).toBe(true);
  expect(history.hasChanged(readsA, 10)).toBe(false);
  history.forget(20);
  expect(history.hasChanged(readsA, 19)).toBe(true);
  expect(history.hasChanged(readsA, 20)).toBe(false);
});

test("of more keys than it remembers the oldest commits are forgotten first", () => {
  const history = new CommitHistory(0);
  const many = writes(...Array.from({ length: 40_000 }, (_, at) => `k${at}`));
  for (let sequence = 1; sequence <= 4; sequence++) history.record(sequence, many);
  expect(history.hasChanged(readsA, 1)).toBe(true);
  expect(history.hasChanged(readsA, 2)).toBe(false);
});
