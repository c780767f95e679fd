import { eventually } from "@cairnfs/base/testing/eventually";
import { S3Server } from "@cairnfs/cli/bench/testing/s3-server";
import { afterAll, beforeAll, expect, test } from "vitest";
import { DevCluster } from "./cairn-command.ts";

/** What a report says, as far as these tests look. */
interface Report {
  readonly machine: { readonly cores: number };
  readonly processes: readonly { readonly role: string; readonly pid: number }[];
  readonly floor: readonly Result[];
  readonly results: readonly Result[];
  readonly memory?: {
    readonly processes: readonly {
      readonly pid: number;
      readonly samples: number;
      readonly startBytes: number;
      readonly peakBytes: number;
    }[];
  };
}

interface Result {
  readonly step: string;
  readonly operations: number;
  readonly bytes: number;
  readonly errors: { readonly count: number; readonly first?: string };
  readonly shareOfFloor?: number;
  readonly latencyMs: { readonly p50: number; readonly max: number };
  readonly cpu?: { readonly processes: readonly { readonly pid: number }[] };
}

let dev: DevCluster;

beforeAll(async () => {
  dev = await DevCluster.start();
});

afterAll(async () => {
  await dev[Symbol.asyncDispose]();
});

async function bench(...words: readonly string[]): Promise<Report> {
  return JSON.parse(await dev.folder.ok("bench", ...words, "--warm-up", "100ms", "--json"));
}

async function isLeftClean(): Promise<void> {
  expect(await dev.folder.ok("ls", "/")).not.toContain(".bench-");
}

test("each workload does what it was asked for, without an error, and leaves nothing", async () => {
  for (const [words, steps, operations] of [
    ["put --size 3MiB --count 3 --parallel 2", ["put 3.0 MiB"], 3],
    ["get --size 3MiB --count 3 --from file", ["get 3.0 MiB"], 3],
    ["small --size 1KiB --count 20", ["put 1.0 KiB", "get 1.0 KiB", "stat 1.0 KiB"], 20],
    ["meta --count 20", ["shared file create", "own dir remove"], 20],
    ["list --count 50", ["create"], 50],
    ["mixed --count 100 --size 1KiB", ["mixed 1.0 KiB"], 100],
  ] as const) {
    const report = await bench(...words.split(" "));
    for (const step of steps) {
      const result = report.results.find((row) => row.step === step && row.cpu !== undefined);
      expect(result, `${words}: ${step}`).toMatchObject({ operations, errors: { count: 0 } });
      expect(result?.latencyMs.max).toBeGreaterThan(0);
      expect(result?.cpu?.processes.length).toBe(report.processes.length);
    }
    expect(report.processes.map(({ role }) => role)).toEqual(["client", "dev"]);
  }
  await isLeftClean();
});

test("a folder named with --data says where the cluster is, and one without a cluster is refused", async () => {
  const { code, out } = await dev.folder.run(
    ["bench", "--data", ".cairn", "small", "--count", "5", "--size", "100", "--json"],
    { env: { CAIRN_COORDINATOR: "127.0.0.1:1" } },
  );
  expect(code).toBe(0);
  expect(JSON.parse(out).results[0]).toMatchObject({ operations: 5 });
  expect(await dev.folder.run(["bench", "put", "--data", "elsewhere"])).toMatchObject({ code: 2 });
});

test("any process can be watched by its id", async () => {
  const report = await bench("small", "--size", "1", "--count", "5", "--pid", `me=${process.pid}`);
  expect(report.processes.at(-1)).toEqual({ name: "me", role: "me", pid: process.pid });
  expect(report.results[0]?.cpu?.processes.map(({ pid }) => pid)).toContain(process.pid);
});

