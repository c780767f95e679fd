import type { FileEntry } from "@cairnfs/client/entry";
import { expect, test } from "vitest";
import { statRows } from "./stat-rows.ts";

const FILE: FileEntry = {
  kind: "file",
  path: "/photos/a.jpg",
  name: "a.jpg",
  inodeId: 7,
  sizeBytes: 3,
  createdMs: 0,
  modifiedMs: 0,
  mode: 0o644,
  contentType: "",
  userMetadata: {},
  sha256: undefined,
  chunkSizeBytes: 0,
  replicationFactor: 3,
  chunkCount: 0,
  policy: undefined,
  version: 7,
  contentId: 7,
  object: undefined,
  versionId: undefined,
};
const OBJECT = {
  md5: new Uint8Array(),
  partCount: 0,
  headers: {},
  checksums: [],
  tags: {},
  acl: new Uint8Array(),
  encryption: new Uint8Array(),
  owner: "",
  retentionMode: 0,
  retainUntilMs: 0,
  hasLegalHold: false,
};

function rowsOf(object: Partial<typeof OBJECT>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(statRows({ ...FILE, object: { ...OBJECT, ...object } }));
}

test("an object of which nothing was said has the rows of any file", () => {
  expect(statRows({ ...FILE, object: OBJECT })).toEqual(statRows(FILE));
});

test("what S3 clients said of an object is shown", () => {
  expect(rowsOf({ md5: new Uint8Array(16).fill(0xab) })).toMatchObject({ etag: "ab".repeat(16) });
  expect(
    rowsOf({
      md5: new Uint8Array(16),
      partCount: 4,
      encryption: new Uint8Array(1),
      tags: { team: "blue" },
      retentionMode: 2,
      retainUntilMs: Date.UTC(2030, 5, 15),
      hasLegalHold: true,
    }),
  ).toMatchObject({
    etag: `${"00".repeat(16)}-4`,
    encrypted: expect.stringContaining("S3 alone"),
    "tag team": "blue",
    locked: expect.stringMatching(/^compliance, until 2030-06-1/u),
    held: expect.stringContaining("legal hold"),
  });
  const versioned = statRows({ ...FILE, versionId: "000000000000082d" });
  expect(versioned).toContainEqual(["version id", "000000000000082d"]);
});
