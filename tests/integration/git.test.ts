import { ProcessCluster } from "@cairnfs/testkit/process-cluster";
import git from "isomorphic-git";
import { expect, test } from "vitest";

test("isomorphic-git keeps a repository on a cluster: init, add, commit, branch, merge, checkout, status", async () => {
  await using cluster = await ProcessCluster.start({ name: "git", datanodes: 3 });
  const client = await cluster.connect();
  const fs = { promises: client.fs };
  const repository = { fs, dir: "/repository" };
  const author = { name: "Ada", email: "ada@example.org" };

  await git.init({ ...repository, defaultBranch: "main" });
  await client.fs.mkdir("/repository/src");
  await client.fs.writeFile("/repository/README.md", "# stones\n");
  await client.fs.writeFile("/repository/src/cairn.txt", "one\ntwo\nthree\n");
  await git.add({ ...repository, filepath: ["README.md", "src/cairn.txt"] });
  const first = await git.commit({ ...repository, message: "two stones", author });

  await git.branch({ ...repository, ref: "taller", checkout: true });
  await client.fs.appendFile("/repository/src/cairn.txt", "four\n");
  expect(await git.status({ ...repository, filepath: "src/cairn.txt" })).toBe("*modified");
  await git.add({ ...repository, filepath: "src/cairn.txt" });
  const second = await git.commit({ ...repository, message: "a third", author });

  await git.checkout({ ...repository, ref: "main" });
  expect(await client.fs.readFile("/repository/src/cairn.txt", "utf8")).toBe("one\ntwo\nthree\n");
  await git.merge({ ...repository, ours: "main", theirs: "taller", author });
  await git.checkout({ ...repository, ref: "main" });
  expect(await client.fs.readFile("/repository/src/cairn.txt", "utf8")).toBe(
    "one\ntwo\nthree\nfour\n",
  );

  await cluster.restartCoordinator();
  const log = await git.log(repository);
  expect(log.map(({ oid }) => oid)).toEqual([second, first]);
  expect(await git.statusMatrix(repository)).toEqual([
    ["README.md", 1, 1, 1],
    ["src/cairn.txt", 1, 1, 1],
  ]);
});