test("the floor is measured by processes that end with it, and put and get are told as shares of it", async () => {
  const report = await bench("put", "--size", "8MiB", "--count", "1", "--floor");
  expect(report.floor.map(({ step }) => step)).toEqual(["floor put", "floor get"]);
  expect(report.results[0]?.shareOfFloor).toBeGreaterThan(0);

  const floor: Report = JSON.parse(
    await dev.folder.ok("bench", "floor", "--size", "32MiB", "--warm-up", "0", "--json"),
  );
  // Direct files are not everywhere.
  const steps = floor.floor.map(({ step }) => step).filter((step) => step !== "floor 3 direct");
  const names = ["socket", "3 files", "SHA-256", "CRC-32C", "put", "get"];
  expect(steps).toEqual(names.map((name) => `floor ${name}`));
  for (const { bytes, errors } of floor.floor) {
    expect(bytes).toBe(32 * 1024 * 1024);
    expect(errors.count).toBe(0);
  }
  for (const { pid } of floor.processes) expect(() => process.kill(pid, 0)).toThrow("ESRCH");
  expect(await dev.folder.ok("ls", "/")).not.toContain(".bench-");
});

test("several client processes share the work, are watched, and end with it", async () => {
  const report = await bench("small", "--size", "1KiB", "--count", "31", "--clients", "2");
  expect(report.processes.map(({ role }) => role)).toEqual(["client", "dev", "client", "client"]);
  for (const { step, operations, errors, cpu } of report.results) {
    expect([step, operations, errors.count]).toEqual([step, 31, 0]);
    expect(cpu?.processes).toHaveLength(4);
  }
  for (const { role, pid } of report.processes) {
    if (role === "client") expect(() => process.kill(pid, 0)).toThrow("ESRCH");
  }
  await isLeftClean();
});

test("a soak counts every kind of work and tells the memory of every process, and one that takes too much makes it fail", async () => {
  const words = "bench soak --duration 3s --large-size 2MiB --size 1KiB --warm-up 100ms --json";
  const { code, out, err } = await dev.folder.run([...words.split(" "), "--memory-limit", "1MiB"]);
  expect(code).toBe(11);
  expect(err).toMatch(/^cairn: dev took \d+ MiB of its own, more than 1.0 MiB$/mu);
  const report: Report = JSON.parse(out);
  const { processes = [] } = report.memory ?? {};
  expect(processes.map(({ pid }) => pid)).toEqual(report.processes.map(({ pid }) => pid));
  for (const { samples, startBytes, peakBytes } of processes) {
    expect(samples).toBeGreaterThanOrEqual(3);
    expect(startBytes).toBeGreaterThan(0);
    expect(peakBytes).toBeGreaterThanOrEqual(startBytes);
  }
  for (const { errors } of report.results) expect(errors).toEqual({ count: 0 });
  const total = report.results.at(-1);
  expect(total).toMatchObject({ step: "soak" });
  const kinds = report.results.slice(0, -1);
  expect(kinds.reduce((sum, { operations }) => sum + operations, 0)).toBe(total?.operations);
  await isLeftClean();
});

test("what speaks S3 is measured in its place, and the keys are on no page", async () => {
  const secret = "a/secret+of=ours";
  await using server = await S3Server.start(secret);
  server.objects.set("kept", Buffer.from("kept"));
  for (const clients of ["1", "2"]) {
    const { code, out } = await dev.folder.run(
      [
        ...`bench small --s3 ${server.url} --size 1KiB --count 20 --warm-up 0 --json`.split(" "),
        ...["--clients", clients, "--pid", `server=${process.pid}`],
      ],
      { env: { AWS_ACCESS_KEY_ID: "someone", AWS_SECRET_ACCESS_KEY: secret } },
    );
    expect(code).toBe(0);
    expect(out).not.toContain(secret);
    const report: Report = JSON.parse(out);
    expect(report.processes[1]).toMatchObject({ role: "server" });
    for (const { operations, errors } of report.results) {
      expect([operations, errors.count]).toEqual([20, 0]);
    }
  }
  expect([...server.objects.keys()]).toEqual(["kept"]);
  expect(server.refused).toBe(0);
  expect(await dev.folder.run(["bench", "put", "--s3", server.url])).toMatchObject({ code: 2 });
});

test("Ctrl-C ends a bench and removes what it has made", async () => {
  const { child, ended } = dev.folder.start(["bench", "put", "--size", "1MiB", "--duration", "5m"]);
  await eventually(async () => {
    expect(await dev.folder.ok("ls", "/")).toContain(".bench-");
  });
  child.kill("SIGINT");
  expect((await ended).code).toBe(130);
  await isLeftClean();
});
