import { sha256 } from "@cairnfs/base/checksum";
import { toHex } from "@cairnfs/base/hex";
import { Prng, randomBelow } from "@cairnfs/base/random";
import { expect, test } from "vitest";
import { ChunkIndex, NO_ENTRY } from "./chunk-index.ts";

const idOf = (number: number): Uint8Array => sha256(Buffer.from(String(number)));
const chunk = (number: number) => ({
  segment: number,
  offset: number * 8,
  lengthBytes: number % 2 ** 20,
  epoch: number * 1_000_003,
  verifiedS: number * 3,
  isDead: number % 7 === 0,
  staleCount: number % 5,
});

test("what was set is found again, whatever was added and removed in between", () => {
  // Goal: the table agrees with a map after any history. Method: random adds and removals, seeds printed by the assertion.
  for (let seed = 0; seed < 6; seed++) {
    const random = new Prng(seed);
    const index = new ChunkIndex();
    const model = new Map<string, number>();
    for (let step = 0; step < 4000; step++) {
      if (step === 1500) index.endLoading();
      const number = randomBelow(random, 3000);
      const id = idOf(number);
      const hex = toHex(id);
      const entry = index.find(id);
      expect(entry !== NO_ENTRY, `seed ${seed}, step ${step}`).toBe(model.has(hex));
      if (random.next() < 0.35 && entry !== NO_ENTRY) {
        index.remove(entry);
        model.delete(hex);
      } else {
        const added = index.findOrAdd(id);
        expect(added < 0).toBe(entry === NO_ENTRY);
        index.set(added < 0 ? ~added : added, chunk(step));
        model.set(hex, step);
      }
    }
    expect(index.count).toBe(model.size);
    const listed = [...index.entriesAfter(undefined)].map((entry) => toHex(index.id(entry)));
    expect(listed).toEqual([...model.keys()].sort());
    for (const [hex, step] of model) {
      const entry = index.find(Buffer.from(hex, "hex"));
      expect(index.get(entry)).toEqual(chunk(step));
    }
    const middle = Buffer.from(idOf(randomBelow(random, 3000)));
    const after = [...index.entriesAfter(middle)].map((entry) => toHex(index.id(entry)));
    expect(after).toEqual(listed.filter((hex) => hex > toHex(middle)));
  }
});

test("ids that begin alike are kept apart and in order", () => {
  const index = new ChunkIndex();
  const ids = Array.from({ length: 1000 }, (_, last) =>
    Buffer.from([...Array(30).fill(255), last >> 8, last & 255]),
  );
  for (const id of [...ids].reverse()) index.findOrAdd(id);
  expect([...index.entriesAfter(ids[99])].map((entry) => toHex(index.id(entry)))).toEqual(
    ids.slice(100).map(toHex),
  );
  expect(index.memoryBytes).toBeLessThan(400_000);
  for (const id of ids) index.remove(index.find(id));
  expect(index.count).toBe(0);
});

test("an epoch of 48 bits and a length just under 1 MiB fit", () => {
  const index = new ChunkIndex();
  const entry = ~index.findOrAdd(idOf(1));
  const largest = {
    segment: 2 ** 32 - 1,
    offset: 2 ** 32 - 1,
    lengthBytes: 2 ** 20 - 1,
    epoch: 2 ** 48 - 1,
    verifiedS: 2 ** 32 - 1,
    isDead: true,
    staleCount: 2046,
  };
  index.set(entry, largest);
  expect(index.get(entry)).toEqual(largest);
  expect(() => index.set(entry, { ...largest, lengthBytes: 2 ** 20 })).toThrow();
});

test("a count of stale records that overflowed never comes down again", () => {
  const index = new ChunkIndex();
  const entry = ~index.findOrAdd(idOf(1));
  index.set(entry, { ...chunk(1), staleCount: 5000 });
  expect(index.dropStale(entry)).toBe(2047);
  expect(index.get(entry).staleCount).toBe(2047);
  index.set(entry, { ...chunk(1), staleCount: 2 });
  expect(index.dropStale(entry)).toBe(1);
});

test("a chunk costs at most 64 bytes once there are many, and from the end of loading on", () => {
  for (const loaded of [0, 120_000, 150_000]) {
    const index = new ChunkIndex();
    const random = new Prng(1);
    const id = new Uint8Array(32);
    const words = new DataView(id.buffer);
    for (let count = 0; count <= 200_000; count++) {
      if (count === loaded) index.endLoading();
      if (count % 10_000 === 0 && count >= 100_000 && count >= loaded) {
        expect(index.memoryBytes / count).toBeLessThanOrEqual(64);
      }
      for (let at = 0; at < 32; at += 4) words.setUint32(at, random.next() * 2 ** 32);
      index.findOrAdd(id);
    }
  }
});
