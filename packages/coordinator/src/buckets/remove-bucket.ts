import { CairnError } from "@cairnfs/base/errors";
import type { KvReader } from "@cairnfs/kv/kv-store";
import { logChange } from "../change-log.ts";
import { entries, versions } from "../keyspace.ts";
import { sortNameOf } from "../namespace/entry.ts";
import { type InodeId, ROOT_ID } from "../namespace/ids.ts";
import type { Mutation } from "../namespace/mutation.ts";
import { letGo } from "../trash/let-go.ts";
import { requireBucket } from "./read-bucket.ts";

/** So many directories without files may be left in a bucket that goes: one transaction looks into all of them. */
export const EMPTY_DIRECTORIES_MAX = 1_000;

/**
 * Removes a bucket for good, with what is kept of it and with directories that other doors made and left empty. While it has anything else it is
 * refused as `directoryNotEmpty`; as it is with more than a thousand empty directories.
 */
export async function removeBucket(mutation: Mutation, name: string): Promise<void> {
  const { tx } = mutation;
  const { entry } = await requireBucket(tx, name);
  // Who puts something into the bucket has read this entry and runs again; who did so before is seen here.
  entries.delete(tx, [ROOT_ID, sortNameOf(name, "directory")]);
  const left = await whatIsLeft(tx, entry.inodeId);
  if (left.message !== undefined) {
    throw new CairnError("directoryNotEmpty", `the bucket ${name} ${left.message}`);
  }
  await letGo(mutation, entry, left.hasDirectories);
  logChange(mutation, { kind: "remove", path: `/${name}`, inodeId: entry.inodeId });
}

interface Left {
  readonly hasDirectories: boolean;
  /** Why the bucket cannot go. */
  readonly message?: string;
}

async function whatIsLeft(reader: KvReader, id: InodeId): Promise<Left> {
  if ((await versions.first(reader, { within: [id] })) !== undefined) {
    return { hasDirectories: true, message: "has versions or delete markers" };
  }
  const open = [id];
  let directories = 0;
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const limit = EMPTY_DIRECTORIES_MAX + 1 - directories;
    for (const { value } of await entries.page(reader, { within: [next], limit })) {
      if (value.kind === "file") return { hasDirectories: true, message: "has objects" };
      directories += 1;
      open.push(value.inodeId);
    }
    if (directories > EMPTY_DIRECTORIES_MAX) {
      const message = `has more than ${EMPTY_DIRECTORIES_MAX} directories: remove them first`;
      return { hasDirectories: true, message };
    }
  }
  return { hasDirectories: directories > 0 };
}
