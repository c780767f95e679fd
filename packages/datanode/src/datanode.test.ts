import { createSha256 } from "@cairnfs/base/checksum";
import { SystemClock } from "@cairnfs/base/clock";
import { Lifecycle } from "@cairnfs/base/lifecycle";
import { Prng, SystemRandom } from "@cairnfs/base/random";
import { silentTelemetry } from "@cairnfs/base/telemetry";
import { eventually } from "@cairnfs/base/testing/eventually";
import { FaultDisk } from "@cairnfs/base/testing/fault-disk";
import { chunkIdFromBytes } from "@cairnfs/protocol/chunk-id";
import { FramedNetwork } from "@cairnfs/protocol/framed/framed-network";
import { NodePool } from "@cairnfs/protocol/rpc/node-pool";
import { storeChunk } from "@cairnfs/protocol/transfer/store-chunk";
import { expect, test } from "vitest";
import { datanodeSettings } from "./config.ts";
import { Datanode } from "./datanode.ts";
import { SESSION_ID } from "./testing/trial-cluster.ts";
import { TrialCoordinator } from "./testing/trial-coordinator.ts";
import { VanishingStore } from "./testing/vanishing-store.ts";

const MIB = 1024 * 1024;

/** Datanodes that keep nothing, on loopback sockets. */
async function openOnLoopback(nodeCount: number) {
  const lifecycle = new Lifecycle();
  const clock = new SystemClock();
  const random = new SystemRandom();
  const network = new FramedNetwork({ clock });
  const coordinator = new TrialCoordinator();
  const { address } = lifecycle.add(await network.listen("127.0.0.1:0", coordinator.router));
  const nodes: Datanode[] = [];
  for (let number = 1; number <= nodeCount; number++) {
    const config = datanodeSettings.parse({
      dataDir: "/data",
      address: "127.0.0.1:0",
      grpcAddress: "",
      httpAddress: "",
      coordinatorAddress: address,
    });
    const disk = new FaultDisk(new Prng(number));
    const parts = { disk, network, clock, random, telemetry: silentTelemetry };
    nodes.push(
      lifecycle.add(await Datanode.open(config, { ...parts, store: new VanishingStore() })),
    );
    await eventually(() => expect(nodes.at(-1)?.nodeNumber).toBe(number));
  }
  const pool = lifecycle.add(new NodePool(network, { clock, random, timeoutMs: 10_000 }));
  const hints = nodes.map((node, at) => ({ nodeNumber: at + 1, address: node.address }));
  return { clock, pool, nodes, hints, [Symbol.asyncDispose]: () => lifecycle.close() };
}

test.each([
  { chunkMib: 64, nodeCount: 3, parallel: 2 },
  { chunkMib: 512, nodeCount: 1, parallel: 1 },
])(
  "chunks of $chunkMib MiB pass through $nodeCount nodes on sockets without filling memory",
  async ({ chunkMib, nodeCount, parallel }) => {
    await using cluster = await openOnLoopback(nodeCount);
    const piece = new Prng(1).bytes(MIB);
    const hash = createSha256();
    for (let at = 0; at < chunkMib; at++) hash.update(piece);
    const chunkId = chunkIdFromBytes(hash.digest());
    async function* pieces(): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < chunkMib; at++) yield piece;
    }
    const { arrayBuffers: beforeBytes } = process.memoryUsage();
    let mostBytes = 0;
    const { clock, hints, pool, nodes } = cluster;
    const stored = await Promise.all(
      Array.from({ length: parallel }, () =>
        storeChunk(pool.datanode(nodes[0]?.address ?? ""), pieces(), {
          clock,
          sessionId: SESSION_ID,
          epoch: 1,
          writeQuorum: Math.min(2, nodeCount),
          replicaNodeNumbers: hints.slice(1).map((hint) => hint.nodeNumber),
          // A row as the coordinator sends it has more; this is all that is looked at.
          replicaNodes: hints as never,
          chunkId: () => chunkId,
          onProgress: () => {
            mostBytes = Math.max(mostBytes, process.memoryUsage().arrayBuffers - beforeBytes);
          },
        }),
      ),
    );
    for (const each of stored) {
      expect(each).toMatchObject({ chunkId, lengthBytes: chunkMib * MIB, failures: [] });
      expect(each.receipts).toHaveLength(nodeCount);
    }
    // A window for each stream and node, and what is not yet collected.
    expect(mostBytes).toBeGreaterThan(0);
    expect(mostBytes).toBeLessThan(160 * MIB);
  },
  60_000,
);
