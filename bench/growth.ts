/**
 * Whether what a file costs depends on how many there are: creating, stat, a page of a listing and removing, at some numbers
 * of files, through the SDK against a coordinator process on LMDB; the coordinator's memory; how soon it serves after it was killed.
 *
 *     npx tsx --conditions=source bench/growth.ts [--sizes 10000,100000,2000000] [--seconds 4] [--in-flight 64] [--json]
 *
 * Everything is built before: `npx tsc --build`. Files are of 16 bytes, inline. Half of them are in one large directory, the others in
 * directories of 1,000. What is there before measuring is not put through the network: while no coordinator runs, this process
 * makes it with the coordinator's own code, many files to a commit. Costs are CPU of the coordinator for each operation, since
 * times depend on what else the machine does; both are printed.
 */
import { setMaxListeners } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { SystemClock } from "@cairnfs/base/clock";
import { Prng, randomBelow, SystemRandom } from "@cairnfs/base/random";
import { silentLogger } from "@cairnfs/base/telemetry";
import { type CairnClient, connect } from "@cairnfs/client";
import { IdAllocator } from "@cairnfs/coordinator/id-allocator";
import { NO_CHANGES } from "@cairnfs/coordinator/namespace/attributes";
import { NO_POLICY } from "@cairnfs/coordinator/namespace/entry";
import { Mutator } from "@cairnfs/coordinator/namespace/mutator";
import { parsePath } from "@cairnfs/coordinator/namespace/path";
import { ensureRoot } from "@cairnfs/coordinator/namespace/root";
import { DEFAULT_NAMESPACE_SETTINGS } from "@cairnfs/coordinator/namespace/settings";
import { putFile } from "@cairnfs/coordinator/uploads/put-file";
import { openKv } from "@cairnfs/kv/open";
import { ManagedProcess } from "@cairnfs/testkit/managed-process";

const { values } = parseArgs({
  options: {
    sizes: { type: "string", default: "10000,100000,2000000" },
    seconds: { type: "string", default: "4" },
    "in-flight": { type: "string", default: "64" },
    profile: { type: "string" },
    json: { type: "boolean", default: false },
  },
});
const CAIRN = fileURLToPath(new URL("../packages/cli/dist/main.js", import.meta.url));
const MIB = 1024 * 1024;
const FILES_PER_DIRECTORY = 1000;
const FILES_PER_COMMIT = 50;
const COMMITS_AT_ONCE = 32;
const PAGE_ENTRIES = 1000;
const BYTES = Buffer.from("sixteen bytes ok");
const clock = new SystemClock();
const random = new Prng(1);
const inFlight = Number(values["in-flight"]);
const measureMs = Number(values.seconds) * 1000;
const folder = await mkdtemp(join(tmpdir(), "cairnfs-growth-"));
const kvUrl = `lmdb:${folder}/metadata`;

interface Cost {
  readonly perSecond: number;
  /** Of the coordinator, user mode and kernel. */
  readonly cpuMicroseconds: number;
}

interface Measured {
  readonly files: number;
  readonly fillSeconds: number;
  readonly readySeconds: number;
  readonly firstStatSeconds: number;
  readonly create: Cost;
  readonly stat: Cost;
  readonly listPage: Cost;
  readonly remove: Cost;
  /** The least while it worked. */
  readonly heapUsedMib: number;
  readonly privateMib: number;
  readonly rssMib: number;
}

const results: Measured[] = [];
try {
  let files = 0;
  for (const size of values.sizes.split(",").map(Number)) {
    const startedMs = clock.monotonicMs();
    await fill(files, size);
    files = size;
    results.push(await measure(files, (clock.monotonicMs() - startedMs) / 1000));
    if (!values.json) console.log(JSON.stringify(results.at(-1), undefined, 2));
  }
  const machine = { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version };
  const report = { machine, inFlight, results, ratios: ratios() };
  console.log(JSON.stringify(values.json ? report : report.ratios, undefined, 2));
} finally {
  await rm(folder, { recursive: true, force: true });
}

/** Half of the files are in /big, the others in directories of their own number's thousand. */
function pathOf(file: number): string {
  if (file % 2 === 0) return `/big/f${String(file / 2).padStart(9, "0")}`;
  const directory = Math.floor(file / 2 / FILES_PER_DIRECTORY);
  return `/spread/d${String(directory).padStart(6, "0")}/f${file}`;
}

async function fill(from: number, to: number): Promise<void> {
  const kv = await openKv(kvUrl, { clock, random: new SystemRandom(), logger: silentLogger });
  await kv.transact((tx) => ensureRoot(tx, Math.floor(clock.now())));
  const settings = DEFAULT_NAMESPACE_SETTINGS;
  const mutator = new Mutator({ kv, clock, settings, ids: new IdAllocator(kv) });
  const never = new AbortController().signal;
  setMaxListeners(0, never);
  let next = from;
  const lane = async () => {
    while (next < to) {
      const first = next;
      next = Math.min(to, next + FILES_PER_COMMIT);
      const end = next;
      await mutator.run(
        FILES_PER_COMMIT * 4,
        async (mutation) => {
          for (let file = first; file < end; file++) {
            await putFile(mutation, {
              path: parsePath(pathOf(file)),
              attributes: NO_CHANGES,
              precondition: { kind: "none" },
              target: { kind: "file" },
              parents: true,
              policy: NO_POLICY,
              sha256: new Uint8Array(0),
              body: { kind: "inline", bytes: BYTES },
            });
          }
        },
        never,
      );
    }
  };
  await Promise.all(Array.from({ length: COMMITS_AT_ONCE }, lane));
  await kv.close();
}

