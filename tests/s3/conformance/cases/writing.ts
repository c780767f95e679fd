import { area, ask, atOnce, fails, put, type Row, row, type Step, see } from "../support/case.ts";
import { md5 } from "../support/checksums.ts";
import { deleteObjects, finish, part, start } from "../support/documents.ts";

const CONDITIONAL = "User guide: How to prevent object overwrites with conditional writes";
const ETAG = `"${md5("bar")}"`;

/** A write of "bar" under conditions, in one piece and as an upload. */
const WRITES: readonly (readonly [
  how: string,
  write: (headers: Record<string, string>, status: number, code?: string) => Step[],
])[] = [
  [
    "A put",
    (headers, status, code) => [
      ask(
        "PUT {vb}/foo",
        { body: "bar", headers },
        { status, ...(code === undefined ? { save: { last: "header etag" } } : { code }) },
      ),
    ],
  ],
  [
    "The completion of an upload",
    (headers, status, code) => [
      start("{vb}/foo"),
      part("{vb}/foo", 1, "bar"),
      finish("{vb}/foo", [1], headers, {
        status,
        ...(code === undefined ? { save: { last: "xml ETag" } } : { code }),
      }),
    ],
  ],
];

const conditional: readonly Row[] = WRITES.flatMap(([how, write]) => [
  row(
    `${how} with If-None-Match * succeeds only where nothing is`,
    CONDITIONAL,
    ...write({ "if-none-match": "*" }, 200),
    ...write({ "if-none-match": "*" }, 412, "PreconditionFailed"),
    ask("DELETE {vb}/foo"),
    ...write({ "if-none-match": "*" }, 200),
  ),
  row(
    `${how} with If-None-Match of an ETag succeeds unless the object has it`,
    CONDITIONAL,
    ...write({ "if-none-match": "badetag" }, 200),
    ...write({ "if-none-match": "{last}" }, 412, "PreconditionFailed"),
    ...write({ "if-none-match": "badetag" }, 200),
  ),
  row(
    `${how} with If-Match succeeds only on the object of that ETag`,
    CONDITIONAL,
    ...write({ "if-match": "badetag" }, 404, "NoSuchKey"),
    ...write({ "if-match": "*" }, 404, "NoSuchKey"),
    ...write({}, 200),
    ...write({ "if-match": "{last}" }, 200),
    ...write({ "if-match": "*" }, 200),
    ...write({ "if-match": "badetag" }, 412, "PreconditionFailed"),
    ask("DELETE {vb}/foo"),
    ...write({ "if-match": "{last}" }, 404, "NoSuchKey"),
  ),
]);

const removals: readonly Row[] = [
  row(
    "A removal with If-Match takes only the object of that ETag",
    "DeleteObject: If-Match",
    put("{b}/foo", "bar"),
    fails("DELETE {b}/foo", 412, "PreconditionFailed", { headers: { "if-match": "badetag" } }),
    ask("DELETE {b}/foo", { headers: { "if-match": ETAG } }),
    fails("GET {b}/foo", 404, "NoSuchKey"),
    put("{b}/foo", "bar"),
    ask("DELETE {b}/foo", { headers: { "if-match": "*" } }),
  ),
  row(
    "A conditional removal of nothing succeeds",
    "DeleteObject: If-Match",
    ask("DELETE {b}/foo", { headers: { "if-match": "*" } }),
    ask("DELETE {b}/foo", { headers: { "if-match": "badetag" } }),
    ask("DELETE {vb}/foo", { headers: { "if-match": "badetag" } }),
  ),
  row(
    "In a versioned bucket the condition is on the current version",
    "DeleteObject: If-Match",
    put("{vb}/foo", "old"),
    put("{vb}/foo", "bar"),
    fails("DELETE {vb}/foo", 412, "PreconditionFailed", {
      headers: { "if-match": `"${md5("old")}"` },
    }),
    ask(
      "DELETE {vb}/foo",
      { headers: { "if-match": ETAG } },
      {
        status: 204,
        headers: { "x-amz-delete-marker": "true" },
      },
    ),
    fails("DELETE {vb}/foo", 412, "PreconditionFailed", { headers: { "if-match": "badetag" } }),
    ask("DELETE {vb}/foo", { headers: { "if-match": "*" } }),
  ),
  row(
    "With a version id the condition is on that version",
    "DeleteObject: If-Match",
    ask("PUT {vb}/foo", { body: "bar" }, { save: { v: "header x-amz-version-id" } }),
    put("{vb}/foo", "new"),
    fails("DELETE {vb}/foo?versionId={v}", 412, "PreconditionFailed", {
      headers: { "if-match": "badetag" },
    }),
    ask("DELETE {vb}/foo?versionId={v}", { headers: { "if-match": ETAG } }),
    ask("DELETE {vb}/foo?versionId={v}", { headers: { "if-match": "badetag" } }),
  ),
  row(
    "Size and time are conditions of a removal too",
    "DeleteObject: x-amz-if-match-size, x-amz-if-match-last-modified-time",
    put("{b}/foo", "bar"),
    see("HEAD {b}/foo", { status: 200, save: { modified: "header last-modified" } }),
    fails("DELETE {b}/foo", 412, "PreconditionFailed", {
      headers: { "x-amz-if-match-size": "9999" },
    }),
    fails("DELETE {b}/foo", 412, "PreconditionFailed", {
      headers: { "x-amz-if-match-last-modified-time": "Thu, 01 Jan 2015 00:00:00 GMT" },
    }),
    ask("DELETE {b}/foo", {
      headers: {
        "x-amz-if-match-size": "3",
        "x-amz-if-match-last-modified-time": "{modified}",
      },
    }),
    ask("DELETE {b}/foo", { headers: { "x-amz-if-match-size": "9999" } }),
  ),
];

