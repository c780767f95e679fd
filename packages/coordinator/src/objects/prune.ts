import { logChange } from "../change-log.ts";
import { count } from "../counters.ts";
import { entries } from "../keyspace.ts";
import { type DirectoryEntry, sortNameOf } from "../namespace/entry.ts";
import { ROOT_ID } from "../namespace/ids.ts";
import type { Mutation } from "../namespace/mutation.ts";
import { pathOf } from "../namespace/resolve.ts";

/**
 * Takes away the directories, from the last one of `directories` upwards, that objects' keys had made and in which nothing is left.
 * `names` lead to them; whatever went out of the last one is gone already. A top-level directory stays: it is a bucket.
 */
export async function pruneImplied(
  mutation: Mutation,
  directories: readonly DirectoryEntry[],
  names: readonly string[],
): Promise<void> {
  const { tx } = mutation;
  for (let depth = directories.length; depth > 1; depth--) {
    const directory = directories[depth - 1];
    const name = names[depth - 1];
    if (directory === undefined || name === undefined || !directory.isImplied) return;
    // The last child: objects are removed in the order of their keys more often than the other way round.
    const within = [directory.inodeId] as const;
    if ((await entries.first(tx, { within, reverse: true })) !== undefined) return;
    const parentId = directories[depth - 2]?.inodeId ?? ROOT_ID;
    entries.delete(tx, [parentId, sortNameOf(name, "directory")]);
    count(tx, "directories", -1);
    const path = pathOf(names, depth);
    logChange(mutation, { kind: "remove", path, inodeId: directory.inodeId });
  }
}
