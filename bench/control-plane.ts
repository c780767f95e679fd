/**
 * What thousands of datanodes cost one coordinator: a real coordinator process, and simulated datanodes in processes
 * of their own, each with the datanode's own heartbeat, membership and node table on a framed connection of its own.
 *
 *     npx tsx --conditions=source bench/control-plane.ts [--nodes 5000] [--lost 500] [--steady-s 30] [--processes 2] [--suspect-after-ms 10000] [--skip-restart] [--profile FOLDER] [--json]
 *
 * Everything is built before: `npx tsc --build`. Phases: all join at once; steady state; the coordinator is killed and
 * started again; some fall silent at once. A phase has settled when every node that is left has a whole copy of the
 * node table and all copies are of one version and say the same. Bytes are those of messages, without frames. On a machine that
 * has other work the simulated nodes themselves may be late for their heartbeats, and be suspected: give them more time then.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { SystemClock } from "@cairnfs/base/clock";
import { ManagedProcess } from "@cairnfs/testkit/managed-process";
import { Swarm, type SwarmView } from "@cairnfs/testkit/swarm/swarm";
import {
  addCounts,
  emptyCounts,
  latencyMs,
  type SwarmCounts,
} from "@cairnfs/testkit/swarm/swarm-tally";

const { values } = parseArgs({
  options: {
    nodes: { type: "string", default: "5000" },
    lost: { type: "string", default: "500" },
    "steady-s": { type: "string", default: "30" },
    processes: { type: "string", default: "2" },
    "suspect-after-ms": { type: "string", default: "10000" },
    "skip-restart": { type: "boolean", default: false },
    profile: { type: "string" },
    json: { type: "boolean", default: false },
  },
});
const CAIRN = fileURLToPath(new URL("../packages/cli/dist/main.js", import.meta.url));
const MIB = 1024 * 1024;
const LOOK_EVERY_MS = 2_000;
const SETTLED_WITHIN_MS = 600_000;
const nodes = Number(values.nodes);
const lost = Number(values.lost);
const clock = new SystemClock();
const folder = await mkdtemp(join(tmpdir(), "cairnfs-control-"));

interface Phase {
  readonly phase: string;
  readonly seconds: number;
  readonly coordinatorCpuSeconds: number;
  readonly coordinatorCpuShare: number;
  readonly coordinatorRssMib: number;
  readonly coordinatorPeakMib: number;
  readonly heartbeats: number;
  readonly failures: number;
  readonly reasons: Readonly<Record<string, number>>;
  readonly bytesPerHeartbeatOut: number;
  readonly bytesPerHeartbeatBack: number;
  readonly wholeTables: number;
  readonly wholeTableMib: number;
  readonly diffs: number;
  readonly diffRows: number;
  readonly diffMib: number;
  readonly heartbeatP50Ms: number;
  readonly heartbeatP99Ms: number;
  readonly tables: string;
}

interface Wanted {
  readonly copies: number;
  readonly states: string;
  /** A later version than this. */
  readonly after?: number;
}

const phases: Phase[] = [];
let coordinator = await startCoordinator("127.0.0.1:0");
try {
  await using swarm = await Swarm.open({
    nodes,
    processes: Number(values.processes),
    coordinatorAddress: coordinator.ready.address,
    execArgv: profiling(),
  });
  await phase("join storm", swarm, async () => {
    await swarm.start();
    return untilSettled(swarm, { copies: nodes, states: `${nodes} healthy` });
  });
  const steadyMs = Number(values["steady-s"]) * 1000;
  await phase("steady", swarm, () => watch(swarm, steadyMs));
  if (!values["skip-restart"]) {
    const { address } = coordinator.ready;
    await coordinator.end("SIGKILL");
    coordinator = await startCoordinator(address);
    const after = (await swarm.look()).tables[0]?.version ?? 0;
    await phase("coordinator restarted", swarm, () =>
      untilSettled(swarm, { copies: nodes, states: `${nodes} healthy`, after }),
    );
  }
  const left = nodes - lost;
  await phase(`loss of ${lost}`, swarm, async () => {
    const killed = await swarm.kill(lost);
    const counts = await untilSettled(swarm, {
      copies: left,
      states: `${left} healthy, ${lost} dead`,
    });
    return addCounts(killed.counts, counts);
  });
  await phase("steady after the loss", swarm, () => watch(swarm, 10_000));
} finally {
  await coordinator.end("SIGTERM");
  await rm(folder, { recursive: true, force: true });
}
const machine = { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version };
if (values.json) console.log(JSON.stringify({ machine, nodes, lost, phases }, undefined, 2));

