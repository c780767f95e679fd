/**
 * A version of an object that is not in the tree, the value of `vers`:
 *
 *     | version 1 | kind u8 | noncurrent since ms varint |
 *     kind 1, a file:           | entry: its fields as of version 3 |
 *     kind 2, a delete marker:  | modified ms varint | is null u8 | owner text |
 *
 * Its key is the bucket's inode, the object's key and the sequence, the greatest first. A file owns its content as an entry of the
 * tree does. docs/formats/keyspace.md is the register.
 */

import { CairnError } from "@cairnfs/base/errors";
import type { KeyCodec } from "@cairnfs/kv/ordered-key";
import { recordCodec } from "@cairnfs/kv/record";
import { type FileEntry, readEntry, writeEntry } from "../namespace/entry.ts";

/** A file that another version took the place of. */
export interface FileVersion {
  readonly kind: "file";
  /** As it was in the tree. */
  readonly entry: FileEntry;
  /** When it stopped to be the newest. */
  readonly noncurrentMs: number;
}

/** What says that the object was removed: newest, it stands for nothing being there. */
export interface DeleteMarker {
  readonly kind: "marker";
  readonly modifiedMs: number;
  readonly isNull: boolean;
  /** Of who removed the object: a user's id, empty for the root user. */
  readonly owner: string;
  /** When it stopped to be the newest; 0 while it is. */
  readonly noncurrentMs: number;
}

export type VersionRecord = FileVersion | DeleteMarker;

const FILE = 1;
const MARKER = 2;

export const versionCodec = recordCodec<VersionRecord>("version", {
  version: 1,
  write: (to, record) => {
    to.u8(record.kind === "file" ? FILE : MARKER);
    to.varint(record.noncurrentMs);
    if (record.kind === "file") {
      writeEntry(to, record.entry);
      return;
    }
    to.varint(record.modifiedMs);
    to.bool(record.isNull);
    to.text(record.owner);
  },
  read: (from) => {
    const kind = from.u8();
    const noncurrentMs = from.varint();
    if (kind === FILE) {
      const entry = readEntry(from);
      if (entry.kind === "file") return { kind: "file", entry, noncurrentMs };
      throw new CairnError("internal", `inode ${entry.inodeId} is a directory among versions`);
    }
    if (kind !== MARKER) {
      throw new CairnError("internal", `a version has the unknown kind ${kind}`);
    }
    return {
      kind: "marker",
      modifiedMs: from.varint(),
      isNull: from.bool(),
      owner: from.text(),
      noncurrentMs,
    };
  },
});

/** A sequence of which the greatest sorts first. */
export const newestFirst: KeyCodec<number> = {
  write: (to, sequence) => to.u64(Number.MAX_SAFE_INTEGER - sequence),
  read: (from) => Number.MAX_SAFE_INTEGER - from.u64(),
  writeLeading: () => undefined,
};
