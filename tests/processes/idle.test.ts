import { readFileSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { SystemClock } from "@cairnfs/base/clock";
import { contentOf } from "@cairnfs/testkit/content";
import { ProcessCluster } from "@cairnfs/testkit/process-cluster";
import { expect, test } from "vitest";
import { MIB } from "../support/verify.ts";

const clock = new SystemClock();
/** Ticks of the kernel's accounts of CPU time. */
const TICK_MS = 10;
const WINDOW_MS = 12_000;
const CPU_SHARE_MAX = 0.01;
/** Node tidies its heap for a while after work: that is not what this asks about. */
const SETTLED_WITHIN_MS = 180_000;
/** As in a cluster without settings, and not as quick as tests want it. */
const AS_SHIPPED = {
  CAIRN_HEARTBEAT_INTERVAL_MS: "3000",
  CAIRN_SUSPECT_AFTER_MS: "10000",
  CAIRN_DEAD_AFTER_MS: "60000",
};

test("a cluster with nothing to do uses less than a hundredth of a core and writes nothing", async () => {
  // Goal: no part of a coordinator and three datanodes that hold files polls or writes when nobody asks for anything.
  // Method: CPU time and written bytes of the processes as the kernel counts them, and every file below the data folders, over some seconds.
  await using cluster = await ProcessCluster.start({
    name: "idle",
    datanodes: 3,
    coordinator: AS_SHIPPED,
  });
  const client = await cluster.connect();
  for (let at = 0; at < 30; at++) await client.put(`/small-${at}`, contentOf(at, 100 + at * 5000));
  await client.put("/large", contentOf(99, 24 * MIB));
  await client.remove("/small-7");
  await client.close();

  let quiet = await observe(cluster);
  // CPU time and not a clock says how much was done, so that a busy machine changes nothing but how soon Node has tidied up.
  for (let waitedMs = 0; !isQuiet(quiet) && waitedMs < SETTLED_WITHIN_MS; waitedMs += WINDOW_MS) {
    quiet = await observe(cluster);
  }
  expect(quiet.changed).toEqual([]);
  expect(quiet.writtenBytes).toBe(0);
  expect(quiet.cpuMs / WINDOW_MS).toBeLessThan(CPU_SHARE_MAX);
}, 300_000);

interface Observation {
  readonly cpuMs: number;
  readonly writtenBytes: number;
  /** Files that are new, gone or not as they were. */
  readonly changed: readonly string[];
}

function isQuiet({ cpuMs, writtenBytes, changed }: Observation): boolean {
  return cpuMs / WINDOW_MS < CPU_SHARE_MAX && writtenBytes === 0 && changed.length === 0;
}

async function observe(cluster: ProcessCluster): Promise<Observation> {
  const processes = [cluster.coordinator, ...cluster.datanodes];
  const files = await filesBelow(cluster.folder);
  const before = processes.map(({ pid }) => usageOf(pid));
  await clock.sleep(WINDOW_MS);
  const after = processes.map(({ pid }) => usageOf(pid));
  const sumOf = (usages: readonly Usage[], key: keyof Usage) =>
    usages.reduce((sum, usage) => sum + usage[key], 0);
  const now = await filesBelow(cluster.folder);
  return {
    cpuMs: sumOf(after, "cpuMs") - sumOf(before, "cpuMs"),
    writtenBytes: sumOf(after, "writtenBytes") - sumOf(before, "writtenBytes"),
    changed: [...new Set([...files, ...now])].filter((line) => !files.has(line) || !now.has(line)),
  };
}

interface Usage {
  readonly cpuMs: number;
  readonly writtenBytes: number;
}

/** What the kernel says of a process: all its threads, in user and system mode, and what it had written to disks. */
function usageOf(pid: number): Usage {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /su, "")
    .split(" ");
  const written = /^write_bytes: (?<bytes>\d+)$/mu.exec(readFileSync(`/proc/${pid}/io`, "utf8"));
  return {
    cpuMs: (Number(fields[11]) + Number(fields[12])) * TICK_MS,
    writtenBytes: Number(written?.groups?.bytes ?? Number.NaN),
  };
}

/** Every file with its size and the time of its last change. */
async function filesBelow(folder: string): Promise<ReadonlySet<string>> {
  const lines = new Set<string>();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const { size, mtimeMs } = await stat(path);
    lines.add(`${path} ${size} ${mtimeMs}`);
  }
  return lines;
}