function startCoordinator(address: string): Promise<ManagedProcess> {
  return ManagedProcess.start({
    name: "coordinator",
    arguments: [...profiling(), CAIRN, "coordinator", "--json"],
    environment: {
      CAIRN_ADDRESS: address,
      CAIRN_GRPC_ADDRESS: "",
      CAIRN_HTTP_ADDRESS: "127.0.0.1:0",
      CAIRN_SUSPECT_AFTER_MS: values["suspect-after-ms"],
      CAIRN_DATA_DIR: join(folder, "coordinator"),
    },
    logFolder: join(folder, "logs"),
  });
}

function profiling(): string[] {
  return values.profile === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${values.profile}`];
}

async function phase(name: string, swarm: Swarm, work: () => Promise<SwarmCounts>): Promise<void> {
  await swarm.look();
  const cpuBefore = cpuOf(coordinator);
  const startedMs = clock.monotonicMs();
  const counts = await work();
  const seconds = (clock.monotonicMs() - startedMs) / 1000;
  const view = await swarm.look();
  const cpuSeconds = cpuOf(coordinator) - cpuBefore;
  const done: Phase = {
    phase: name,
    seconds: round(seconds, 1),
    coordinatorCpuSeconds: round(cpuSeconds, 2),
    coordinatorCpuShare: round(cpuSeconds / seconds, 3),
    coordinatorRssMib: round(coordinator.residentBytes() / MIB, 0),
    coordinatorPeakMib: round(coordinator.notePeak() / MIB, 0),
    heartbeats: counts.heartbeats,
    failures: counts.failures,
    reasons: counts.reasons,
    bytesPerHeartbeatOut: round(counts.heartbeatSentBytes / counts.heartbeats, 1),
    bytesPerHeartbeatBack: round(counts.heartbeatReceivedBytes / counts.heartbeats, 1),
    wholeTables: counts.wholeTables,
    wholeTableMib: round(counts.wholeTableBytes / MIB, 1),
    diffs: counts.diffs,
    diffRows: counts.diffRows,
    diffMib: round(counts.diffBytes / MIB, 2),
    heartbeatP50Ms: round(latencyMs(counts, 0.5), 1),
    heartbeatP99Ms: round(latencyMs(counts, 0.99), 1),
    tables: describe(view),
  };
  phases.push(done);
  if (!values.json) {
    console.log(`\n${name}`);
    for (const [key, value] of Object.entries(done)) {
      if (key !== "phase") console.log(`  ${key.padEnd(24)}${JSON.stringify(value)}`);
    }
  }
}

async function watch(swarm: Swarm, forMs: number): Promise<SwarmCounts> {
  await clock.sleep(forMs);
  return (await swarm.look()).counts;
}

async function untilSettled(swarm: Swarm, wanted: Wanted): Promise<SwarmCounts> {
  const startedMs = clock.monotonicMs();
  let counts = emptyCounts();
  for (;;) {
    if (!coordinator.isRunning) throw new Error("the coordinator has ended");
    const view = await swarm.look();
    counts = addCounts(counts, view.counts);
    if (isSettled(view, wanted)) return counts;
    const passedMs = clock.monotonicMs() - startedMs;
    if (!values.json) {
      process.stderr.write(`${(passedMs / 1000).toFixed(0)} s: ${describe(view).slice(0, 150)}\n`);
    }
    if (passedMs > SETTLED_WITHIN_MS) throw new Error(`not settled: ${describe(view)}`);
    await clock.sleep(LOOK_EVERY_MS);
  }
}

function isSettled({ tables }: SwarmView, { copies, states, after = 0 }: Wanted): boolean {
  const version = tables[0]?.version ?? 0;
  if (version <= after) return false;
  const isSame = tables.every((table) => table.version === version && table.states === states);
  return isSame && tables.reduce((sum, table) => sum + table.copies, 0) === copies;
}

function describe({ tables }: SwarmView): string {
  const known = tables.map(({ copies, rows, states }) => `${copies} copies of ${rows} (${states})`);
  return `${new Set(tables.map((table) => table.version)).size} versions: ${known.slice(0, 3).join("; ")}`;
}

function cpuOf(process: ManagedProcess): number {
  const { user, system } = process.cpuSeconds();
  return user + system;
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
