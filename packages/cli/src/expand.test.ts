import { CairnError } from "@cairnfs/base/errors";
import type { FileEntry } from "@cairnfs/client/entry";
import { expect, test } from "vitest";
import { expandPath, expandPaths } from "./expand.ts";
import { baseName, parentPath } from "./path-spec.ts";

/** A tree of files by their paths; directories are those that files need. */
function tree(...files: readonly string[]) {
  const entries = new Map<string, FileEntry>([["/", entry("/", "directory")]]);
  for (const file of files) {
    entries.set(file, entry(file, "file"));
    for (let path = parentPath(file); path !== "/"; path = parentPath(path)) {
      entries.set(path, entry(path, "directory"));
    }
  }
  let calls = 0;
  return {
    calls: () => calls,
    async stat(path: string) {
      calls += 1;
      const found = entries.get(path);
      if (found === undefined) throw new CairnError("pathNotFound", `nothing is at ${path}`);
      return found;
    },
    async *list(path: string): AsyncGenerator<FileEntry, void, undefined> {
      calls += 1;
      const children = [...entries.values()].filter(
        (child) => child.path !== "/" && parentPath(child.path) === path,
      );
      yield* children.sort((one, other) => (one.name < other.name ? -1 : 1));
    },
  };
}

function entry(path: string, kind: FileEntry["kind"]): FileEntry {
  return {
    kind,
    path,
    name: baseName(path),
    inodeId: 1,
    sizeBytes: 0,
    createdMs: 0,
    modifiedMs: 0,
    mode: 0o644,
    contentType: "",
    userMetadata: {},
    sha256: undefined,
    chunkSizeBytes: 0,
    replicationFactor: 3,
    chunkCount: 0,
    policy: undefined,
    version: 1,
    contentId: 1,
    object: undefined,
    versionId: undefined,
  };
}

const { signal } = new AbortController();

async function paths(client: ReturnType<typeof tree>, pattern: string): Promise<string[]> {
  return (await expandPath(client, pattern, signal)).map(({ path }) => path);
}

test("stars match within a component, two of them any depth, and dots only where asked", async () => {
  const client = tree("/a.jpg", "/b.jpg", "/p/c.jpg", "/p/q/d.jpg", "/.hidden/e.jpg", "/p/x.png");
  expect(await paths(client, "/*.jpg")).toEqual(["/a.jpg", "/b.jpg"]);
  expect(await paths(client, "/*/*.jpg")).toEqual(["/p/c.jpg"]);
  expect(await paths(client, "/**/*.jpg")).toEqual(["/a.jpg", "/b.jpg", "/p/c.jpg", "/p/q/d.jpg"]);
  expect(await paths(client, "/p/**")).toEqual(["/p/c.jpg", "/p/q", "/p/q/d.jpg", "/p/x.png"]);
  expect(await paths(client, "/.*/*")).toEqual(["/.hidden/e.jpg"]);
  expect(await paths(client, "/p/q/*.jpg")).toEqual(["/p/q/d.jpg"]);
});

test("a path that is there as it is written means itself alone", async () => {
  const client = tree("/a[1].jpg", "/a1.jpg", "/star*", "/starfish");
  expect(await paths(client, "/a[1].jpg")).toEqual(["/a[1].jpg"]);
  expect(await paths(client, "/star*")).toEqual(["/star*"]);
});

test("an escape spells the character itself", async () => {
  const client = tree("/a*b", "/aXb", "/dir*/f");
  expect(await paths(client, "/a\\*b")).toEqual(["/a*b"]);
  expect(await paths(client, "/dir\\*/*")).toEqual(["/dir*/f"]);
});

test("a plain path costs one call, and its failure is its own", async () => {
  const client = tree("/a");
  expect(await paths(client, "/a")).toEqual(["/a"]);
  expect(client.calls()).toBe(1);
  await expect(paths(client, "/b")).rejects.toMatchObject({ message: "nothing is at /b" });
});

test("a pattern that matches nothing is not found", async () => {
  const client = tree("/a");
  await expect(paths(client, "/*.gif")).rejects.toMatchObject({ reason: "pathNotFound" });
  await expect(paths(client, "/a/*")).rejects.toMatchObject({ reason: "pathNotFound" });
});

test("what several patterns match comes once", async () => {
  const client = tree("/a.jpg", "/b.jpg");
  const found = await expandPaths(client, ["/b.jpg", "/*.jpg"], signal);
  expect(found.map(({ path }) => path)).toEqual(["/b.jpg", "/a.jpg"]);
});
