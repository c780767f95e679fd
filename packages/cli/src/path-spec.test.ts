import { expect, test } from "vitest";
import {
  baseName,
  clusterSpec,
  joinPath,
  parentPath,
  parseClusterPath,
  parsePathSpec,
} from "./path-spec.ts";

test("a path with the prefix is in the cluster, a dash is the pipe, everything else is local", () => {
  expect(parsePathSpec("cairn:/photos/a.jpg")).toEqual({
    place: "cluster",
    path: "/photos/a.jpg",
    endsWithSlash: false,
  });
  expect(parsePathSpec("-")).toEqual({ place: "pipe" });
  for (const path of ["a.jpg", "./cairn:/x", "/tmp/a", "--", "-x", "cairn"]) {
    expect(parsePathSpec(path)).toEqual({ place: "local", path });
  }
});

test.each([
  ["cairn:/", "/"],
  ["cairn:", "/"],
  ["/", "/"],
  ["photos", "/photos"],
  ["cairn:photos/2026/", "/photos/2026"],
  ["/a//b/./c/", "/a/b/c"],
  ["/new\nline", "/new\nline"],
])("%j is %j in the cluster", (text, path) => {
  expect(parseClusterPath(text)).toBe(path);
});

test("a directory that was written as one is known as one", () => {
  expect(clusterSpec("cairn:/photos/").endsWithSlash).toBe(true);
  expect(clusterSpec("cairn:").endsWithSlash).toBe(true);
  expect(clusterSpec("cairn:/photos").endsWithSlash).toBe(false);
});

test("what could leave the tree or name another cluster is refused as usage", () => {
  for (const text of ["/a/../b", "..", "cairn:../x", "cairn://host/a"]) {
    expect(() => parseClusterPath(text)).toThrow(expect.objectContaining({ exit: "usage" }));
  }
});

test("paths are joined and taken apart at the root as below it", () => {
  expect([joinPath("/", "a"), joinPath("/a", "b")]).toEqual(["/a", "/a/b"]);
  expect([baseName("/a/b"), baseName("/")]).toEqual(["b", ""]);
  expect([parentPath("/a/b"), parentPath("/a"), parentPath("/")]).toEqual(["/a", "/", "/"]);
});
