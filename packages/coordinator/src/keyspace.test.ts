import { toHex } from "@cairnfs/base/hex";
import { ChangeKind } from "@cairnfs/protocol/gen/cairn/v1/coordinator_pb";
import { expect, test } from "vitest";
import { accessKeys, userEmails, userIds, userKeys, users } from "./access/access-tables.ts";
import {
  answers,
  changeLog,
  chunkMap,
  chunks,
  contentParts,
  contents,
  counterTable,
  debts,
  domainReferences,
  drops,
  entries,
  garbageChunks,
  nullVersions,
  PREFIXES,
  sessionExpiries,
  sessions,
  tombstones,
  trash,
  trashDues,
  trashPathKey,
  trashPaths,
  trashSizings,
  versions,
} from "./keyspace.ts";
import { OPEN } from "./multipart/multipart-record.ts";
import {
  multipartExpiries,
  multipartKeys,
  multipartParts,
  multiparts,
} from "./multipart/multipart-tables.ts";
import { NO_CHANGES } from "./namespace/attributes.ts";
import { contentCodec, NO_PARTS } from "./namespace/content.ts";
import { entryCodec, NO_POLICY, PLAIN_FILE } from "./namespace/entry.ts";
import { contentId, domainId, inodeId, trashId } from "./namespace/ids.ts";
import { chunkOf } from "./namespace/testing/fake-nodes.ts";
import { epochMarks, metaNumbers } from "./single-values.ts";

const CHUNK = chunkOf("a").chunkId;
const SESSION = Buffer.alloc(16, 0xee);

const MULTIPART = {
  bucketId: inodeId(5),
  key: "k",
  salt: Buffer.alloc(8, 0xdd),
  createdMs: 3,
  attributes: { ...NO_CHANGES, contentType: "a/b" },
  object: Buffer.from("o"),
  owner: "w",
  initiator: "i",
};

/** A row as it is stored, and read back from what is stored. */
function frozen<K, V>(
  table: {
    keyOf(key: K): Uint8Array;
    keyFrom(bytes: Uint8Array): K;
    encode(value: V): Uint8Array;
    decode(bytes: Uint8Array): V;
  },
  key: K,
  value: V,
): string {
  const storedKey = table.keyOf(key);
  const stored = table.encode(value);
  expect(table.keyFrom(storedKey)).toEqual(key);
  expect(table.encode(table.decode(stored))).toEqual(stored);
  const shownKey = Buffer.from(storedKey.subarray(0, 4)).toString();
  return `${shownKey} ${toHex(storedKey.subarray(4))} ${toHex(stored)}`.replace(CHUNK, "<chunk>");
}

test("every prefix has four characters of its own", () => {
  const prefixes = Object.keys(PREFIXES);
  expect(prefixes.every((prefix) => prefix.length === 4)).toBe(true);
  expect(new Set(prefixes).size).toBe(prefixes.length);
});

