import type { ManagedProcess } from "@cairnfs/testkit/managed-process";
import { ProcessCluster } from "@cairnfs/testkit/process-cluster";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { beginOneChunk } from "../support/begin-upload.ts";
import { expectContent, localFile, MIB } from "../support/verify.ts";

/**
 * Goal: whatever happens to one of the nodes that a chunk is on its way to, the put succeeds and the bytes are right.
 * Method: the upload's placement is known beforehand; the fault comes when a quarter of the chunk has been taken.
 */
const SIZE_BYTES = 96 * MIB;

interface Fault {
  readonly name: string;
  readonly position: number;
  strike(node: ManagedProcess): void;
  mend(cluster: ProcessCluster, index: number): Promise<void>;
}

const FAULTS: readonly Fault[] = [
  {
    name: "the primary is killed",
    position: 0,
    strike: (node) => node.signal("SIGKILL"),
    mend: (cluster, index) => cluster.restartDatanode(index),
  },
  {
    name: "a replica is killed",
    position: 1,
    strike: (node) => node.signal("SIGKILL"),
    mend: (cluster, index) => cluster.restartDatanode(index),
  },
  {
    name: "the primary is stopped",
    position: 0,
    strike: (node) => node.signal("SIGSTOP"),
    mend: async (cluster, index) => cluster.datanode(index).signal("SIGCONT"),
  },
  {
    name: "a replica is stopped",
    position: 2,
    strike: (node) => node.signal("SIGSTOP"),
    mend: async (cluster, index) => cluster.datanode(index).signal("SIGCONT"),
  },
];

describe("a put in whose middle a node fails", () => {
  let cluster: ProcessCluster;

  beforeAll(async () => {
    cluster = await ProcessCluster.start({ name: "nodes-fail-mid-put" });
  });
  afterAll(() => cluster[Symbol.asyncDispose]());

  for (const [round, fault] of FAULTS.entries()) {
    test(`succeeds with the right bytes when ${fault.name}`, async () => {
      const client = await cluster.connect({ stallMs: 5_000 });
      const content = { seed: 100 + round, sizeBytes: SIZE_BYTES };
      const path = `/faults/${round}.bin`;
      const source = await localFile(cluster.folder, content);
      const { sessionId, indexes } = await beginOneChunk(cluster, { path, sizeBytes: SIZE_BYTES });
      const victim = indexes[fault.position] ?? -1;

      let hasStruck = false;
      const { entry } = await client.resume(sessionId, source, {
        onProgress: ({ sentBytes }) => {
          if (hasStruck || sentBytes < SIZE_BYTES / 4) return;
          hasStruck = true;
          fault.strike(cluster.datanode(victim));
        },
      });

      expect(hasStruck).toBe(true);
      expect(entry.sizeBytes).toBe(SIZE_BYTES);
      await expectContent(client, path, content);
      await fault.mend(cluster, victim);
      await cluster.untilHealthy();
    });
  }
});
