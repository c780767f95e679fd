import { CairnError } from "@cairnfs/base/errors";
import { Prng } from "@cairnfs/base/random";
import { FaultDisk } from "@cairnfs/base/testing/fault-disk";
import { NodePool } from "@cairnfs/protocol/rpc/node-pool";
import { RETRY_NEVER } from "@cairnfs/protocol/rpc/retry";
import { retrieveChunk } from "@cairnfs/protocol/transfer/retrieve-chunk";
import { storeChunk } from "@cairnfs/protocol/transfer/store-chunk";
import { expect, test } from "vitest";
import type { Datanode } from "./datanode.ts";
import { sampleChunk } from "./store/testing/sample-chunk.ts";
import { openDatanode, SESSION_ID, TrialCluster } from "./testing/trial-cluster.ts";

const SMALL = sampleChunk(1000, 1);
const LARGE = sampleChunk(3 * 1024 * 1024 + 5, 2);

/** Datanodes with real stores on disks that survive them. */
async function openTrial() {
  const cluster = await TrialCluster.open(0);
  const { clock, network } = cluster;
  const pool = new NodePool(network, {
    clock,
    random: new Prng(5),
    timeoutMs: 5000,
    retry: RETRY_NEVER,
  });
  const disks = [1, 2].map((number) => new FaultDisk(new Prng(number)));
  const start = (number: number, changes = {}): Promise<Datanode> =>
    openDatanode({
      clock,
      network,
      number,
      disk: disks[number - 1] ?? new FaultDisk(new Prng(number)),
      changes: { store: "segment", reserveBytes: 1, ...changes },
    });
  const store = (bytes: Uint8Array) =>
    cluster.outcome(
      storeChunk(pool.datanode("node-1"), once(bytes), {
        clock,
        sessionId: SESSION_ID,
        epoch: 1,
        writeQuorum: 2,
        replicaNodeNumbers: [2],
        lengthBytes: bytes.byteLength,
      }),
    );
  const read = async (number: number, chunk: typeof SMALL): Promise<boolean> => {
    const pieces: Uint8Array[] = [];
    const client = pool.datanode(`node-${number}`);
    for await (const piece of retrieveChunk(client, { clock, chunkId: chunk.id }))
      pieces.push(piece);
    return Buffer.compare(Buffer.concat(pieces), chunk.bytes) === 0;
  };
  return { cluster, clock, network, start, store, read };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

test("nodes that start again without a coordinator serve what they have and store more", async () => {
  const { cluster, clock, network, start, store, read } = await openTrial();
  let nodes = [await start(1), await start(2)];
  await clock.advance(3000);
  expect((await store(SMALL.bytes)).receipts).toHaveLength(2);
  for (const node of nodes) await node.close();

  network.cut("coordinator");
  nodes = [await start(1), await start(2)];
  await clock.advance(1000);
  expect(nodes.map((node) => [node.nodeNumber, node.isRegistered])).toEqual([
    [1, false],
    [2, false],
  ]);
  expect(await read(1, SMALL)).toBe(true);
  const stored = await store(LARGE.bytes);
  expect(stored.receipts).toHaveLength(2);
  for (const { nodeNumber, mac } of stored.receipts) {
    const fields = { chunkId: LARGE.id, lengthBytes: LARGE.bytes.length, epoch: 1, nodeNumber };
    expect(cluster.coordinator.isReceiptValid({ ...fields, sessionId: SESSION_ID }, mac)).toBe(
      true,
    );
  }
  expect(await read(2, LARGE)).toBe(true);

  network.heal("coordinator");
  await clock.advance(20_000);
  expect(nodes.map((node) => [node.nodeNumber, node.isRegistered])).toEqual([
    [1, true],
    [2, true],
  ]);
  for (const node of nodes) await node.close();
  await cluster.close();
});

test("a data folder is one process's, and a node stays with its cluster", async () => {
  const { cluster, clock, start } = await openTrial();
  const node = await start(1);
  await clock.advance(3000);
  await expect(start(1, { address: "elsewhere" })).rejects.toMatchObject({
    reason: "storeForeign",
  });
  await node.close();

  cluster.coordinator.clusterId = new Uint8Array(16).fill(9);
  const again = await start(1);
  await clock.advance(5000);
  expect(again.isRegistered).toBe(false);
  await again.close();
  await cluster.close();
});

test("a node whose start fails half way lets go of its folder and its address", async () => {
  const { cluster, network, start } = await openTrial();
  const other = await network.listen("node-1", cluster.coordinator.router);
  await expect(start(1)).rejects.toBeInstanceOf(CairnError);
  await other.close();
  const node = await start(1);
  await node.close();
  await cluster.close();
});
