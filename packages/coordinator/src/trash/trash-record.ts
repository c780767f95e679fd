/**
 * A removed file or tree, the value of `trsh`, and how far a tree has been added up, the value of `trsz`:
 *
 *     trsh  | version 2 | path text | removed at ms varint | due ms varint | entry: its fields as of version 3 | optional size |
 *     trsz  | version 1 | size | list of: directory inode varint, sort name text |
 *     size  | files varint | directories varint | logical bytes varint | disk bytes varint |
 *
 * Version 1 of `trsh` has the entry's fields as of version 2.
 *
 * docs/formats/keyspace.md is the register.
 */

import { type RecordReader, type RecordWriter, recordCodec } from "@cairnfs/kv/record";
import {
  type EntryRecord,
  type FileEntry,
  readEntry,
  readEntry2,
  writeEntry,
} from "../namespace/entry.ts";
import { type InodeId, inodeId } from "../namespace/ids.ts";

/** What a removed file or tree adds up to. */
export interface TrashSize {
  readonly files: number;
  readonly directories: number;
  readonly logicalBytes: number;
  /** With all wanted copies, without files that are kept in the metadata. */
  readonly diskBytes: number;
}

export const NOTHING: TrashSize = { files: 0, directories: 0, logicalBytes: 0, diskBytes: 0 };

/** A file or directory that was removed, and can be restored until it is let go. */
export interface TrashRecord {
  /** Where it was. */
  readonly path: string;
  readonly removedMs: number;
  readonly dueMs: number;
  readonly entry: EntryRecord;
  /** Absent while a tree has not been added up: then there is a row in `trsz`. */
  readonly size: TrashSize | undefined;
}

/** How far a removed tree has been added up. */
export interface TrashSizing {
  readonly size: TrashSize;
  /** The directories on the way down to where it stands, the nearest last, and up to which child each has been counted. */
  readonly stack: readonly {
    readonly directoryId: InodeId;
    readonly after: string;
  }[];
}

export const trashCodec = recordCodec<TrashRecord>("trash", {
  version: 2,
  write: (to, { path, removedMs, dueMs, entry, size }) => {
    to.text(path);
    to.varint(removedMs);
    to.varint(dueMs);
    writeEntry(to, entry);
    to.optional(size, writeSize);
  },
  read: (from) => readTrash(from, readEntry),
  earlier: { 1: (from) => readTrash(from, readEntry2) },
});

function readTrash(
  from: RecordReader,
  readEntryOf: (from: RecordReader) => EntryRecord,
): TrashRecord {
  return {
    path: from.text(),
    removedMs: from.varint(),
    dueMs: from.varint(),
    entry: readEntryOf(from),
    size: from.optional(readSize),
  };
}

export const trashSizingCodec = recordCodec<TrashSizing>("trash sizing", {
  version: 1,
  write: (to, { size, stack }) => {
    writeSize(to, size);
    to.list(stack, (into, { directoryId, after }) => {
      into.varint(directoryId);
      into.text(after);
    });
  },
  read: (from) => ({
    size: readSize(from),
    stack: from.list((of) => ({ directoryId: inodeId(of.varint()), after: of.text() })),
  }),
});

function writeSize(to: RecordWriter, size: TrashSize): void {
  to.varint(size.files);
  to.varint(size.directories);
  to.varint(size.logicalBytes);
  to.varint(size.diskBytes);
}

function readSize(from: RecordReader): TrashSize {
  return {
    files: from.varint(),
    directories: from.varint(),
    logicalBytes: from.varint(),
    diskBytes: from.varint(),
  };
}

export function sumOf(one: TrashSize, other: TrashSize): TrashSize {
  return {
    files: one.files + other.files,
    directories: one.directories + other.directories,
    logicalBytes: one.logicalBytes + other.logicalBytes,
    diskBytes: one.diskBytes + other.diskBytes,
  };
}

/** What one entry adds, without what is below it. */
export function sizeOf(entry: EntryRecord): TrashSize {
  if (entry.kind === "directory") return { ...NOTHING, directories: 1 };
  return { files: 1, directories: 0, logicalBytes: entry.sizeBytes, diskBytes: diskBytesOf(entry) };
}

function diskBytesOf(file: FileEntry): number {
  return file.chunkCount === 0 ? 0 : file.sizeBytes * file.replicationFactor;
}
