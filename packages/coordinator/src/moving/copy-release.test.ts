import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import { expect, test } from "vitest";
import { changeChunk } from "../chunks/change-chunk.ts";
import { forgetReplica } from "../chunks/replicas.ts";
import { chunks } from "../keyspace.ts";
import { CopyRelease } from "./copy-release.ts";
import { MoverCluster } from "./testing/mover-cluster.ts";

const never = new AbortController().signal;

/** A release at four nodes, and what happens while copies are read. */
async function release(meanwhile: (cluster: MoverCluster, id: ChunkId) => Promise<void>) {
  const cluster = await MoverCluster.open([{}, {}, {}, {}]);
  const { kv, manager } = cluster.membership;
  const id = await cluster.chunk(1, [1, 2, 3, 4]);
  const isLive = (nodeNumber: number) => cluster.placements.isLive(nodeNumber);
  let hasHappened = false;
  const release = new CopyRelease({
    kv,
    isLive,
    stays: (number) => isLive(number) && manager.table.get(number)?.duty === "inService",
    verifier: {
      verify: async () => {
        if (!hasHappened) {
          hasHappened = true;
          await meanwhile(cluster, id);
        }
        return "intact";
      },
    },
    badReplicas: { report: () => true },
  });
  const isReleased = await release.release({ id, nodeNumber: 1, intactMin: 3 }, never);
  return { isReleased, holders: await cluster.holdersOf(id) };
}

test("a copy goes when the wanted others were found intact", async () => {
  expect(await release(async () => undefined)).toEqual({ isReleased: true, holders: [2, 3, 4] });
});

test("it stays when one of the others left the record while they were read", async () => {
  const outcome = await release(async (cluster, id) => {
    const isLive = (nodeNumber: number) => cluster.placements.isLive(nodeNumber);
    await cluster.membership.kv.transact((tx) =>
      forgetReplica(tx, id, { nodeNumber: 3, deletes: false }, isLive),
    );
  });
  expect(outcome).toEqual({ isReleased: false, holders: [1, 2, 4] });
});

test("it stays when one of the others was to be emptied while they were read", async () => {
  const outcome = await release(async (cluster) => {
    await cluster.change(2, "drain");
  });
  expect(outcome).toEqual({ isReleased: false, holders: [1, 2, 3, 4] });
});

test("it stays when more copies came to be wanted while the others were read", async () => {
  const outcome = await release(async (cluster, id) => {
    await cluster.membership.kv.transact(async (tx) => {
      const record = await chunks.get(tx, id);
      if (record !== undefined) changeChunk(tx, id, record, { ...record, wantedCopies: 4 });
    });
  });
  expect(outcome).toEqual({ isReleased: false, holders: [1, 2, 3, 4] });
});
