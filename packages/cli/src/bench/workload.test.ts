import { Prng } from "@cairnfs/base/random";
import { SimClock } from "@cairnfs/base/testing/sim-clock";
import { expect, test } from "vitest";
import { LocalLoad } from "./load.ts";
import type { StepOutcome } from "./step.ts";
import { MemoryTarget } from "./testing/memory-target.ts";
import { type LoadSettings, shareOf, shuffled, type WorkloadName } from "./workload.ts";

const SETTINGS: LoadSettings = {
  workload: "small",
  sizesBytes: [100],
  parallel: 8,
  count: 200,
  durationMs: 0,
  isBrief: false,
  large: undefined,
  fileFolder: undefined,
  pageEntries: 50,
  seed: 3,
  client: 0,
  clients: 1,
};

async function outcomesOf(
  settings: LoadSettings,
  target: MemoryTarget,
): Promise<Map<string, StepOutcome>> {
  const clock = new SimClock();
  const load = new LocalLoad(target, settings, { clock, signal: new AbortController().signal });
  await load.open();
  const outcomes = new Map<string, StepOutcome>();
  for (const [at, { name }] of load.steps.entries()) {
    const progress = { operations: 0, expected: undefined, bytes: 0, errors: 0 };
    const [outcome] = await load.run(at, progress);
    outcomes.set(name, outcome);
  }
  return outcomes;
}

function counts(outcomes: ReadonlyMap<string, StepOutcome>): Record<string, number> {
  return Object.fromEntries(
    [...outcomes].map(([name, { tallies }]) => [
      name,
      tallies.reduce(
        (sum, { latency }) => sum + latency.buckets.reduce((all, [, count]) => all + count, 0),
        0,
      ),
    ]),
  );
}

test("small: every object is put, read, asked for and removed once, without an error", async () => {
  const target = new MemoryTarget();
  const outcomes = await outcomesOf({ ...SETTINGS, sizesBytes: [100, 70_000] }, target);
  expect(counts(outcomes)).toEqual({
    "put 100 B": 200,
    "get 100 B": 200,
    "stat 100 B": 200,
    "remove 100 B": 200,
    "put 68.4 KiB": 200,
    "get 68.4 KiB": 200,
    "stat 68.4 KiB": 200,
    "remove 68.4 KiB": 200,
  });
  expect(errorsOf(outcomes)).toBe(0);
  expect(outcomes.get("get 68.4 KiB")?.tallies[0]?.bytes).toBe(200 * 70_000);
  expect(target.files.size).toBe(0);
});

test("put, get and both: objects come back as long as they were put", async () => {
  for (const [workload, names] of [
    ["put", ["put 2.9 MiB"]],
    ["get", ["put 2.9 MiB", "get 2.9 MiB"]],
    ["large", ["put 2.9 MiB", "get 2.9 MiB"]],
  ] as const) {
    const settings = { ...SETTINGS, workload, sizesBytes: [3_000_000], parallel: 3, count: 7 };
    const outcomes = await outcomesOf(settings, new MemoryTarget());
    expect([...outcomes.keys()]).toEqual(names);
    expect(Object.values(counts(outcomes))).toEqual(names.map(() => 7));
    expect(errorsOf(outcomes)).toBe(0);
  }
});

test("meta: files and directories, in a shared directory and in one for each worker, end as they began", async () => {
  const target = new MemoryTarget();
  const outcomes = await outcomesOf({ ...SETTINGS, workload: "meta", sizesBytes: [0] }, target);
  const places = ["shared file", "shared dir", "own file", "own dir"];
  expect(Object.keys(counts(outcomes))).toEqual(
    places.flatMap((place) =>
      ["create", "stat", "list", "rename", "remove"].map((verb) => `${place} ${verb}`),
    ),
  );
  for (const [name, count] of Object.entries(counts(outcomes))) {
    expect(count, name).toBe(name.endsWith("list") ? 8 : 200);
  }
  expect(outcomes.get("shared dir list")?.tallies[0]?.entries).toBe(8 * 200);
  expect(outcomes.get("own file list")?.tallies[0]?.entries).toBe(200);
  expect(errorsOf(outcomes)).toBe(0);
  expect(target.files.size).toBe(0);
});

test("list: pages at the start, in the middle and at the end are full ones", async () => {
  const outcomes = await outcomesOf(
    { ...SETTINGS, workload: "list", sizesBytes: [0], parallel: 2 },
    new MemoryTarget(),
  );
  expect(errorsOf(outcomes)).toBe(0);
  expect(outcomes.get("list all")?.tallies[0]?.entries).toBe(5 * 200);
  expect(counts(outcomes)).toMatchObject({ "create more": 200, stat: 200, remove: 200 });
  for (const name of ["page at the start", "page in the middle", "page at the end"]) {
    expect(outcomes.get(name)?.tallies[0]?.entries, name).toBe(200 * 50);
  }
});

test("mixed: the four kinds come in their shares, and none meets an object that is gone", async () => {
  const outcomes = await outcomesOf(
    { ...SETTINGS, workload: "mixed", count: 4_000, parallel: 16 },
    new MemoryTarget(),
  );
  expect(errorsOf(outcomes)).toBe(0);
  const shares = Object.fromEntries(
    (outcomes.get("mixed 100 B")?.tallies ?? []).map(({ kind, latency }) => [
      kind,
      latency.buckets.reduce((sum, [, count]) => sum + count, 0) / 4_000,
    ]),
  );
  expect(shares.GET).toBeCloseTo(0.45, 1);
  expect(shares.STAT).toBeCloseTo(0.3, 1);
  expect(shares.PUT).toBeCloseTo(0.15, 1);
  expect(shares.DELETE).toBeCloseTo(0.1, 1);
});

test("several clients share the work and do not get in each other's way", async () => {
  const target = new MemoryTarget();
  for (const workload of ["small", "meta", "put", "mixed"] satisfies WorkloadName[]) {
    const all = await Promise.all(
      [0, 1, 2].map((client) => outcomesOf({ ...SETTINGS, workload, client, clients: 3 }, target)),
    );
    for (const outcomes of all) expect(errorsOf(outcomes), workload).toBe(0);
    const first = all.map((outcomes) => Object.values(counts(outcomes)).at(-1) ?? 0);
    expect(first.reduce((sum, count) => sum + count)).toBe(200);
  }
  expect(shareOf(200, { ...SETTINGS, client: 2, clients: 3 })).toBe(66);
});

test("an order that jumps about meets everything once before it starts again", () => {
  for (const count of [1, 2, 3, 7, 64, 1_000, 1_024]) {
    const order = shuffled(count, new Prng(count));
    const met = Array.from({ length: count }, (_, at) => order(at));
    expect(new Set(met).size).toBe(count);
    expect(Math.min(...met)).toBe(0);
    expect(order(count)).toBe(met[0]);
  }
});

function errorsOf(outcomes: ReadonlyMap<string, StepOutcome>): number {
  return [...outcomes.values()].reduce(
    (sum, { tallies }) => sum + tallies.reduce((all, { errors }) => all + errors, 0),
    0,
  );
}
