import { CairnError, hasReason } from "@cairnfs/base/errors";
import type { CairnClient } from "@cairnfs/client/client";
import type { FileEntry } from "@cairnfs/client/entry";
import { componentMatcher, isPattern, unescaped } from "./glob.ts";
import { joinPath } from "./path-spec.ts";

type Reader = Pick<CairnClient, "stat" | "list">;

/**
 * The entries that a path of the command line means. A path that exists as it is written means itself, whatever its
 * characters; otherwise `*`, `?`, `[a-z]` match within a component and `**` any number of directories. When nothing
 * matches it rejects with `pathNotFound`.
 */
export async function expandPath(
  client: Reader,
  path: string,
  signal: AbortSignal,
): Promise<FileEntry[]> {
  try {
    return [await client.stat(path, { signal })];
  } catch (error) {
    if (!isPattern(path) || !hasReason(error, "pathNotFound", "notADirectory", "invalidPath"))
      throw error;
  }
  const components = path.split("/").filter((component) => component !== "");
  const found: FileEntry[] = [];
  for await (const entry of matches(client, "/", components, signal)) found.push(entry);
  if (found.length === 0) throw new CairnError("pathNotFound", `nothing matches ${path}`);
  return found;
}

/** All that the paths mean, each entry once, in their order. */
export async function expandPaths(
  client: Reader,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<FileEntry[]> {
  const found = new Map<string, FileEntry>();
  for (const path of paths) {
    for (const entry of await expandPath(client, path, signal)) found.set(entry.path, entry);
  }
  return [...found.values()];
}

async function* matches(
  client: Reader,
  directory: string,
  components: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<FileEntry> {
  const [component = "", ...rest] = components;
  if (component === "**") {
    yield* matchesBelow(client, directory, rest, signal);
    return;
  }
  if (!isPattern(component) || unescapedAlone(component)) {
    yield* matchesNamed(client, joinPath(directory, unescaped(component)), rest, signal);
    return;
  }
  const isMatch = componentMatcher(component);
  for await (const entry of client.list(directory, { signal })) {
    if (!isMatch(entry.name)) continue;
    if (rest.length === 0) yield entry;
    else if (entry.kind === "directory") yield* matches(client, entry.path, rest, signal);
  }
}

/** Escapes without a pattern beside them spell a name. */
function unescapedAlone(component: string): boolean {
  return !isPattern(component.replaceAll(/\\./gsu, ""));
}

async function* matchesNamed(
  client: Reader,
  path: string,
  rest: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<FileEntry> {
  try {
    const entry = await client.stat(path, { signal });
    if (rest.length === 0) yield entry;
    else if (entry.kind === "directory") yield* matches(client, path, rest, signal);
  } catch (error) {
    if (!hasReason(error, "pathNotFound", "notADirectory")) throw error;
  }
}

/** `**`: this directory and every one below it; as the last component, all that is below. */
async function* matchesBelow(
  client: Reader,
  directory: string,
  rest: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<FileEntry> {
  if (rest.length > 0) yield* matches(client, directory, rest, signal);
  for await (const entry of client.list(directory, { signal })) {
    if (entry.name.startsWith(".")) continue;
    if (rest.length === 0) yield entry;
    if (entry.kind === "directory") yield* matchesBelow(client, entry.path, rest, signal);
  }
}