const races: readonly Row[] = [
  row(
    "Of many that write where nothing is, exactly one wins",
    CONDITIONAL,
    atOnce(
      [200, ...Array.from({ length: 5 }, () => [409, 412])],
      ...Array.from({ length: 6 }, (_, at) =>
        ask("PUT {b}/foo", { body: `writer ${at}`, headers: { "if-none-match": "*" } }),
      ),
    ),
  ),
  row(
    "Writers of one key without conditions all succeed, and one of them is read",
    "User guide: Amazon S3 data consistency model",
    atOnce(
      [200, 200, 200, 200, 200, 200],
      ...Array.from({ length: 6 }, () => ask("PUT {b}/foo", { body: "writer" })),
    ),
    see("GET {b}/foo", { body: "writer" }),
  ),
  row(
    "Versions written at once are all kept",
    "User guide: Using versioning in S3 buckets",
    atOnce(
      [200, 200, 200, 200, 200],
      ...Array.from({ length: 5 }, (_, at) => ask("PUT {vb}/foo", { body: `${at}` })),
    ),
    see("GET {vb}?versions", { xml: { Version: 5, DeleteMarker: 0 } }),
  ),
  row(
    "ACLs of a bucket may be set by many at once",
    "PutBucketAcl",
    atOnce(
      Array.from({ length: 20 }, () => 200),
      ...Array.from({ length: 20 }, () =>
        ask("PUT {aw}?acl", { headers: { "x-amz-acl": "public-read" } }),
      ),
    ),
  ),
];

