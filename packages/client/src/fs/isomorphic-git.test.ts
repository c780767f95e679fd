import git from "isomorphic-git";
import { expect, test } from "vitest";
import { MemoryCluster } from "../testing/memory-cluster.ts";
import { testBytes } from "../testing/test-bytes.ts";

test("git works on a cluster: init, add, commit, branch, checkout, status and log", async () => {
  await using cluster = await MemoryCluster.open();
  const client = await cluster.connect();
  // The library asks for more kinds of arguments than it uses.
  const fs = client.fs as unknown as Parameters<typeof git.init>[0]["fs"];
  const dir = "/repo";
  const author = { name: "A", email: "a@example.org", timestamp: 1_700_000_000, timezoneOffset: 0 };
  await client.mkdir(dir);
  await git.init({ fs, dir, defaultBranch: "main" });
  await client.put("/repo/readme.md", "# first\n");
  await client.put("/repo/data/big.bin", testBytes(700_000), { parents: true });
  await git.add({ fs, dir, filepath: ["readme.md", "data/big.bin"] });
  const first = await git.commit({ fs, dir, message: "first", author });

  await git.branch({ fs, dir, ref: "topic", checkout: true });
  await client.put("/repo/readme.md", "# second\n");
  expect(await git.status({ fs, dir, filepath: "readme.md" })).toBe("*modified");
  await git.add({ fs, dir, filepath: "readme.md" });
  await git.remove({ fs, dir, filepath: "data/big.bin" });
  await client.remove("/repo/data/big.bin");
  const second = await git.commit({ fs, dir, message: "second", author });
  expect((await git.log({ fs, dir })).map((entry) => entry.oid)).toEqual([second, first]);

  await git.checkout({ fs, dir, ref: "main" });
  expect(await client.fs.readFile("/repo/readme.md", "utf8")).toBe("# first\n");
  const big = await client.fs.readFile("/repo/data/big.bin");
  expect(big.equals(testBytes(700_000))).toBe(true);
  const matrix = await git.statusMatrix({ fs, dir });
  expect(matrix.every(([, head, work, stage]) => head === 1 && work === 1 && stage === 1)).toBe(
    true,
  );
  expect(await git.listBranches({ fs, dir })).toEqual(["main", "topic"]);

  await git.merge({ fs, dir, ours: "main", theirs: "topic", author });
  await git.checkout({ fs, dir, ref: "main" });
  expect(await client.fs.readFile("/repo/readme.md", "utf8")).toBe("# second\n");
});
