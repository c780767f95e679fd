import { assert } from "@cairnfs/base/assert";
import { CairnError } from "@cairnfs/base/errors";
import type { KvReader } from "@cairnfs/kv/kv-store";
import { readBucket } from "../buckets/read-bucket.ts";
import { logChange } from "../change-log.ts";
import { entries, trash, trashPathKey, trashPaths } from "../keyspace.ts";
import { type EntryRecord, sortNameOf } from "../namespace/entry.ts";
import type { TrashId } from "../namespace/ids.ts";
import { type Mutation, nextVersion } from "../namespace/mutation.ts";
import { refuseNesting } from "../namespace/ops/rename.ts";
import { type Path, parseLenientPath } from "../namespace/path.ts";
import { walk } from "../namespace/resolve.ts";
import { objectIn, requireName, slotBelow } from "../namespace/slot.ts";
import { replaceFile } from "../objects/replace-file.ts";
import type { TrashRecord } from "./trash-record.ts";
import { dropTrash } from "./trash-rows.ts";

/** Which item of the trash: by its id, or the newest of those that were removed from a path. */
export type TrashChoice =
  | { readonly kind: "id"; readonly id: TrashId }
  | { readonly kind: "newestAt"; readonly path: Path };

export interface Restore {
  readonly choice: TrashChoice;
  /** Instead of where it was. */
  readonly target: Path | undefined;
  /** A file that is there may be replaced. */
  readonly replace: boolean;
}

export interface Restored {
  readonly path: Path;
  readonly entry: EntryRecord;
}

/**
 * Brings an item back from the trash to where it was, or to another place, with the inode it had: one entry of any size
 * moves, and missing parents are made. A file replaces a file with `replace`; nothing replaces a directory, and
 * a directory replaces nothing.
 */
export async function restore(mutation: Mutation, request: Restore): Promise<Restored> {
  const { tx } = mutation;
  const [id, record] = await requireTrash(tx, request.choice);
  const path = request.target ?? parseLenientPath(record.path);
  requireName(path);

  const walked = await walk(tx, path.names.slice(0, -1));
  assert(
    walked.directories.every((directory) => directory.inodeId !== record.entry.inodeId),
    "what is in the trash is not in the tree",
  );
  const slot = await slotBelow(mutation, path, walked, true);
  const { file, directory } = slot.present;
  const mayReplace = record.entry.kind === "file" && request.replace;
  if (directory !== undefined || (file !== undefined && !mayReplace)) {
    const form = directory === undefined ? "a file" : "a directory";
    throw new CairnError("pathExists", `${path.text} is taken by ${form}: restore to another path`);
  }

  const freshId = mutation.nextId();
  const version = nextVersion(freshId, Math.max(record.entry.version, file?.version ?? 0));
  const entry: EntryRecord =
    record.entry.kind === "file"
      ? {
          ...record.entry,
          version,
          ...(await replaceFile(mutation, slot, file, freshId)),
          object: await objectIn(mutation, slot, record.entry.object),
        }
      : { ...record.entry, version };
  refuseNesting(await readBucket(tx, entry.inodeId), record.path, path);
  dropTrash(tx, id, record);
  entries.put(tx, [slot.parentId, sortNameOf(slot.name, entry.kind)], entry);
  logChange(mutation, { kind: "restore", path: path.text, inodeId: entry.inodeId });
  return { path, entry };
}

/** The item, which must be there: `trashNotFound` when it was restored or let go, or never was. */
async function requireTrash(
  reader: KvReader,
  choice: TrashChoice,
): Promise<readonly [TrashId, TrashRecord]> {
  if (choice.kind === "id") {
    const record = await trash.get(reader, choice.id);
    if (record !== undefined) return [choice.id, record];
    throw new CairnError(
      "trashNotFound",
      `item ${choice.id} is not in the trash: it was restored or let go, or never was there`,
    );
  }
  const { text } = choice.path;
  const within = [trashPathKey(text)] as const;
  // Long paths may share a key, so the newest of the key need not be the one.
  for await (const { key } of trashPaths.scan(reader, { within, reverse: true, limit: 16 })) {
    const record = await trash.get(reader, key[1]);
    if (record?.path === text) return [key[1], record];
  }
  throw new CairnError(
    "trashNotFound",
    `nothing in the trash was removed from ${text}: it was restored or let go, or never was there`,
  );
}
