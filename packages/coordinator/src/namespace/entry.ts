/**
 * The entry of a file or directory, the value of `dent`:
 *
 *     | version 3 | kind u8 | inode varint | entry version varint | created varint | modified varint | mode varint
 *     | content type text | user metadata textMap |
 *     kind 1, a file:       | content varint | size varint | chunks varint | chunk size varint | copies u8 | sha-256 bytes (0 or 32)
 *                           | optional object bytes (ObjectAttributes) | sequence varint (0: none) | is null u8 |
 *     kind 2, a directory:  | policy: optional chunk size varint | optional copies u8 | optional trash ms varint | implied u8 |
 *
 * Version 2 ends with the sha-256 and the policy; version 1 has no trash ms either.
 *
 * docs/formats/keyspace.md is the register.
 */

import { CairnError } from "@cairnfs/base/errors";
import { type RecordReader, type RecordWriter, recordCodec } from "@cairnfs/kv/record";
import { type ContentId, contentId, type InodeId, inodeId } from "./ids.ts";

/** How files below a directory are stored and removed; what is absent is inherited. */
export interface PolicyRecord {
  readonly chunkSizeBytes: number | undefined;
  readonly replicationFactor: number | undefined;
  /** How long what is removed stays in the trash; 0: it does not go there. */
  readonly trashMs: number | undefined;
}

interface CommonFields {
  readonly inodeId: InodeId;
  /** Grows with each change of the entry. */
  readonly version: number;
  readonly createdMs: number;
  readonly modifiedMs: number;
  readonly mode: number;
  readonly contentType: string;
  readonly userMetadata: ReadonlyMap<string, string>;
}

export interface FileEntry extends CommonFields {
  readonly kind: "file";
  readonly contentId: ContentId;
  readonly sizeBytes: number;
  /** 0 when the content is inline or empty. */
  readonly chunkCount: number;
  readonly chunkSizeBytes: number;
  readonly replicationFactor: number;
  /** Of the whole file; empty when nobody computed it. */
  readonly sha256: Uint8Array;
  /** What was said of it as an object: an encoded `ObjectAttributes`. Absent: it was never put as one. */
  readonly object: Uint8Array | undefined;
  /** Which version of its key it is, in a bucket with versioning; 0 for a file that was put without. */
  readonly sequence: number;
  /** Its version has the id "null": it was put while versioning was suspended. So has one without a sequence. */
  readonly isNull: boolean;
}

export interface DirectoryEntry extends CommonFields {
  readonly kind: "directory";
  readonly policy: PolicyRecord;
  /** It was made because the key of an object has it, and goes with the last thing in it. */
  readonly isImplied: boolean;
}

export type EntryRecord = FileEntry | DirectoryEntry;

export const NO_POLICY: PolicyRecord = {
  chunkSizeBytes: undefined,
  replicationFactor: undefined,
  trashMs: undefined,
};
export const NO_METADATA: ReadonlyMap<string, string> = new Map();
export const FILE_MODE_DEFAULT = 0o644;
export const DIRECTORY_MODE_DEFAULT = 0o755;

const FILE = 1;
const DIRECTORY = 2;

export const entryCodec = recordCodec<EntryRecord>("entry", {
  version: 3,
  write: writeEntry,
  read: readEntry,
  earlier: { 1: (from) => readWith(from, EARLIER[1]), 2: readEntry2 },
});

/** Writes the fields of an entry, in the version of today, within another record. */
export function writeEntry(to: RecordWriter, entry: EntryRecord): void {
  to.u8(entry.kind === "file" ? FILE : DIRECTORY);
  to.varint(entry.inodeId);
  to.varint(entry.version);
  to.varint(entry.createdMs);
  to.varint(entry.modifiedMs);
  to.varint(entry.mode);
  to.text(entry.contentType);
  to.textMap(entry.userMetadata);
  if (entry.kind === "file") {
    to.varint(entry.contentId);
    to.varint(entry.sizeBytes);
    to.varint(entry.chunkCount);
    to.varint(entry.chunkSizeBytes);
    to.u8(entry.replicationFactor);
    to.bytes(entry.sha256);
    to.optional(entry.object, (into, object) => into.bytes(object));
    to.varint(entry.sequence);
    to.bool(entry.isNull);
  } else {
    writePolicy(to, entry.policy);
    to.bool(entry.isImplied);
  }
}

