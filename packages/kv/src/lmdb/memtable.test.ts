import fc from "fast-check";
import { expect, test } from "vitest";
import { TOMBSTONE } from "../view.ts";
import { Memtable } from "./memtable.ts";

const EVERYTHING = { start: "", end: "\u0100", isReverse: false };
const aCommit = fc.array(
  fc.tuple(fc.constantFrom("a", "b", "c", "d"), fc.option(fc.nat(9), { nil: undefined })),
  { maxLength: 4 },
);
const commits = fc.array(aCommit, { minLength: 1, maxLength: 12 });
type Commits = typeof commits extends fc.Arbitrary<infer T> ? T : never;

/** What each key is after commit `sequence`, the first being 1: a text, or that it is gone. */
function modelAfter(all: Commits, sequence: number): Record<string, string> {
  const state: Record<string, string> = {};
  for (const writes of all.slice(0, sequence)) {
    for (const [key, value] of writes) state[key] = value === undefined ? "gone" : `${value}`;
  }
  return state;
}

function add(memtable: Memtable, all: Commits, from: number, to: number, oldestRead = -1): void {
  for (let sequence = from; sequence <= to; sequence++) {
    for (const [key, value] of all[sequence - 1] ?? []) {
      const written = value === undefined ? TOMBSTONE : Buffer.from(`${value}`);
      memtable.add(key, written, { sequence, oldestRead: Math.min(oldestRead, sequence - 1) });
    }
  }
}

function stateOf(memtable: Memtable, sequence: number): Record<string, string> {
  const state: Record<string, string> = {};
  const cursor = memtable.cursor(EVERYTHING, sequence);
  for (; cursor.key !== undefined; cursor.advance()) {
    const found = memtable.get(cursor.key, sequence);
    expect(found).toBe(cursor.value);
    state[cursor.key] = typeof found === "symbol" ? "gone" : Buffer.from(found ?? []).toString();
  }
  return state;
}

test("each commit's state stays readable whatever comes later", () => {
  fc.assert(
    fc.property(commits, (all) => {
      const memtable = new Memtable();
      add(memtable, all, 1, all.length);
      for (let at = 0; at <= all.length; at++)
        expect(stateOf(memtable, at)).toEqual(modelAfter(all, at));
    }),
  );
});

test("states from the oldest one that is read on stay readable when older ones are let go", () => {
  fc.assert(
    fc.property(commits, fc.nat(12), (all, oldestRead) => {
      const memtable = new Memtable();
      add(memtable, all, 1, all.length, oldestRead);
      for (let at = oldestRead; at <= all.length; at++) {
        expect(stateOf(memtable, at)).toEqual(modelAfter(all, at));
      }
    }),
  );
});

test("commits that are undone leave what was before them", () => {
  fc.assert(
    fc.property(commits, fc.nat(12), (all, kept) => {
      const memtable = new Memtable();
      add(memtable, all, 1, all.length);
      memtable.undo(kept);
      expect(stateOf(memtable, all.length)).toEqual(modelAfter(all, kept));
    }),
  );
});

test("two that overlap join into the states of both", () => {
  fc.assert(
    fc.property(commits, fc.nat(12), fc.nat(12), (all, one, other) => {
      const [begin, end] = [Math.min(one, other), Math.max(one, other)];
      const older = new Memtable();
      add(older, all, 1, Math.min(end, all.length));
      const newer = new Memtable();
      add(newer, all, begin + 1, all.length);
      older.join(newer);
      for (let at = 0; at <= all.length; at++)
        expect(stateOf(older, at)).toEqual(modelAfter(all, at));
    }),
  );
});

test("a cursor runs backwards too, over the keys of its range only", () => {
  const memtable = new Memtable();
  add(
    memtable,
    [
      [
        ["a", 1],
        ["b", 2],
        ["c", 3],
        ["d", 4],
      ],
    ],
    1,
    1,
  );
  const cursor = memtable.cursor({ start: "b", end: "d", isReverse: true }, 1);
  const keys: string[] = [];
  for (; cursor.key !== undefined; cursor.advance()) keys.push(cursor.key);
  expect(keys).toEqual(["c", "b"]);
});