test("the records are these bytes", () => {
  const common = {
    version: 300,
    createdMs: 1,
    modifiedMs: 2,
    mode: 0o644,
    contentType: "a/b",
    userMetadata: new Map([["k", "v"]]),
  };
  const rows = [
    frozen(entries, [inodeId(5), "f"] as const, {
      kind: "file",
      inodeId: inodeId(6),
      ...common,
      contentId: contentId(7),
      sizeBytes: 70_000,
      chunkCount: 2,
      chunkSizeBytes: 65_536,
      replicationFactor: 3,
      sha256: new Uint8Array(0),
      object: Uint8Array.of(8, 1),
      sequence: 300,
      isNull: true,
    }),
    frozen(entries, [inodeId(5), "d/"] as const, {
      kind: "directory",
      inodeId: inodeId(8),
      ...common,
      policy: { chunkSizeBytes: 65_536, replicationFactor: undefined, trashMs: 0 },
      isImplied: true,
    }),
    frozen(versions, [inodeId(5), "k\u0001/", 300] as const, {
      kind: "file",
      noncurrentMs: 9,
      entry: {
        kind: "file",
        inodeId: inodeId(6),
        ...common,
        contentId: contentId(7),
        sizeBytes: 0,
        chunkCount: 0,
        chunkSizeBytes: 65_536,
        replicationFactor: 3,
        sha256: new Uint8Array(0),
        ...PLAIN_FILE,
        sequence: 300,
      },
    }),
    frozen(versions, [inodeId(5), "k", 301] as const, {
      kind: "marker",
      noncurrentMs: 0,
      modifiedMs: 9,
      isNull: true,
      owner: "u",
    }),
    frozen(nullVersions, [inodeId(5), "k"] as const, 301),
    frozen(contents, contentId(7), {
      owners: 1,
      domainId: domainId(5),
      sizeBytes: 2,
      chunkCount: 0,
      goneAtMs: 0,
      sha256: new Uint8Array(0),
      inlineBytes: Buffer.from("hi"),
      ...NO_PARTS,
    }),
    frozen(contents, contentId(9), {
      owners: 1,
      domainId: domainId(5),
      sizeBytes: 2,
      chunkCount: 2,
      goneAtMs: 0,
      sha256: new Uint8Array(0),
      inlineBytes: undefined,
      partsOf: contentId(8),
      depth: 2,
    }),
    frozen(contentParts, [contentId(8), 65_536, 3] as const, {
      contentId: contentId(7),
      sizeBytes: 2,
      object: Buffer.from("o"),
    }),
    frozen(chunkMap, [contentId(7), 65_536] as const, [{ chunkId: CHUNK, lengthBytes: 100 }]),
    frozen(chunks, CHUNK, {
      state: "live",
      lengthBytes: 100,
      references: 2,
      wantedCopies: 3,
      nodeNumbers: [1, 300],
      homeDomainId: domainId(5),
      homeReferences: 1,
      dueMs: 0,
      deleteEpoch: 4,
      debtCopies: 2,
      fences: [{ nodeNumber: 9, epoch: 5 }],
    }),
    frozen(domainReferences, [CHUNK, domainId(6)] as const, 1),
    frozen(garbageChunks, [1000, CHUNK] as const, true),
    frozen(debts, [2, CHUNK] as const, true),
    frozen(drops, [300, CHUNK] as const, 4),
    frozen(tombstones, [1000, 2, 7] as const, true),
    frozen(trash, trashId(10), {
      path: "/f",
      removedMs: 1000,
      dueMs: 2000,
      entry: {
        kind: "directory",
        inodeId: inodeId(8),
        ...common,
        policy: NO_POLICY,
        isImplied: false,
      },
      size: { files: 1, directories: 2, logicalBytes: 3, diskBytes: 9 },
    }),
    frozen(trashPaths, ["/f", trashId(10)] as const, true),
    frozen(trashDues, [2000, trashId(10)] as const, true),
    frozen(trashSizings, trashId(10), {
      size: { files: 1, directories: 2, logicalBytes: 3, diskBytes: 9 },
      stack: [{ directoryId: inodeId(8), after: "g" }],
    }),
    frozen(multiparts, 9, { ...MULTIPART, state: OPEN }),
    frozen(multiparts, 9, {
      ...MULTIPART,
      state: { kind: "completed", dueMs: 1000, answer: Buffer.from("a") },
    }),
    frozen(multiparts, 9, { ...MULTIPART, state: { kind: "aborted", atMs: 1000 } }),
    frozen(multipartKeys, [inodeId(5), "k", SESSION] as const, true),
    frozen(multipartParts, [9, 10_000] as const, {
      contentId: contentId(7),
      sizeBytes: 100,
      chunkCount: 2,
      depth: 1,
      modifiedMs: 3,
      object: Buffer.from("o"),
    }),
    frozen(multipartExpiries, [1000, 9] as const, true),
    frozen(sessionExpiries, [1000, SESSION] as const, true),
    frozen(sessions, SESSION, {
      contentId: contentId(7),
      domainId: domainId(5),
      reservesDomain: false,
      path: "/f",
      expiresMs: 1000,
      chunkSizeBytes: 65_536,
      replicationFactor: 3,
      parents: true,
      sizeBytes: undefined,
      attributes: { ...NO_CHANGES, mode: 0o600 },
      precondition: { kind: "version", value: 9 },
      target: {
        kind: "part",
        uploadId: SESSION,
        partNumber: 2,
        object: undefined,
      },
      answer: undefined,
    }),
    frozen(answers, [1, Buffer.alloc(24, 0xaa)] as const, {
      method: "M",
      message: Buffer.from("m"),
    }),
    frozen(changeLog, Buffer.alloc(12, 0xcc), {
      kind: ChangeKind.RENAME,
      path: "/a",
      target: "/b",
      inodeId: 6,
      atMs: 3,
    }),
    frozen(metaNumbers, "epoch", 5),
    frozen(epochMarks, "epoch-marks", [{ atMs: 1, epoch: 2 }]),
    frozen(counterTable, "files", -2),
    frozen(users, "ann", {
      userId: "ab",
      createdMs: 1,
      isRoot: false,
      hadKey: true,
      email: "a@b",
      policies: new Map([["p", "{}"]]),
    }),
    frozen(userIds, "ab", "ann"),
    frozen(userEmails, "a@b", "ann"),
    frozen(accessKeys, "AK", {
      userName: "ann",
      secretKey: "s",
      createdMs: 1,
      isDisabled: true,
      expiresMs: 300,
      description: "d",
    }),
    frozen(userKeys, ["ann", "AK"] as const, true),
  ];
  expect(rows).toMatchInlineSnapshot(`
    [
      "dent 000000000000000566 030106ac020102a40303612f6201016b017607f0a20402808004030001020801ac0201",
      "dent 0000000000000005642f 030208ac020102a40303612f6201016b01760180800400010001",
      "vers 00000000000000056b012f00001ffffffffffed3 0101090106ac020102a40303612f6201016b0176070000808004030000ac0200",
      "vers 00000000000000056b00001ffffffffffed2 01020009010175",
      "vnul 00000000000000056b 01ad02",
      "cont 0000000000000007 02010502000000010268690000",
      "cont 0000000000000009 02010502020000000802",
      "cprt 0000000000000008000000000001000000000003 010702016f",
      "cmap 00000000000000070000000000010000 0101<chunk>64",
      "chnk <chunk> 01016402030201ac02050100040102010905",
      "cdom <chunk>0000000000000006 0101",
      "gcch 00000000000003e8<chunk> 01",
      "debt 02<chunk> 01",
      "drop 0000012c<chunk> 0104",
      "tomb 00000000000003e8020000000000000007 01",
      "trsh 000000000000000a 02022f66e807d00f0208ac020102a40303612f6201016b0176000000000101020309",
      "trsp 2f6600000000000000000a 01",
      "trdu 00000000000007d0000000000000000a 01",
      "trsz 000000000000000a 010102030901080167",
      "mpup 0000000000000009 0105016bdddddddddddddddd0300000103612f6200016f0177016900",
      "mpup 0000000000000009 0105016bdddddddddddddddd0300000103612f6200016f0177016901e8070161",
      "mpup 0000000000000009 0105016bdddddddddddddddd0300000103612f6200016f0177016902e807",
      "mpky 00000000000000056b00eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee 01",
      "mppt 000000000000000900002710 010764020103016f",
      "mpex 00000000000003e80000000000000009 01",
      "sexp 00000000000003e8eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee 01",
      "sess eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee 02070500022f66e80780800403010001800300000002090002eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee0200",
      "idem 0000000000000001aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 01014d016d",
      "clog cccccccccccccccccccccccc 01030306022f61022f62",
      "meta 65706f6368 0105",
      "meta 65706f63682d6d61726b73 01010102",
      "cntr 66696c6573 fffffffffffffffe",
      "user 616e6e 0102616201000103614062010170027b7d",
      "usid 6162 0103616e6e",
      "usem 614062 0103616e6e",
      "akey 414b 0103616e6e01730101ac020164",
      "ukey 616e6e00414b 01",
    ]
  `);
});