const multiDelete: readonly Row[] = [
  row(
    "Many objects are removed at once, and again",
    "DeleteObjects",
    put("{b}/key0", "x"),
    put("{b}/key1", "x"),
    put("{b}/key2", "x"),
    ...[1, 2].flatMap(() => [
      removeAll("{b}", [{ Key: "key0" }, { Key: "key1" }, { Key: "key2" }], {
        "Deleted/Key": ["key0", "key1", "key2"],
        Error: 0,
      }),
      see("GET {b}", { xml: { Contents: 0 } }),
    ]),
  ),
  row(
    "Quietly, only what failed is told",
    "DeleteObjects: Quiet",
    put("{b}/key0", "x"),
    ask(
      "POST {b}?delete",
      { body: deleteObjects([{ Key: "key0" }, { Key: "gone" }], true), md5: true },
      { xml: { Deleted: 0, Error: 0 } },
    ),
    see("GET {b}", { xml: { Contents: 0 } }),
  ),
  row(
    "Keys may hold what XML must escape",
    "DeleteObjects",
    put("{b}/a%26b%3C%3E%22'%20%2B", "x"),
    removeAll("{b}", [{ Key: "a&amp;b&lt;&gt;&quot;' +" }], { "Deleted/Key": "a&b<>\"' +" }),
    see("GET {b}", { xml: { Contents: 0 } }),
  ),
  row(
    "More than a thousand at once are refused",
    "DeleteObjects: at most 1,000 keys",
    fails("POST {b}?delete", 400, "MalformedXML", {
      body: deleteObjects(Array.from({ length: 1001 }, (_, at) => ({ Key: `key-${at}` }))),
      md5: true,
    }),
  ),
  row(
    "None at all, or what is no list, is malformed",
    "Error responses: MalformedXML",
    ...[deleteObjects([]), "<Delete>", "garbage", "", "<Remove/>"].map((body) =>
      fails("POST {b}?delete", 400, ["MalformedXML", "MissingRequestBodyError"], {
        body,
        md5: true,
      }),
    ),
  ),
  row(
    "Without a digest of the body it is refused",
    "DeleteObjects: Content-MD5",
    fails("POST {b}?delete", 400, ["InvalidRequest", "MissingContentMD5"], {
      body: deleteObjects([{ Key: "a" }]),
      signing: { payload: "unsigned" },
    }),
  ),
  row(
    "Versions are removed by their ids, and markers are made and told",
    "DeleteObjects: DeleteMarkerVersionId",
    ask("PUT {vb}/key", { body: "1" }, { save: { v1: "header x-amz-version-id" } }),
    ask("PUT {vb}/key", { body: "2" }, { save: { v2: "header x-amz-version-id" } }),
    ask(
      "POST {vb}?delete",
      { body: deleteObjects([{ Key: "key" }]), md5: true },
      {
        xml: { "Deleted/Key": "key", "Deleted/DeleteMarker": "true" },
        save: { marker: "xml Deleted/DeleteMarkerVersionId" },
      },
    ),
    see("GET {vb}?versions", { xml: { Version: 2, "DeleteMarker/VersionId": "{marker}" } }),
    ...[1, 2].flatMap(() => [
      removeAll(
        "{vb}",
        ["{v1}", "{v2}", "{marker}"].map((id) => ({ Key: "key", VersionId: id })),
        { Deleted: 3, Error: 0 },
      ),
      see("GET {vb}?versions", { xml: { Version: 0, DeleteMarker: 0 } }),
    ]),
  ),
  row(
    "The same versions may be removed by several at once",
    "DeleteObjects",
    ask("PUT {vb}/key", { body: "1" }, { save: { v1: "header x-amz-version-id" } }),
    ask("PUT {vb}/key", { body: "2" }, { save: { v2: "header x-amz-version-id" } }),
    atOnce(
      [200, 200, 200],
      ...[1, 2, 3].map(() =>
        ask("POST {vb}?delete", {
          body: deleteObjects(["{v1}", "{v2}"].map((id) => ({ Key: "key", VersionId: id }))),
          md5: true,
        }),
      ),
    ),
    see("GET {vb}?versions", { xml: { Version: 0, DeleteMarker: 0 } }),
  ),
  row(
    "Each object may have its condition",
    "DeleteObjects: ETag, LastModifiedTime, Size",
    put("{b}/key", "bar"),
    removeAll("{b}", [{ Key: "key", ETag: "badetag" }], { "Error/Code": "PreconditionFailed" }),
    removeAll("{b}", [{ Key: "key", Size: "9999" }], { "Error/Code": "PreconditionFailed" }),
    removeAll("{b}", [{ Key: "key", LastModifiedTime: "Thu, 01 Jan 2015 00:00:00 GMT" }], {
      "Error/Code": "PreconditionFailed",
    }),
    removeAll("{b}", [{ Key: "key", ETag: ETAG, Size: "3" }], { "Deleted/Key": "key", Error: 0 }),
    removeAll("{b}", [{ Key: "key", ETag: "badetag" }], { Error: 0 }),
  ),
  row(
    "Where the caller may not remove, each object is an error",
    "DeleteObjects: Error",
    put("{b}/key", "x"),
    ask(
      "POST {b}?delete",
      { as: "alt", body: deleteObjects([{ Key: "key" }]), md5: true },
      { status: [200, 403] },
    ),
    see("GET {b}/key", { body: "x" }),
    ask(
      "POST {b}?delete",
      { as: "anonymous", body: deleteObjects([{ Key: "key" }]), md5: true },
      { status: [200, 403] },
    ),
    see("GET {b}/key", { body: "x" }),
  ),
];

function removeAll(
  bucket: string,
  objects: readonly Readonly<Record<string, string>>[],
  xml: Readonly<Record<string, readonly string[] | string | number>>,
): Step {
  return ask(`POST ${bucket}?delete`, { body: deleteObjects(objects), md5: true }, { xml });
}

export const writing = area("conditional writes, races and multi-delete", [
  ...conditional,
  ...removals,
  ...races,
  ...multiDelete,
]);
