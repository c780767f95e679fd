import { CairnError } from "@cairnfs/base/errors";
import { Prng, randomBelow } from "@cairnfs/base/random";
import { describe, expect, test } from "vitest";
import { counterBytes, counterValue } from "../counter.ts";
import type { KvReader, KvStore, KvTransaction } from "../kv-store.ts";
import {
  getText,
  key,
  keyOf,
  type OpenStore,
  rangeOf,
  text,
  tick,
  value,
} from "./open-store.contract.ts";

/** Random transactions side by side are as if one after the other. */
export function describeKvSerializability(under: OpenStore): void {
  describe("serializability", () => {
    for (const seed of [1, 2, 3]) {
      test(`random transactions side by side are as if one after the other (seed ${seed})`, async () => {
        await checkSerializability(under.store, seed);
      });
    }
  });
}

/** What a committed transaction saw and did, to be repeated on a plain map. */
type Step =
  | { readonly kind: "get"; readonly at: string; readonly saw: string | undefined }
  | {
      readonly kind: "range";
      readonly range: readonly [string, string, number, boolean];
      readonly saw: readonly string[];
    }
  | { readonly kind: "put"; readonly at: string; readonly value: string }
  | { readonly kind: "delete"; readonly at: string }
  | { readonly kind: "deleteRange"; readonly start: string; readonly end: string }
  | { readonly kind: "add"; readonly at: string; readonly delta: number };

/**
 * Goal: any run is as if its transactions had run one after the other. Method: bodies with random reads and writes on
 * few keys, that let others in between at random, each appending its id to a log; then their recorded steps are
 * repeated on a plain map in the log's order, and each reading must be what was seen.
 */
async function checkSerializability(store: KvStore, seed: number): Promise<void> {
  const random = new Prng(seed);
  const history = new Map<string, readonly Step[]>();
  const failure = new Error("on purpose");
  let lastId = 0;
  const worker = async () => {
    for (let round = 0; round < 25; round++) {
      lastId += 1;
      const id = `${lastId}`;
      const slow = random.next() < 0.6;
      const throws = random.next() < 0.1;
      const transaction = store.transact(async (tx) => {
        const steps: Step[] = [];
        const count = 1 + randomBelow(random, 6);
        for (let at = 0; at < count; at++) {
          steps.push(await randomStep(tx, random, `${id}.${at}`));
          if (slow && random.next() < 0.3) await tick();
        }
        if (throws) throw failure;
        tx.append(key("log"), value(id));
        return steps;
      });
      try {
        history.set(id, await transaction);
      } catch (error) {
        const isExpected =
          error === failure ||
          (error instanceof CairnError && error.reason === "transactionConflict");
        if (!isExpected) throw error;
      }
    }
  };
  const snapshots: { readonly log: readonly string[]; readonly state: string }[] = [];
  let isDone = false;
  const watching = (async () => {
    while (!isDone) {
      snapshots.push(
        await store.read(async (reader) => {
          const log = await rangeOf(reader, "log", "loh", { limit: 10_000 });
          await tick();
          return { log: log.map((entry) => text(entry.value) ?? ""), state: await stateOf(reader) };
        }),
      );
    }
  })();
  await Promise.all(Array.from({ length: 8 }, worker));
  isDone = true;
  await watching;

  const log = await store.read((reader) => rangeOf(reader, "log", "loh", { limit: 10_000 }));
  const order = log.map((entry) => text(entry.value) ?? "");
  expect(new Set(order)).toEqual(new Set(history.keys()));
  const model = new Map<string, string>();
  const states = [stateOfModel(model)];
  for (const id of order) {
    for (const step of history.get(id) ?? []) repeat(step, model, id);
    states.push(stateOfModel(model));
  }
  expect(await store.read(stateOf)).toBe(states.at(-1));
  for (const snapshot of snapshots) {
    expect(snapshot.log).toEqual(order.slice(0, snapshot.log.length));
    expect(snapshot.state).toBe(states[snapshot.log.length]);
  }
}

const FEW_KEYS = 8;

async function randomStep(tx: KvTransaction, random: Prng, unique: string): Promise<Step> {
  const at = `k${randomBelow(random, FEW_KEYS)}`;
  const dice = random.next();
  if (dice < 0.3) return { kind: "get", at, saw: await getText(tx, at) };
  if (dice < 0.5) {
    const [a, b] = [randomBelow(random, FEW_KEYS), randomBelow(random, FEW_KEYS + 1)];
    const limit = random.next() < 0.5 ? 100 : 1 + randomBelow(random, 3);
    const range = [`k${Math.min(a, b)}`, `k${Math.max(a, b)}`, limit, random.next() < 0.5] as const;
    const found = await rangeOf(tx, range[0], range[1], { limit, reverse: range[3] });
    return { kind: "range", range, saw: found.map((e) => `${keyOf(e)}=${text(e.value)}`) };
  }
  if (dice < 0.8) {
    tx.put(key(at), value(unique));
    return { kind: "put", at, value: unique };
  }
  if (dice < 0.87) {
    tx.delete(key(at));
    return { kind: "delete", at };
  }
  if (dice < 0.92) {
    const end = `k${randomBelow(random, FEW_KEYS)}`;
    tx.deleteRange(key(at), key(end));
    return { kind: "deleteRange", start: at, end };
  }
  const delta = randomBelow(random, 100) - 50;
  const counter = `kn${randomBelow(random, 2)}`;
  tx.add(key(counter), delta);
  return { kind: "add", at: counter, delta };
}

function repeat(step: Step, model: Map<string, string>, id: string): void {
  switch (step.kind) {
    case "get":
      expect([id, step.at, step.saw]).toEqual([id, step.at, model.get(step.at)]);
      return;
    case "range": {
      const [start, end, limit, isReverse] = step.range;
      const keys = [...model.keys()].filter((at) => at >= start && at < end).sort();
      if (isReverse) keys.reverse();
      const expected = keys.slice(0, limit).map((at) => `${at}=${model.get(at)}`);
      expect([id, step.range, step.saw]).toEqual([id, step.range, expected]);
      return;
    }
    case "put":
      model.set(step.at, step.value);
      return;
    case "delete":
      model.delete(step.at);
      return;
    case "deleteRange":
      for (const at of [...model.keys()]) {
        if (at >= step.start && at < step.end) model.delete(at);
      }
      return;
    case "add": {
      const before = model.get(step.at);
      const sum = counterValue(before === undefined ? undefined : value(before)) + step.delta;
      model.set(step.at, text(counterBytes(sum)) ?? "");
    }
  }
}

async function stateOf(reader: KvReader): Promise<string> {
  const entries = await rangeOf(reader, "k", "l", { limit: 10_000 });
  return JSON.stringify(entries.map((entry) => [keyOf(entry), text(entry.value)]));
}

function stateOfModel(model: ReadonlyMap<string, string>): string {
  return JSON.stringify([...model].sort(([a], [b]) => (a < b ? -1 : 1)));
}
