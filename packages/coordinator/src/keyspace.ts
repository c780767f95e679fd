/**
 * The register of the metadata store: every prefix, and the tables behind most; those of uploads in parts and the single values are in
 * files of their own. docs/formats/keyspace.md draws the records.
 * Keys are written by kv/ordered-key, values begin with their record version.
 */

import { toHex } from "@cairnfs/base/hex";
import {
  fixed,
  type KeyCodec,
  restText,
  text,
  textWithoutNul,
  tuple,
  u8,
  u32,
  u64,
} from "@cairnfs/kv/ordered-key";
import { recordCodec, type ValueCodec } from "@cairnfs/kv/record";
import { Table } from "@cairnfs/kv/table";
import { CHUNK_ID_BYTES, type ChunkId, chunkIdToBytes } from "@cairnfs/protocol/chunk-id";

import { type BucketRecord, bucketCodec } from "./buckets/bucket-record.ts";

import { type ChangeRecord, changeCodec } from "./change-record.ts";
import { type ChunkRecord, chunkRecordCodec } from "./chunks/chunk-record.ts";
import {
  type ContentRecord,
  chunkRowCodec,
  contentCodec,
  type MappedChunk,
  type PartRow,
  partRowCodec,
} from "./namespace/content.ts";
import { type EntryRecord, entryCodec } from "./namespace/entry.ts";
import {
  type ContentId,
  contentIdKey,
  type DomainId,
  domainIdKey,
  type InodeId,
  inodeIdKey,
  type TrashId,
  trashIdKey,
} from "./namespace/ids.ts";
import { newestFirst, type VersionRecord, versionCodec } from "./objects/version-record.ts";
import {
  type TrashRecord,
  type TrashSizing,
  trashCodec,
  trashSizingCodec,
} from "./trash/trash-record.ts";
import { type UploadSession, uploadSessionCodec } from "./uploads/upload-session.ts";

/** Every prefix of the store and what is under it. Four characters, unique, never reused for something else. */
export const PREFIXES = {
  dent: "entries, by directory and sort name",
  bukt: "buckets",
  bkdc: "documents of buckets",
  bklc: "lifecycles of buckets",
  cont: "contents",
  cmap: "chunk maps of contents",
  cprt: "parts of composite contents",
  chnk: "chunks",
  cdom: "references to chunks from domains other than their home",
  vers: "versions of objects that are not in the tree, and delete markers, by bucket and key, newest first",
  vnul: "which of them has the id null",
  mpup: "uploads of objects in parts",
  mpky: "those that are open, by bucket and key",
  mppt: "their parts",
  mpex: "those that were completed, in the order in which that is forgotten",
  sess: "upload sessions",
  sexp: "upload sessions in the order they expire in",
  trsh: "removed files and trees that can be restored",
  trsp: "the same by the path they had",
  trdu: "the same in the order they fall due in",
  trsz: "removed trees that are still to be added up",
  tomb: "removed directories and contents that are still to be taken apart",
  gcch: "chunks without references, in the order they fall due in",
  drop: "copies that nodes are still to delete, by node",
  debt: "chunks with fewer copies than wanted, fewest first",
  idem: "answers to mutating calls, by time and idempotency key",
  node: "members",
  nuid: "members by the id they chose",
  user: "users, by name",
  usid: "names of users by their ids",
  usem: "names of users by their emails",
  akey: "access keys",
  ukey: "access keys by user",
  clog: "the change log",
  cntr: "counters",
  meta: "single values: cluster id, secrets, epoch, next id",
} as const;

/** A chunk id as its 32 bytes. */
const chunkIdKey: KeyCodec<ChunkId> = {
  write: (to, id) => to.raw(chunkIdToBytes(id)),
  // 32 bytes are 64 digits.
  read: (from) => toHex(from.raw(CHUNK_ID_BYTES)) as ChunkId,
  writeLeading: () => undefined,
};

/** The value of a row that says all by being there: its record version and nothing else. */
export const presence = recordCodec<true>("presence", {
  version: 1,
  write: () => undefined,
  read: () => true,
});

export const number = recordCodec<number>("number", {
  version: 1,
  write: (to, value) => to.varint(value),
  read: (from) => from.varint(),
});

export const entries = new Table<readonly [InodeId, string], EntryRecord>({
  prefix: "dent",
  key: tuple(inodeIdKey, restText),
  value: entryCodec,
});

/** Where the sort name begins in the key of an entry: after the prefix and the directory. */
export const SORT_NAME_OFFSET = 12;

/** By the inode of the bucket's directory; a bucket without a row is `impliedBucket`. */
export const buckets = new Table<InodeId, BucketRecord>({
  prefix: "bukt",
  key: inodeIdKey,
  value: bucketCodec,
});

/** Bytes behind their record version. */
const document = recordCodec<Uint8Array>("document", {
  version: 1,
  write: (to, value) => to.bytes(value),
  // The reader's bytes are a view of the store's.
  read: (from) => Buffer.from(from.bytes()),
});

/** What only doors read of a bucket, by its inode and the name of the document. */
export const bucketDocuments = new Table<readonly [InodeId, string], Uint8Array>({
  prefix: "bkdc",
  key: tuple(inodeIdKey, restText),
  value: document,
});

/** Of buckets that have rules: a `cairn.v1.Lifecycle` message. */
export const bucketLifecycles = new Table<InodeId, Uint8Array>({
  prefix: "bklc",
  key: inodeIdKey,
  value: document,
});