async function measure(files: number, fillSeconds: number): Promise<Measured> {
  // Killed before, so that the start that is measured is one after a crash.
  const before = await startCoordinator(false);
  await before.end("SIGKILL");
  const startedMs = clock.monotonicMs();
  const coordinator = await startCoordinator(true);
  const readySeconds = (clock.monotonicMs() - startedMs) / 1000;
  const client = await connect({ coordinator: coordinator.ready.address });
  try {
    await client.stat(pathOf(files - 1));
    const firstStatSeconds = (clock.monotonicMs() - startedMs) / 1000;
    await idle(coordinator);
    const sampling = sampleHeap(coordinator);
    const measured = await operate(coordinator, client, files);
    const heapUsedMib = await sampling.stop();
    return {
      files,
      fillSeconds: round(fillSeconds, 1),
      readySeconds: round(readySeconds, 2),
      firstStatSeconds: round(firstStatSeconds, 2),
      ...measured,
      heapUsedMib,
      privateMib: round(coordinator.privateBytes() / MIB, 0),
      rssMib: round(coordinator.residentBytes() / MIB, 0),
    };
  } finally {
    await client.close();
    await coordinator.end("SIGTERM");
  }
}

async function operate(
  coordinator: ManagedProcess,
  client: CairnClient,
  files: number,
): Promise<Pick<Measured, "create" | "stat" | "listPage" | "remove">> {
  const any = () => pathOf(randomBelow(random, files));
  const made: string[] = [];
  let removed = 0;
  const work = {
    create: async () => {
      const path = `${any()}-new${made.length}`;
      made.push(path);
      await client.put(path, BYTES);
      return undefined;
    },
    stat: () => client.stat(any()),
    listPage: () => {
      // Such that a whole page follows.
      const first = randomBelow(random, files / 2 - PAGE_ENTRIES);
      const after = `f${String(first).padStart(9, "0")}`;
      return client.listPage("/big", { after, pageSize: PAGE_ENTRIES });
    },
    remove: async () => {
      const path = made[removed];
      if (path === undefined) return "end";
      removed += 1;
      await client.remove(path, { forever: true });
      return undefined;
    },
  };
  // Not measured: what is slow at first only.
  for (const each of [work.create, work.stat, work.listPage]) {
    await run(coordinator, each, measureMs / 3);
  }
  const create = await run(coordinator, work.create);
  const stat = await run(coordinator, work.stat);
  const listPage = await run(coordinator, work.listPage);
  const remove = await run(coordinator, work.remove);
  return { create, stat, listPage, remove };
}

/** Does `work` again and again, as many at once as asked, for some time or until it says that it is at its end. */
async function run(
  coordinator: ManagedProcess,
  work: () => Promise<unknown>,
  forMs = measureMs,
): Promise<Cost> {
  const cpuBefore = cpuOf(coordinator);
  const startedMs = clock.monotonicMs();
  let done = 0;
  const lane = async () => {
    while (clock.monotonicMs() - startedMs < forMs) {
      if ((await work()) === "end") return;
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  const seconds = (clock.monotonicMs() - startedMs) / 1000;
  return {
    perSecond: round(done / seconds, 0),
    cpuMicroseconds: round(((cpuOf(coordinator) - cpuBefore) / done) * 1e6, 1),
  };
}

/** Resolves when the coordinator has done what it had left to do. */
async function idle(coordinator: ManagedProcess): Promise<void> {
  for (let quiet = 0; quiet < 2; ) {
    const before = cpuOf(coordinator);
    await clock.sleep(1000);
    quiet = cpuOf(coordinator) - before < 0.1 ? quiet + 1 : 0;
  }
}

/** The least that the heap has in use until `stop`: what is alive, and some garbage. */
function sampleHeap(coordinator: ManagedProcess): { readonly stop: () => Promise<number> } {
  const ended = new AbortController();
  let leastBytes = Number.POSITIVE_INFINITY;
  const sampling = (async () => {
    while (!ended.signal.aborted) {
      const answer = await fetch(`http://${coordinator.ready.httpAddress}/metrics`);
      const heap = /^nodejs_heap_size_used_bytes (\S+)$/mu.exec(await answer.text());
      leastBytes = Math.min(leastBytes, Number(heap?.[1] ?? Number.NaN));
      await clock.sleep(250, ended.signal).catch(() => undefined);
    }
  })();
  return {
    stop: async () => {
      ended.abort();
      await sampling;
      return round(leastBytes / MIB, 0);
    },
  };
}

function startCoordinator(isProfiled: boolean): Promise<ManagedProcess> {
  const profile =
    values.profile === undefined || !isProfiled
      ? []
      : ["--cpu-prof", `--cpu-prof-dir=${values.profile}`];
  return ManagedProcess.start({
    name: "coordinator",
    arguments: [...profile, CAIRN, "coordinator", "--json"],
    environment: {
      CAIRN_ADDRESS: "127.0.0.1:0",
      CAIRN_GRPC_ADDRESS: "",
      CAIRN_HTTP_ADDRESS: "127.0.0.1:0",
      CAIRN_DATA_DIR: join(folder, "coordinator"),
      CAIRN_KV_URL: kvUrl,
    },
    logFolder: join(folder, "logs"),
  });
}

/** The CPU of each operation at each size, as a multiple of that at the first size. */
function ratios(): Record<string, Record<string, number>> {
  const [first] = results;
  if (first === undefined) return {};
  const costs = (measured: Measured) =>
    Object.fromEntries(
      (["create", "stat", "listPage", "remove"] as const).map((name) => [
        name,
        round(measured[name].cpuMicroseconds / first[name].cpuMicroseconds, 2),
      ]),
    );
  return Object.fromEntries(results.map((measured) => [String(measured.files), costs(measured)]));
}

function cpuOf(process: ManagedProcess): number {
  const { user, system } = process.cpuSeconds();
  return user + system;
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
