import { join } from "node:path";
import { eventually } from "@cairnfs/base/testing/eventually";
import { temporaryFolder } from "@cairnfs/base/testing/temp-folder";
import { contentOf } from "@cairnfs/testkit/content";
import { LimitedDisk } from "@cairnfs/testkit/hosts/limited-disk";
import { ProcessCluster } from "@cairnfs/testkit/process-cluster";
import { expect, test } from "vitest";
import { expectContent, MIB } from "../support/verify.ts";

const whyNot = LimitedDisk.whyNot();
if (whyNot !== undefined) console.warn(`skipped: nodes without a free block; ${whyNot}`);

test.skipIf(whyNot !== undefined)(
  "nodes whose file systems have no free block delete what was removed, and take chunks again then",
  async () => {
    // Method: file systems of their own, filled by somebody else to the last block when the chunks are there.
    await using folder = await temporaryFolder();
    const names = ["node-0", "node-1", "node-2"];
    await using disks = await LimitedDisks.create(folder.path, names, 192 * MIB);
    await using cluster = await ProcessCluster.start({
      name: "no-free-block",
      datanodes: 3,
      coordinator: { CAIRN_CONTENT_GRACE_MS: "100", CAIRN_CHUNK_GRACE_MS: "100" },
      datanode: (index) => ({
        dataDir: join(disks.folders[index] ?? "", "data"),
        environment: { CAIRN_RESERVE_BYTES: "16MiB" },
      }),
    });
    const client = await cluster.connect({ patienceMs: 4_000 });
    for (let file = 0; file < 4; file++) {
      await client.put(`/d/large${file}`, contentOf(file, 16 * MIB), { parents: true });
    }
    for (let file = 0; file < 50; file++) {
      await client.put(`/d/small${file}`, contentOf(100 + file, 200_000));
    }
    await disks.fill();
    await expect(client.put("/d/more", contentOf(9, 32 * MIB))).rejects.toMatchObject({
      reason: expect.stringMatching(
        /^(?:placementUnavailable|storeFull|quorumNotReached|storeFailed)$/u,
      ),
    });

    await client.remove("/d", { recursive: true, forever: true });
    await eventually(async () => {
      const { nodes, garbageChunks, chunkCount } = await client.clusterState();
      expect([garbageChunks, chunkCount]).toEqual([0, 0]);
      for (const node of nodes) expect(node.availableBytes).toBeGreaterThan(32 * MIB);
    }, 60_000);
    await client.put("/after", contentOf(9, 8 * MIB));
    await expectContent(client, "/after", { seed: 9, sizeBytes: 8 * MIB });
  },
);

/** One disk of its own for each node. */
class LimitedDisks implements AsyncDisposable {
  readonly #disks: readonly LimitedDisk[];

  private constructor(disks: readonly LimitedDisk[]) {
    this.#disks = disks;
  }

  static async create(
    parent: string,
    names: readonly string[],
    sizeBytes: number,
  ): Promise<LimitedDisks> {
    const disks: LimitedDisk[] = [];
    for (const name of names) disks.push(await LimitedDisk.create(parent, name, sizeBytes));
    return new LimitedDisks(disks);
  }

  get folders(): readonly string[] {
    return this.#disks.map(({ folder }) => folder);
  }

  async fill(): Promise<void> {
    for (const disk of this.#disks) await disk.fill();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const disk of this.#disks) await disk[Symbol.asyncDispose]();
  }
}