/** By the bucket's inode, the object's key and the sequence, the newest first. */
export const versions = new Table<readonly [InodeId, string, number], VersionRecord>({
  prefix: "vers",
  key: tuple(inodeIdKey, textWithoutNul, newestFirst),
  value: versionCodec,
});

/** The sequence of the version of an object that has the id "null", where that is among `versions`. */
export const nullVersions = new Table<readonly [InodeId, string], number>({
  prefix: "vnul",
  key: tuple(inodeIdKey, restText),
  value: number,
});

export const contents = new Table<ContentId, ContentRecord>({
  prefix: "cont",
  key: contentIdKey,
  value: contentCodec,
});

/** By the content and the offset of the row's first chunk. */
export const chunkMap = new Table<readonly [ContentId, number], readonly MappedChunk[]>({
  prefix: "cmap",
  key: tuple(contentIdKey, u64),
  value: chunkRowCodec,
});

/** By the content that they are under, the part's offset in it and the part's number; numbers ascend with the offsets. */
export const contentParts = new Table<readonly [ContentId, number, number], PartRow>({
  prefix: "cprt",
  key: tuple(contentIdKey, u64, u32),
  value: partRowCodec,
});

export const chunks = new Table<ChunkId, ChunkRecord>({
  prefix: "chnk",
  key: chunkIdKey,
  value: chunkRecordCodec,
});

export const domainReferences = new Table<readonly [ChunkId, DomainId], number>({
  prefix: "cdom",
  key: tuple(chunkIdKey, domainIdKey),
  value: number,
});

export const SESSION_ID_BYTES = 16;

export const sessions = new Table<Uint8Array, UploadSession>({
  prefix: "sess",
  key: fixed(SESSION_ID_BYTES),
  value: uploadSessionCodec,
});

export const sessionExpiries = new Table<readonly [number, Uint8Array], true>({
  prefix: "sexp",
  key: tuple(u64, fixed(SESSION_ID_BYTES)),
  value: presence,
});

export const trash = new Table<TrashId, TrashRecord>({
  prefix: "trsh",
  key: trashIdKey,
  value: trashCodec,
});

/** By the first bytes of the path, as `trashPathKey` cuts it. */
export const trashPaths = new Table<readonly [string, TrashId], true>({
  prefix: "trsp",
  key: tuple(text, trashIdKey),
  value: presence,
});

const TRASH_PATH_BYTES = 1024;

/** A path as it stands in `trsp`: a key does not take a whole one. Cut between characters. */
export function trashPathKey(path: string): string {
  if (path.length * 3 <= TRASH_PATH_BYTES) return path;
  const bytes = Buffer.from(path);
  let end = Math.min(bytes.byteLength, TRASH_PATH_BYTES);
  // A byte 10xxxxxx goes on with a character.
  while (end < bytes.byteLength && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.toString("utf8", 0, end);
}

export const trashDues = new Table<readonly [number, TrashId], true>({
  prefix: "trdu",
  key: tuple(u64, trashIdKey),
  value: presence,
});

export const trashSizings = new Table<TrashId, TrashSizing>({
  prefix: "trsz",
  key: trashIdKey,
  value: trashSizingCodec,
});

/** What a tombstone stands for. */
export const TOMB_KIND = { directory: 1, content: 2, multipart: 4 } as const;

/** By due time, kind and inode or content id. */
export const tombstones = new Table<readonly [number, number, number], true>({
  prefix: "tomb",
  key: tuple(u64, u8, u64),
  value: presence,
});

export const garbageChunks = new Table<readonly [number, ChunkId], true>({
  prefix: "gcch",
  key: tuple(u64, chunkIdKey),
  value: presence,
});

/** By node; the value is the epoch up to which copies are to go. */
export const drops = new Table<readonly [number, ChunkId], number>({
  prefix: "drop",
  key: tuple(u32, chunkIdKey),
  value: number,
});

/** By the number of copies that are left. */
export const debts = new Table<readonly [number, ChunkId], true>({
  prefix: "debt",
  key: tuple(u8, chunkIdKey),
  value: presence,
});

/** The answer to a mutating call and the method that gave it. */
export interface StoredAnswer {
  readonly method: string;
  readonly message: Uint8Array;
}

export const IDEMPOTENCY_KEY_BYTES = 24;

/** By the period of time in which the call was answered, and its idempotency key. */
export const answers = new Table<readonly [number, Uint8Array], StoredAnswer>({
  prefix: "idem",
  key: tuple(u64, fixed(IDEMPOTENCY_KEY_BYTES)),
  value: recordCodec("answer", {
    version: 1,
    write: (to, answer) => {
      to.text(answer.method);
      to.bytes(answer.message);
    },
    read: (from) => ({ method: from.text(), message: from.bytes() }),
  }),
});

export const POSITION_BYTES = 12;
/** By position; written with `tx.append`. */
export const changeLog = new Table<Uint8Array, ChangeRecord>({
  prefix: "clog",
  key: fixed(POSITION_BYTES),
  value: changeCodec,
});

export const CHANGE_LOG_PREFIX: Uint8Array = Buffer.from(changeLog.prefix);

/** What `tx.add` keeps: eight bytes, big-endian, two's complement; the one value without a record version. */
const counterCodec: ValueCodec<number> = {
  encode: (value) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64BE(BigInt(value));
    return bytes;
  },
  decode: (bytes) =>
    Number(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigInt64(0)),
};

export const counterTable = new Table<string, number>({
  prefix: "cntr",
  key: restText,
  value: counterCodec,
});
