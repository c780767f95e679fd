import { expect, test } from "vitest";
import { TestNamespace } from "../namespace/testing/test-namespace.ts";
import { runCheck } from "./run-check.ts";
import { checkParts } from "./testing/damaged-store.ts";

async function mended(tree: TestNamespace): Promise<string[]> {
  const found: string[] = [];
  const { signal } = new AbortController();
  const request = { path: undefined, repair: true };
  for await (const event of runCheck(checkParts(tree), request, signal)) {
    if (event.kind !== "finding") continue;
    found.push(`${event.finding.kind}: ${event.finding.subject}: ${event.outcome}`);
  }
  return found;
}

test("buckets in the tree, in the trash, moved and being taken apart are all well", async () => {
  await using tree = await TestNamespace.open({ settings: { trashMs: 1_000 } });
  for (const name of ["here", "moved", "trashed", "leaving"]) {
    await tree.bucket("createBucket", { name, documents: [{ name: "acl" }] });
    await tree.put(`/${name}/a`, "x");
  }
  await tree.call("rename", { source: "/moved", target: "/else/where", parents: true });
  await tree.call("remove", { path: "/trashed", recursive: true });
  await tree.call("remove", { path: "/leaving", recursive: true, forever: true });
  expect(await tree.violations()).toEqual([]);
  expect(await mended(tree)).toEqual([]);
});