test("an entry of version 1 is read, without a period of the trash", () => {
  const stored = Buffer.from("010208ac020102a40303612f6201016b01760180800400", "hex");
  expect(entryCodec.decode(stored)).toMatchObject({
    kind: "directory",
    policy: { chunkSizeBytes: 65_536, replicationFactor: undefined, trashMs: undefined },
  });
});

test("a content of version 1 is read, and is no composite", () => {
  const stored = Buffer.from("0101050200000001026869", "hex");
  expect(contentCodec.decode(stored)).toMatchObject({ owners: 1, sizeBytes: 2, ...NO_PARTS });
});

test("an entry of version 2 is read: no object, no version, not implied", () => {
  const file = Buffer.from("020106ac020102a40303612f6201016b017607f0a204028080040300", "hex");
  expect(entryCodec.decode(file)).toMatchObject({ kind: "file", sizeBytes: 70_000, ...PLAIN_FILE });
  const directory = Buffer.from("020208ac020102a40303612f6201016b017601808004000100", "hex");
  expect(entryCodec.decode(directory)).toMatchObject({ kind: "directory", isImplied: false });
});

test("an item of the trash and a session of version 1 are read", () => {
  const item = Buffer.from(
    "01022f66e807d00f0208ac020102a40303612f6201016b01760000000101020309",
    "hex",
  );
  expect(trash.decode(item)).toMatchObject({ path: "/f", entry: { isImplied: false } });
  const session = Buffer.from("01070500022f66e807808004030100018003000000020900", "hex");
  expect(sessions.decode(session)).toMatchObject({ path: "/f", target: { kind: "file" } });
});

test("a long path is cut between characters where it is a key", () => {
  expect(trashPathKey("/short")).toBe("/short");
  expect(trashPathKey(`/${"a".repeat(2000)}`)).toBe(`/${"a".repeat(1023)}`);
  expect(trashPathKey(`/${"é".repeat(2000)}`)).toBe(`/${"é".repeat(511)}`);
});