/** Reads what `writeEntry` wrote. */
export function readEntry(from: RecordReader): EntryRecord {
  return readWith(from, TODAY);
}

/** Reads the fields of an entry of version 2. */
export function readEntry2(from: RecordReader): EntryRecord {
  return readWith(from, EARLIER[2]);
}

/** How what follows the common fields is read. */
interface Tails {
  file(from: RecordReader): Pick<FileEntry, "object" | "sequence" | "isNull">;
  directory(from: RecordReader): Pick<DirectoryEntry, "policy" | "isImplied">;
}

const TODAY: Tails = {
  file: (from) => ({
    object: from.optional((of) => of.bytes()),
    sequence: from.varint(),
    isNull: from.bool(),
  }),
  directory: (from) => ({ policy: readPolicy(from), isImplied: from.bool() }),
};

/** What a file has that was put as none, and without versioning. */
export const PLAIN_FILE: ReturnType<Tails["file"]> = {
  object: undefined,
  sequence: 0,
  isNull: false,
};

const EARLIER = {
  1: {
    file: () => PLAIN_FILE,
    directory: (from) => ({ policy: readPolicy1(from), isImplied: false }),
  },
  2: {
    file: () => PLAIN_FILE,
    directory: (from) => ({ policy: readPolicy(from), isImplied: false }),
  },
} as const satisfies Record<number, Tails>;

function readWith(from: RecordReader, tails: Tails): EntryRecord {
  const kind = from.u8();
  const common: CommonFields = {
    inodeId: inodeId(from.varint()),
    version: from.varint(),
    createdMs: from.varint(),
    modifiedMs: from.varint(),
    mode: from.varint(),
    contentType: from.text(),
    userMetadata: from.textMap(),
  };
  if (kind === DIRECTORY) return { kind: "directory", ...common, ...tails.directory(from) };
  if (kind !== FILE) throw new CairnError("internal", `an entry has the unknown kind ${kind}`);
  return {
    kind: "file",
    ...common,
    contentId: contentId(from.varint()),
    sizeBytes: from.varint(),
    chunkCount: from.varint(),
    chunkSizeBytes: from.varint(),
    replicationFactor: from.u8(),
    sha256: from.bytes(),
    ...tails.file(from),
  };
}

export function writePolicy(to: RecordWriter, policy: PolicyRecord): void {
  to.optional(policy.chunkSizeBytes, (into, size) => into.varint(size));
  to.optional(policy.replicationFactor, (into, factor) => into.u8(factor));
  to.optional(policy.trashMs, (into, trashMs) => into.varint(trashMs));
}

export function readPolicy(from: RecordReader): PolicyRecord {
  return { ...readPolicy1(from), trashMs: from.optional((of) => of.varint()) };
}

function readPolicy1(from: RecordReader): PolicyRecord {
  return {
    chunkSizeBytes: from.optional((of) => of.varint()),
    replicationFactor: from.optional((of) => of.u8()),
    trashMs: undefined,
  };
}

/** What an entry sorts by among its siblings: a directory's name ends with a slash, as S3 sorts keys. */
export function sortNameOf(name: string, kind: EntryRecord["kind"]): string {
  return kind === "directory" ? `${name}/` : name;
}

/**
 * Where a walk that has seen `sortName` goes on, as a text that is empty only at the beginning: the file of the empty name comes first of
 * all, and no name has NUL.
 */
export function placeAfter(sortName: string): string {
  return sortName === "" ? "\0" : sortName;
}
