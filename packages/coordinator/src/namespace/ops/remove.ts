import { CairnError } from "@cairnfs/base/errors";
import { logChange } from "../../change-log.ts";
import { entries } from "../../keyspace.ts";
import { pruneImplied } from "../../objects/prune.ts";
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
  const { tx } = mutation;
  const { path } = request;
  requireName(path);
  const found = await requireEntry(tx, path);
  const { parentId, name, entry } = found;
  checkPrecondition(request.precondition, entry, path.text);

  entries.delete(tx, [parentId, sortNameOf(name, entry.kind)]);
  // Who creates something below has read this directory's entry and runs again; who did so before is seen here.
  const hasChildren =
    entry.kind === "directory" &&
    (await entries.first(tx, { within: [entry.inodeId] })) !== undefined;
  if (hasChildren && !request.recursive) {
    throw new CairnError("directoryNotEmpty", `${path.text} is not empty`);
  }
  const trashMs = request.forever ? 0 : await trashMsOf(mutation, found);
  const trashed =
    trashMs > 0 ? addTrash(mutation, { path: path.text, entry, hasChildren, trashMs }) : undefined;
  if (trashed === undefined) await letGo(mutation, entry, hasChildren);
  logChange(mutation, { kind: "remove", path: path.text, inodeId: entry.inodeId });
  await pruneImplied(mutation, found.directories, path.names);
  return trashed;
}

/** How long what is removed stays in the trash. Of a directory its own policy counts as well. */
async function trashMsOf({ tx, settings }: Mutation, found: Found): Promise<number> {
  const { directories, entry } = found;
  const own = entry.kind === "directory" ? [...directories, entry] : directories;
  return inheritedPolicy(await readRoot(tx), own).trashMs ?? settings.trashMs;
}
