/**
 * What storing costs: chunks through one of three datanodes to all three, in one process, over the framed transport on loopback.
 *
 *     npx tsx --conditions=source bench/put-path.ts [--chunk-mib 8] [--total-mib 512] [--parallel 4] [--store segment|file|none] [--frame-kib 512]
 *
 * CPU is that of the whole process: the client and three nodes. What hashing costs at the same time is printed beside it, since a busy
 * machine makes every figure worse.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { sha256 } from "@cairnfs/base/checksum";
import { SystemClock } from "@cairnfs/base/clock";
import { Limit } from "@cairnfs/base/limit";
import { SystemRandom } from "@cairnfs/base/random";
import { RealDisk } from "@cairnfs/base/real-disk";
import { silentTelemetry } from "@cairnfs/base/telemetry";
import { datanodeSettings } from "@cairnfs/datanode/config";
import { Datanode } from "@cairnfs/datanode/datanode";
import { TrialCoordinator } from "@cairnfs/datanode/testing/trial-coordinator";
import { VanishingStore } from "@cairnfs/datanode/testing/vanishing-store";
import { chunkIdFromBytes } from "@cairnfs/protocol/chunk-id";
import { FramedNetwork } from "@cairnfs/protocol/framed/framed-network";
import { NodePool } from "@cairnfs/protocol/rpc/node-pool";
import { retrieveChunk } from "@cairnfs/protocol/transfer/retrieve-chunk";
import { storeChunk } from "@cairnfs/protocol/transfer/store-chunk";

const { values } = parseArgs({
  options: {
    "chunk-mib": { type: "string", default: "8" },
    "total-mib": { type: "string", default: "512" },
    parallel: { type: "string", default: "4" },
    store: { type: "string", default: "file" },
    "frame-kib": { type: "string", default: "512" },
    nodes: { type: "string", default: "3" },
  },
});
const MIB = 1024 * 1024;
const chunkBytes = Number(values["chunk-mib"]) * MIB;
const chunkCount = Math.ceil((Number(values["total-mib"]) * MIB) / chunkBytes);
const nodeCount = Number(values.nodes);

const clock = new SystemClock();
const random = new SystemRandom();
const network = new FramedNetwork({ clock });
const disk = new RealDisk();
const folder = await mkdtemp(join(tmpdir(), "cairnfs-bench-"));
const coordinator = new TrialCoordinator();
const coordinatorListener = await network.listen("127.0.0.1:0", coordinator.router);
const nodes: Datanode[] = [];
for (let number = 1; number <= nodeCount; number++) {
  const dataDir = join(folder, String(number));
  const config = datanodeSettings.parse({
    dataDir,
    store: values.store === "none" ? "memory" : values.store,
    address: "127.0.0.1:0",
    grpcAddress: "",
    httpAddress: "",
    coordinatorAddress: coordinatorListener.address,
  });
  const parts = { disk, network, clock, random, telemetry: silentTelemetry };
  const vanishing = values.store === "none" ? { store: new VanishingStore() } : {};
  nodes.push(await Datanode.open(config, { ...parts, ...vanishing }));
}
while (nodes.some((node) => node.nodeNumber === undefined)) await clock.sleep(10);
await clock.sleep(3500);

const pool = new NodePool(network, { clock, random, timeoutMs: 30_000 });
const client = pool.datanode(nodes[0]?.address ?? "");
const replicas = nodes.slice(1).map((node) => node.nodeNumber ?? 0);
const first = random.bytes(chunkBytes);
const sessionId = random.bytes(16);
let peakBytes = 0;

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

const stored: string[] = [];
await measure("put", async () => {
  const limit = new Limit(Number(values.parallel));
  await Promise.all(
    Array.from({ length: chunkCount }, (_, at) =>
      limit.run(async () => {
        // Another chunk each time, at the price of one copy.
        const bytes = Buffer.from(first);
        bytes.writeUInt32BE(at, 0);
        const result = await storeChunk(client, once(bytes), {
          clock,
          sessionId,
          epoch: 1,
          writeQuorum: Math.min(2, nodeCount),
          replicaNodeNumbers: replicas,
          lengthBytes: chunkBytes,
          frameBytes: Number(values["frame-kib"]) * 1024,
        });
        if (result.receipts.length !== nodeCount) console.log(result.failures);
        stored.push(result.chunkId);
        peakBytes = Math.max(peakBytes, process.memoryUsage().arrayBuffers);
      }),
    ),
  );
});
if (values.store !== "none") {
  await measure("get", async () => {
    const limit = new Limit(Number(values.parallel));
    await Promise.all(
      Array.from({ length: chunkCount }, (_, at) =>
        limit.run(async () => {
          const bytes = Buffer.from(first);
          bytes.writeUInt32BE(at, 0);
          const chunkId = chunkIdFromBytes(sha256(bytes));
          for await (const _piece of retrieveChunk(client, { clock, chunkId })) {
            // Read and forgotten.
          }
        }),
      ),
    );
  });
}
await pool.close();
for (const node of nodes) await node.close();
await coordinatorListener.close();
await rm(folder, { recursive: true, force: true });

function hashSecondsPerGigabyte(): number {
  const cpu = process.cpuUsage();
  for (let at = 0; at < 32; at++) sha256(first.subarray(0, 4 * MIB));
  return process.cpuUsage(cpu).user / 1e6 / ((32 * Math.min(first.length, 4 * MIB)) / 1e9);
}

async function measure(what: string, work: () => Promise<void>): Promise<void> {
  const cpu = process.cpuUsage();
  const startedMs = performance.now();
  await work();
  const seconds = (performance.now() - startedMs) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const gigabytes = (chunkCount * chunkBytes) / 1e9;
  console.log(
    `${what}: ${((gigabytes * 1000) / seconds).toFixed(0)} MB/s, ` +
      `user ${(user / 1e6 / gigabytes).toFixed(2)} + system ${(system / 1e6 / gigabytes).toFixed(2)} CPU s/GB, ` +
      `SHA-256 ${hashSecondsPerGigabyte().toFixed(2)} CPU s/GB, ` +
      `array buffers up to ${(peakBytes / MIB).toFixed(0)} MiB`,
  );
}
