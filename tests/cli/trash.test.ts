import { expect, test } from "vitest";
import { DevCluster } from "./cairn-command.ts";

interface ListedItem {
  readonly trashId: number;
  readonly path: string;
  readonly size?: { readonly files: number; readonly logicalBytes: number };
}

function listed(out: string): readonly ListedItem[] {
  return out
    .split("\n")
    .filter((line) => line !== "")
    .map((line): ListedItem => JSON.parse(line));
}

test("what rm removed is listed, counted by df, restored and let go by the trash command", async () => {
  await using cluster = await DevCluster.start();
  const { folder } = cluster;
  const big = "x".repeat(100_000);
  for (const path of ["/photos/2025/a", "/photos/2025/b", "/photos/2026/c", "/scratch/d"]) {
    expect(await folder.run(["put", "-", path], { stdin: big })).toMatchObject({ code: 0 });
  }
  await folder.ok("trash", "keep", "/scratch", "0");
  expect(await folder.ok("stat", "/scratch")).toContain("0 in the trash");

  await folder.ok("rm", "-r", "/photos/2025");
  await folder.ok("rm", "/photos/2026/c", "/scratch/d");
  expect(await folder.ok("trash", "ls")).toMatch(
    /cairn:\/photos\/2025\/\n.*cairn:\/photos\/2026\/c\n$/u,
  );
  const items = listed(await folder.ok("trash", "ls", "/photos", "--json"));
  expect(items.map(({ path }) => path)).toEqual(["/photos/2025", "/photos/2026/c"]);

  const df: { reclaimable: { trash: { items: number }; parts: { name: string }[] } } = JSON.parse(
    await folder.ok("df", "--json"),
  );
  expect(df.reclaimable.trash.items).toBe(2);
  expect(await folder.ok("df")).toMatch(/trash .*in 24 h/u);

  expect(await folder.ok("trash", "restore", "/photos/2026/c")).toBe("cairn:/photos/2026/c\n");
  const id = String(items[0]?.trashId);
  expect(await folder.run(["trash", "restore", id, "--to", "/photos/2026/c"])).toMatchObject({
    code: 4,
  });
  await folder.ok("trash", "restore", id, "--to", "/back/2025");
  expect(await folder.ok("cat", "/back/2025/a")).toBe(big);
  expect(await folder.run(["trash", "restore", id])).toMatchObject({ code: 3 });

  await folder.ok("rm", "-r", "/back");
  await folder.ok("rm", "--forever", "/photos/2026/c");
  expect(await folder.run(["trash", "empty"])).toMatchObject({ code: 2 });
  expect(await folder.ok("trash", "empty", "-y", "--older-than", "1h")).toMatch(/^0 items/u);
  expect(await folder.ok("trash", "empty", "-y", "/back")).toMatch(/^1 item gone for good/u);
  expect(await folder.ok("trash", "ls", "--json")).toBe("");
});

test("fsck finds nothing wrong with a cluster that was used", async () => {
  await using cluster = await DevCluster.start();
  const { folder } = cluster;
  await folder.run(["put", "-", "/d/f"], { stdin: "x".repeat(3_000_000) });
  await folder.run(["put", "-", "/d/g"], { stdin: "small" });
  await folder.ok("cp", "cairn:/d/f", "cairn:/e/copy");
  await folder.ok("rm", "/d/f");
  expect(await folder.run(["fsck", "--json"])).toMatchObject({ code: 0 });
  expect(await folder.run(["fsck", "/e"])).toMatchObject({ code: 0, out: "" });
  expect(await folder.run(["fsck", "/nowhere"])).toMatchObject({ code: 3 });
});
