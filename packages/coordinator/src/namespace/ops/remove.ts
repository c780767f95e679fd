import { CairnError } from "@cairnfs/base/errors";
import { readBucket } from "../../buckets/read-bucket.ts";
import { logChange } from "../../change-log.ts";
import { entries, versions } from "../../keyspace.ts";
import { refuseLockedTree } from "../../objects/object-lock.ts";
import { pruneImplied } from "../../objects/prune.ts";
import { isSuspended, markRemoved } from "../../objects/replace-file.ts";
import { isNullVersion } from "../../objects/version-id.ts";
import { versionedKeyOf } from "../../objects/version-rows.ts";
import { letGo } from "../../trash/let-go.ts";
import type { TrashRecord } from "../../trash/trash-record.ts";
import { addTrash } from "../../trash/trash-rows.ts";
import { sortNameOf } from "../entry.ts";
import type { TrashId } from "../ids.ts";
import type { Mutation } from "../mutation.ts";
import type { Path } from "../path.ts";
import { checkPrecondition, type Precondition } from "../precondition.ts";
import { type Found, inheritedPolicy, readRoot, requireEntry } from "../resolve.ts";
import { requireName } from "../slot.ts";

export interface Remove {
  readonly path: Path;
  readonly recursive: boolean;
  readonly precondition: Precondition;
  /** Not to the trash, whatever the policy says. */
  readonly forever: boolean;
}

/**
 * Removes a file, an empty directory, or with `recursive` a tree of any size: one entry goes, and nothing below can be reached
 * from the commit on. It goes to the trash when the policy that holds there says so: gives what it is there. Otherwise it is let go.
 */
export async function remove(
  mutation: Mutation,
  request: Remove,
): Promise<readonly [TrashId, TrashRecord] | undefined> {
  requireName(request.path);
  const found = await requireEntry(mutation.tx, request.path);
  checkPrecondition(request.precondition, found.entry, request.path.text);
  return removeFound(mutation, found, request);
}

/** Removes what was found at the path. */
export async function removeFound(
  mutation: Mutation,
  found: Found,
  request: Remove,
): Promise<readonly [TrashId, TrashRecord] | undefined> {
  const { tx } = mutation;
  const { path } = request;
  const { parentId, name, entry } = found;
  entries.delete(tx, [parentId, sortNameOf(name, entry.kind)]);
  const isKept = entry.kind === "file" && (await keepRemoved(mutation, found, request));
  const trashed = isKept ? undefined : await letFoundGo(mutation, found, request);
  logChange(mutation, { kind: "remove", path: path.text, inodeId: entry.inodeId });
  await pruneImplied(mutation, found.directories, path.names);
  return trashed;
}

/** In a bucket with versioning a delete marker stands for a file that was removed. Says whether the file itself is kept as a version. */
async function keepRemoved(
  mutation: Mutation,
  { directories, entry }: Found,
  { path }: Remove,
): Promise<boolean> {
  if (entry.kind === "directory") return false;
  const at = await versionedKeyOf(mutation.tx, directories[0]?.inodeId, path);
  if (at === undefined) return false;
  const isLetGo = isSuspended(at) && isNullVersion(entry);
  await markRemoved(mutation, at, isLetGo ? undefined : entry, "");
  return !isLetGo;
}

async function letFoundGo(
  mutation: Mutation,
  found: Found,
  request: Remove,
): Promise<readonly [TrashId, TrashRecord] | undefined> {
  const { path } = request;
  const { entry } = found;
  const hasChildren = entry.kind === "directory" && (await checkTree(mutation, found, request));
  const trashMs = request.forever ? 0 : await trashMsOf(mutation, found);
  const trashed =
    trashMs > 0 ? addTrash(mutation, { path: path.text, entry, hasChildren, trashMs }) : undefined;
  if (trashed === undefined) await letGo(mutation, entry, hasChildren);
  return trashed;
}

/** Whether something is in a directory whose row is deleted; throws when it may not go with that. */
async function checkTree(
  { tx }: Mutation,
  { directories, entry: { inodeId } }: Found,
  { path, recursive }: Remove,
): Promise<boolean> {
  // Who creates something below has read this directory's entry and runs again; who did so before is seen here.
  const within = [inodeId] as const;
  const children = await entries.page(tx, { within, limit: 2 });
  const hasChildren = children.length > 0;
  const hasVersions = (await versions.first(tx, { within })) !== undefined;
  if (!hasChildren && !hasVersions) return false;
  // A directory with nothing but its own mark is an empty one.
  const isMarked = children.length === 1 && children[0]?.key[1] === "" && !hasVersions;
  if (!recursive && !isMarked)
    throw new CairnError("directoryNotEmpty", `${path.text} is not empty`);
  refuseLockedTree(await readBucket(tx, directories[0]?.inodeId ?? inodeId), path.text);
  return hasChildren;
}

/** How long what is removed stays in the trash. Of a directory its own policy counts as well. */
async function trashMsOf({ tx, settings }: Mutation, found: Found): Promise<number> {
  const { directories, entry } = found;
  const own = entry.kind === "directory" ? [...directories, entry] : directories;
  return inheritedPolicy(await readRoot(tx), own).trashMs ?? settings.trashMs;
}
