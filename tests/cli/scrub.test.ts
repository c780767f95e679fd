import { rm } from "node:fs/promises";
import { eventually } from "@cairnfs/base/testing/eventually";
import { contentOf } from "@cairnfs/testkit/content";
import { ProcessCluster } from "@cairnfs/testkit/process-cluster";
import { expect, test } from "vitest";
import { flipBits } from "../support/damage.ts";
import { MIB } from "../support/verify.ts";
import { CommandFolder } from "./cairn-command.ts";

test("a scrub is asked for and waited for, and says what it found", async () => {
  await using folder = await CommandFolder.make();
  await using cluster = await ProcessCluster.start({ name: "cli-scrub", datanodes: 3 });
  const client = await cluster.connect();
  await client.put("/f", contentOf(7, 4 * MIB), { chunkSizeBytes: 2 * MIB });
  const at = ["--coordinator", cluster.coordinator.ready.address];

  const well = await folder.run(["scrub", "start", "--wait", ...at]);
  expect(well).toMatchObject({ code: 0, out: "3 nodes read all copies: all are good\n" });
  const status = JSON.parse(await folder.ok("scrub", "status", "--check", "--json", ...at));
  expect(status.nodes).toHaveLength(3);
  for (const node of status.nodes) {
    expect(node).toMatchObject({ isRequestDone: true, missingCopies: 0 });
    expect(node.report).toMatchObject({ overdueChunks: 0, badCopies: 0, isRunning: false });
  }
  expect(await folder.ok("scrub", "status", ...at)).toContain(
    "Every copy was stored or read within the scrub period.",
  );

  // Node numbers are given in the order in which nodes come: the rotten one is found by what it says.
  expect(await flipBits(cluster.dataDir(1), 2 * MIB)).toBe(2);
  const found = await folder.run(["scrub", "start", "--wait", "--json", ...at]);
  expect(found.code).toBe(11);
  expect(JSON.parse(found.out)).toMatchObject({ badCopiesFound: 2, awayNodes: [] });
  const after = JSON.parse(await folder.ok("scrub", "status", "--json", ...at));
  const bad = after.nodes.filter(
    (node: { report: { badCopies: number } }) => node.report.badCopies > 0,
  );
  expect(bad).toHaveLength(1);
  expect(bad[0].report.latestBadCopies).toHaveLength(2);
  expect(await folder.ok("scrub", "status", ...at)).toContain("2 bad copies");
  await eventually(async () => {
    expect((await client.clusterState()).underreplicatedChunks).toBe(0);
  }, 30_000);

  // What is gone is no bad copy: it is missed when what the node holds is compared with what is recorded.
  await rm(`${cluster.dataDir(2)}/chunks`, { recursive: true });
  const missed = await folder.run([
    "scrub",
    "start",
    "-n",
    "1",
    "-n",
    "2",
    "-n",
    "3",
    "--wait",
    ...at,
  ]);
  expect(missed.code).toBe(11);
  expect(missed.out).toContain("2 missing ones, which will be replaced");

  const unknown = await folder.run(["scrub", "start", "--node", "9", ...at]);
  expect(unknown.code).toBe(3);
  expect(unknown.err).toContain("no node has number 9");
  expect((await folder.run(["scrub", "start", "--node", "x", ...at])).code).toBe(2);
});
