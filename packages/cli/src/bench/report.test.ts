import { expect, test } from "vitest";
import type { StepInfo } from "./load.ts";
import type { ProcessUsage } from "./process-meter.ts";
import { againstFloor, type BenchReport, stepResults } from "./report.ts";
import { reportLines } from "./show-report.ts";
import type { StepOutcome } from "./step.ts";
import { stepLine } from "./step-progress.ts";
import { Tally, type Work } from "./tally.ts";

const RUN = { workload: "put", clients: 2, durationMs: 0 };
const PUT: StepInfo = {
  name: "put 64.0 MiB",
  isMeasured: true,
  per: "GB",
  sizeBytes: 64 * 1024 * 1024,
  parallel: 4,
};

function outcome(startedMs: number, endedMs: number, works: readonly Work[]): StepOutcome {
  const tallies = new Map<string, Tally>();
  for (const work of works) {
    const kind = work.kind ?? "";
    const tally = tallies.get(kind) ?? new Tally(kind);
    tallies.set(kind, tally);
    tally.done(10, work);
  }
  return { startedMs, endedMs, tallies: [...tallies.values()].map((tally) => tally.data()) };
}

function usage(name: string, role: string, userSeconds: number): ProcessUsage {
  return {
    name,
    role,
    pid: name.length,
    userSeconds,
    systemSeconds: userSeconds / 2,
    peakMemoryBytes: 123_456_789,
    ownMemoryBytes: 100_000_000,
    peakSince: "step",
    isGone: false,
  };
}

test("what several clients did counts from the first that began to the last that ended", () => {
  const [result] = stepResults(
    RUN,
    PUT,
    [outcome(1_000, 3_000, [{ bytes: 5e8 }]), outcome(1_500, 6_000, [{ bytes: 15e8 }])],
    [usage("client", "client", 1), usage("a", "datanode", 3), usage("bb", "datanode", 2)],
  );
  expect(result).toMatchObject({ seconds: 5, operations: 2, bytes: 2e9, bytesPerSecond: 4e8 });
  expect(result?.cpu).toMatchObject({
    unit: "GB",
    roles: [
      { role: "client", userSeconds: 1, perUnit: { userSeconds: 0.5, systemSeconds: 0.25 } },
      { role: "datanode", userSeconds: 5, perUnit: { userSeconds: 2.5, systemSeconds: 1.25 } },
    ],
    all: { userSeconds: 6, perUnit: { userSeconds: 3 } },
  });
});

test("each kind of operation has a row, and the last row has all of them and their CPU", () => {
  const works: Work[] = [{ kind: "PUT" }, { kind: "GET" }, { kind: "GET" }];
  const step: StepInfo = { ...PUT, per: "operations" };
  const rows = stepResults(RUN, step, [outcome(0, 1_000, works)], [usage("client", "client", 1)]);
  expect(rows.map(({ kind, operations, cpu }) => [kind, operations, cpu?.unit])).toEqual([
    ["GET", 2, undefined],
    ["PUT", 1, undefined],
    [undefined, 3, "1000 operations"],
  ]);
});

test("large objects are held against the step of the floor of the same name, others against none", () => {
  const of = (name: string, per: StepInfo["per"], bytes: number) =>
    stepResults(RUN, { ...PUT, name, per }, [outcome(0, 1_000, [{ bytes }])], []);
  const floor = [...of("floor put", "GB", 200), ...of("floor get", "GB", 800)];
  const results = [
    ...of("put 64.0 MiB", "GB", 100),
    ...of("get 64.0 MiB", "GB", 600),
    ...of("put 4.0 KiB", "operations", 100),
  ];
  expect(againstFloor(results, floor).map(({ shareOfFloor }) => shareOfFloor)).toEqual([
    0.5,
    0.75,
    undefined,
  ]);
});

test("a report fits in 100 columns, and tells the failures", () => {
  const failed = new Tally("");
  failed.failed("nothing is at /x\u001b[2J");
  failed.done(123_456, { bytes: 123_456_789_012 });
  const processes = [
    usage("client", "client", 12.345),
    usage("coordinator", "coordinator", 123.45),
    usage("datanode-10", "datanode", 34.5),
  ];
  const step = { ...PUT, name: "page in the middle" };
  const tallies = { startedMs: 0, endedMs: 777, tallies: [failed.data()] };
  const results = stepResults(RUN, step, [tallies], processes);
  const report: BenchReport = {
    cairn: "0.1.0",
    date: "2026-01-01T00:00:00.000Z",
    machine: { cpuModel: "A CPU", cores: 2, memoryBytes: 1e10, kernel: "Linux 6", node: "v20" },
    target: "127.0.0.1:7070",
    settings: [],
    floorBytes: undefined,
    warmUpMs: 0,
    replicas: undefined,
    from: "stream",
    processes,
    floor: [],
    results: results.map((result) => ({ ...result, shareOfFloor: 0.5 })),
  };
  const lines = reportLines(report);
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(100);
  expect(lines.join("\n")).toContain(
    "page in the middle: 1 error, the first: nothing is at /x\\u{1b}[2J",
  );
  expect(lines.join("\n")).toMatch(
    /^page in the middle {2}158,889 MB\/s +1\.29 +123 s .* 1 +50 %$/mu,
  );
});

test("the line of a step shows how far it is by its count, its bytes or its time", () => {
  const time = { elapsedMs: 2_000, durationMs: 8_000 };
  const progress = { operations: 10, expected: undefined, bytes: 0, errors: 0 };
  expect(stepLine({ name: "stat" }, progress, time)).toMatch(/25% {2}5 ops\/s {2}0:06 left$/u);
  expect(stepLine({ name: "stat" }, { ...progress, expected: 20 }, time)).toContain(" 50%");
  const large = { operations: 0, expected: 2, bytes: 15e5, errors: 3 };
  expect(stepLine({ name: "put", sizeBytes: 1e6 }, large, time)).toMatch(
    / 75% {2}0\.8 MB\/s {2}0 ops\/s {2}0:01 left {2}3 errors$/u,
  );
});
