/**
 * How soon a datanode with many small chunks serves after it was started, and what it keeps in memory for them.
 *
 *     npx tsx --conditions=source bench/cold-start.ts [--chunks 500000] [--chunk-bytes 512] [--runs 3] [--cut] [--profile FOLDER] [--json]
 *
 * Everything is built before: `npx tsc --build`. The chunks are put into the packed store in this process, many at once and each
 * durable; then `cairn datanode` is started on the folder, without a coordinator, as many times as asked. With --cut the
 * footer of the newest segment is missing, as after a crash, so that it is read whole. The files are in the page cache.
 */
import { mkdtemp, rm, truncate } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { crc32c, sha256 } from "@cairnfs/base/checksum";
import { SystemClock } from "@cairnfs/base/clock";
import { SystemRandom } from "@cairnfs/base/random";
import { RealDisk } from "@cairnfs/base/real-disk";
import { silentLogger } from "@cairnfs/base/telemetry";
import { Quarantine } from "@cairnfs/datanode/store/quarantine";
import { SegmentChunkStore } from "@cairnfs/datanode/store/segment/segment-chunk-store";
import { SpaceLedger } from "@cairnfs/datanode/store/space-ledger";
import { type ChunkId, chunkIdFromBytes } from "@cairnfs/protocol/chunk-id";
import { FramedNetwork } from "@cairnfs/protocol/framed/framed-network";
import { NodePool } from "@cairnfs/protocol/rpc/node-pool";
import { retrieveChunk } from "@cairnfs/protocol/transfer/retrieve-chunk";
import { ManagedProcess } from "@cairnfs/testkit/managed-process";

const { values } = parseArgs({
  options: {
    chunks: { type: "string", default: "500000" },
    "chunk-bytes": { type: "string", default: "512" },
    runs: { type: "string", default: "3" },
    cut: { type: "boolean", default: false },
    profile: { type: "string" },
    json: { type: "boolean", default: false },
  },
});
const CAIRN = fileURLToPath(new URL("../packages/cli/dist/main.js", import.meta.url));
const MIB = 1024 * 1024;
const IN_FLIGHT = 512;
const chunkCount = Number(values.chunks);
const clock = new SystemClock();
const random = new SystemRandom();
const disk = new RealDisk();
const folder = await mkdtemp(join(tmpdir(), "cairnfs-cold-"));
const dataDir = join(folder, "data");

try {
  // Makes the folder a node's own as well.
  const empty = await start();
  const filled = await fill();
  if (values.cut) await cutFooter();
  const runs = [];
  for (let run = 0; run < Number(values.runs); run++) {
    runs.push(await start(filled.sample));
  }
  const last = runs.at(-1) ?? empty;
  const report = {
    machine: { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version },
    chunks: chunkCount,
    chunkBytes: Number(values["chunk-bytes"]),
    isCut: values.cut,
    fillSeconds: filled.seconds,
    emptyStart: empty,
    starts: runs,
    indexBytesPerChunk: round(filled.indexBytes / chunkCount, 1),
    processBytesPerChunk: round((last.privateBytes - empty.privateBytes) / chunkCount, 1),
  };
  console.log(JSON.stringify(report, undefined, 2));
} finally {
  await rm(folder, { recursive: true, force: true });
}

interface Filled {
  readonly seconds: number;
  readonly sample: ChunkId;
  readonly indexBytes: number;
}

async function fill(): Promise<Filled> {
  await disk.makeFolder(dataDir);
  const ledger = new SpaceLedger(() => disk.space(dataDir), clock, {});
  const logger = silentLogger;
  const quarantine = new Quarantine(join(dataDir, "quarantine"), { disk, clock, ledger });
  const parts = { disk, clock, random, ledger, logger, quarantine };
  const store = await SegmentChunkStore.open(dataDir, parts);
  const startedMs = clock.monotonicMs();
  let next = 0;
  let sample: ChunkId | undefined;
  const lane = async () => {
    for (let at = next++; at < chunkCount; at = next++) {
      const data = Buffer.alloc(Number(values["chunk-bytes"]), 1);
      data.writeUInt32BE(at, 0);
      const id = chunkIdFromBytes(sha256(data));
      sample ??= id;
      await store.put({
        id,
        lengthBytes: data.byteLength,
        epoch: 1,
        blockChecksums: [crc32c(data)],
        data: [data],
      });
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  const seconds = round((clock.monotonicMs() - startedMs) / 1000, 1);
  const { indexBytes } = store;
  await store.close();
  if (sample === undefined) throw new Error("no chunk was stored");
  return { seconds, sample, indexBytes };
}

/** Ends the last sealed segment as a crash would have left it. */
async function cutFooter(): Promise<void> {
  const segments = join(dataDir, "segments");
  const names = (await disk.list(segments)).map((entry) => entry.name).sort();
  const path = join(segments, names.at(-2) ?? names.at(-1) ?? "");
  const sizeBytes = (await disk.fileBytes(path)) ?? 0;
  await truncate(path, sizeBytes - 1);
}

interface Start {
  readonly readySeconds: number;
  /** Until a chunk was read, where there is one. */
  readonly readSeconds: number;
  readonly cpuSeconds: number;
  readonly privateBytes: number;
  readonly rssMib: number;
}

async function start(sample?: ChunkId): Promise<Start> {
  const profile =
    values.profile === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${values.profile}`];
  const startedMs = clock.monotonicMs();
  const node = await ManagedProcess.start({
    name: "datanode",
    arguments: [...profile, CAIRN, "datanode", "--json"],
    environment: {
      CAIRN_ADDRESS: "127.0.0.1:0",
      CAIRN_GRPC_ADDRESS: "",
      CAIRN_HTTP_ADDRESS: "",
      CAIRN_DATA_DIR: dataDir,
      // Nobody is there: a node serves what it has without a coordinator.
      CAIRN_COORDINATOR_ADDRESS: "127.0.0.1:9",
    },
    logFolder: join(folder, "logs"),
  });
  const readySeconds = (clock.monotonicMs() - startedMs) / 1000;
  if (sample !== undefined) await read(node.ready.address, sample);
  const readSeconds = (clock.monotonicMs() - startedMs) / 1000;
  const { user, system } = node.cpuSeconds();
  const measured = {
    readySeconds: round(readySeconds, 2),
    readSeconds: round(readSeconds, 2),
    cpuSeconds: round(user + system, 2),
    privateBytes: node.privateBytes(),
    rssMib: round(node.residentBytes() / MIB, 0),
  };
  await node.end("SIGTERM");
  return measured;
}

async function read(address: string, chunkId: ChunkId): Promise<void> {
  const network = new FramedNetwork({ clock });
  const pool = new NodePool(network, { clock, random, timeoutMs: 30_000 });
  for await (const _piece of retrieveChunk(pool.datanode(address), { clock, chunkId })) {
    // That it comes is enough.
  }
  await pool.close();
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
