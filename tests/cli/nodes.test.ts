import { writeFile } from "node:fs/promises";
import { eventually } from "@cairnfs/base/testing/eventually";
import { expect, test } from "vitest";
import { DevCluster } from "./cairn-command.ts";

test("a node is drained with a plan first, waited for, removed, and told apart from what cannot be done", async () => {
  await using cluster = await DevCluster.start();
  const { folder, address } = cluster;
  const at = ["--coordinator", address] as const;
  await writeFile(folder.file("a.bin"), Buffer.alloc(3_000_000, 7));

  // Nothing was placed on it yet, so nobody has to be waited for.
  const plan = JSON.parse(await folder.ok("node", "drain", "2", "--plan", "--json", ...at));
  expect(plan).toMatchObject({ chunks: 0, bytes: 0, blockedChunks: 0 });
  const human = await folder.ok("node", "drain", "2", "--plan", ...at);
  expect(human).toMatch(/^Plan for draining node 2: nothing has been moved\.\n/u);

  const early = await folder.run(["node", "remove", "2", ...at]);
  expect(early.code).toBe(4);
  expect(early.err).toMatch(/node 2 is healthy: drain it first/u);

  const drained = await folder.ok("node", "drain", "2", "--wait", "--json", ...at);
  expect(JSON.parse(drained)).toMatchObject({ nodeNumber: 2, state: "drained", leftChunks: 0 });
  await folder.ok("mkdir", "--replicas", "2", "cairn:/few", ...at);
  await folder.ok("put", folder.file("a.bin"), "cairn:/few/", ...at);
  const rows = (await folder.ok("node", "ls", "--json", ...at)).trim().split("\n");
  const [second] = rows.map((row) => JSON.parse(row)).filter((row) => row.nodeNumber === 2);
  expect(second).toMatchObject({ state: "drained", chunkCount: 0, drain: { state: "drained" } });

  expect(await folder.ok("node", "undrain", "2", ...at)).toBe("node 2 is healthy\n");
  expect(await folder.ok("node", "drain", "2", "--wait", ...at)).toMatch(/^node 2 is drained/u);
  expect(await folder.ok("node", "remove", "2", ...at)).toBe(
    "node 2 is removed: no chunk had a copy there\n",
  );

  const unknown = await folder.run(["node", "drain", "2", ...at]);
  expect([unknown.code, unknown.err]).toEqual([
    3,
    expect.stringMatching(/no node is "2": expected a number, an address, or the first digits/u),
  ]);
  const usage = await folder.run(["node", "remove", "3", "--accept-lost", "5", ...at]);
  expect([usage.code, usage.err]).toEqual([2, "cairn: --accept-lost goes with --force\n"]);
});

test("a drain that cannot end is refused, and its plan says why and exits with 11", async () => {
  await using cluster = await DevCluster.start();
  const { folder, address } = cluster;
  const at = ["--coordinator", address] as const;
  await writeFile(folder.file("a.bin"), Buffer.alloc(3_000_000, 7));
  const nodes = (await folder.ok("node", "ls", "--json", ...at)).trim().split("\n").length;
  await folder.ok("mkdir", "--replicas", String(nodes), "cairn:/everywhere", ...at);
  await folder.ok("put", folder.file("a.bin"), "cairn:/everywhere/", ...at);
  const plan = await folder.run(["node", "drain", "1", "--plan", ...at]);
  expect(plan.code).toBe(11);
  expect(plan.out).toMatch(
    new RegExp(
      `it cannot end: 1 chunk \\(2.9 MiB\\) cannot go to any node: ${nodes} copies wanted`,
      "u",
    ),
  );
  const refused = await folder.run(["node", "drain", "1", ...at]);
  expect([refused.code, refused.err]).toEqual([
    4,
    expect.stringMatching(/node 1 cannot be emptied: 1 chunk of 3000000 bytes/u),
  ]);
  expect(await folder.ok("node", "drain", "1", "--force", ...at)).toBe("node 1 is draining\n");
  // What the node said last is shown until a walk has counted.
  await eventually(async () => {
    expect(await folder.ok("rebalance", "status", ...at)).toMatch(
      /node 1 +draining: 1 chunk \(2\.9 MiB\) left/u,
    );
  });
});
