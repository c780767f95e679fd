import { Prng } from "@cairnfs/base/random";
import { eventually } from "@cairnfs/base/testing/eventually";
import { contentOf } from "@cairnfs/testkit/content";
import { ProcessCluster } from "@cairnfs/testkit/process-cluster";
import { expect, test } from "vitest";
import { damageChunkFiles } from "../support/damage.ts";
import { expectContent, MIB } from "../support/verify.ts";
import { CommandFolder } from "./cairn-command.ts";

interface Event {
  readonly type: string;
  readonly kind?: string;
  readonly outcome?: string;
}

function eventsOf(out: string): Event[] {
  return out
    .split("\n")
    .filter((line) => line !== "")
    .map((line): Event => JSON.parse(line));
}

test("copies that a node lost behind its back are told by fsck, taken out with --repair, and made anew", async () => {
  await using cluster = await ProcessCluster.start({ name: "fsck", datanodes: 4 });
  await using folder = await CommandFolder.make();
  const client = await cluster.connect();
  const content = { seed: 31, sizeBytes: 48 * MIB };
  await client.put("/d/big", contentOf(content.seed, content.sizeBytes), {
    parents: true,
    chunkSizeBytes: 2 * MIB,
  });
  await client.put("/d/removed", contentOf(32, 3 * MIB));
  await client.remove("/d/removed");
  const fsck = (...flags: readonly string[]) =>
    folder.run(["fsck", "--json", "--coordinator", cluster.coordinator.ready.address, ...flags]);
  expect(await fsck()).toMatchObject({ code: 0 });

  // A node that starts again is compared with the records at once, and healed before anybody asks: this one goes on.
  const lost = await damageChunkFiles(cluster.dataDir(0), "delete", new Prng(5));
  expect(lost).toBeGreaterThan(0);

  const told = await fsck();
  expect(told.code).toBe(11);
  const findings = eventsOf(told.out).filter(({ type }) => type === "finding");
  expect(findings).toHaveLength(lost);
  expect(new Set(findings.map(({ kind }) => kind))).toEqual(new Set(["copyMissing"]));
  expect(await fsck("/d")).toMatchObject({ code: 0 });

  const mended = await fsck("--repair");
  expect(mended.code).toBe(12);
  expect(eventsOf(mended.out).filter(({ outcome }) => outcome === "mended")).toHaveLength(lost);
  await eventually(async () => {
    const { underreplicatedChunks } = await client.clusterState();
    expect(underreplicatedChunks).toBe(0);
  }, 60_000);
  expect(await fsck()).toMatchObject({ code: 0 });
  await expectContent(client, "/d/big", content);
}, 180_000);
