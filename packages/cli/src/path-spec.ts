import { CommandFailure } from "./failure.ts";

/** What a path on the command line means: something here, something in the cluster, or the pipe. */
export type PathSpec =
  | { readonly place: "local"; readonly path: string }
  | { readonly place: "cluster"; readonly path: string; readonly endsWithSlash: boolean }
  | { readonly place: "pipe" };

const PREFIX = "cairn:";

/** Where a path could be either: `cairn:/a` is in the cluster, `-` is stdin or stdout, all else is local. */
export function parsePathSpec(text: string): PathSpec {
  if (text === "-") return { place: "pipe" };
  return text.startsWith(PREFIX) ? clusterSpec(text) : { place: "local", path: text };
}

/** Where only a path in the cluster makes sense: with or without the prefix. */
export function parseClusterPath(text: string): string {
  return clusterSpec(text).path;
}

/** The same, when it matters whether the user wrote a directory ("/photos/"). */
export function clusterSpec(text: string): PathSpec & { readonly place: "cluster" } {
  const plain = text.startsWith(PREFIX) ? text.slice(PREFIX.length) : text;
  if (plain.startsWith("//")) {
    throw new CommandFailure(
      "usage",
      `${text} is no path in the cluster`,
      "write cairn:/photos/a.jpg; --coordinator says which cluster",
    );
  }
  const parts = plain.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..")) {
    throw new CommandFailure("usage", `${text} has "..": paths in the cluster start at its root`);
  }
  return {
    place: "cluster",
    path: `/${parts.join("/")}`,
    endsWithSlash: plain === "" || plain.endsWith("/"),
  };
}

/** A path in the cluster as the command line takes it. */
export function showClusterPath(path: string): string {
  return `${PREFIX}${path}`;
}

/** `name` below the directory `path`. */
export function joinPath(path: string, name: string): string {
  return path === "/" ? `/${name}` : `${path}/${name}`;
}

/** The last component; empty for the root. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** The directory that holds the path; the root holds itself. */
export function parentPath(path: string): string {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}
