import { area, ask, denied, fails, put, type Row, row, see } from "../support/case.ts";
import { bytes, md5 } from "../support/checksums.ts";
import { accessControlPolicy, complete, start } from "../support/documents.ts";

const COPY = "CopyObject";
const PART_COPY = "UploadPartCopy";
const ETAG = `"${md5("foo")}"`;
const BIG = bytes(6 * 1024 * 1024, 21);
const HALF = 5 * 1024 * 1024;

/** A copy, from "bucket/key". */
function copy(from: string, to: string, headers: Record<string, string> = {}) {
  return ask(
    `PUT ${to}`,
    { headers: { "x-amz-copy-source": from, ...headers } },
    { xml: { ETag: 1, LastModified: 1 } },
  );
}

const copies: readonly Row[] = [
  row(
    "A copy has the bytes, in the same bucket, another, and of nothing",
    COPY,
    put("{b}/foo123bar", "foo"),
    put("{b}/empty", ""),
    copy("{b}/foo123bar", "{b}/bar321foo"),
    copy("/{b}/foo123bar", "{b2}/bar321foo"),
    copy("{b}/empty", "{b2}/empty"),
    see("GET {b}/bar321foo", { body: "foo", headers: { etag: ETAG } }),
    see("GET {b2}/bar321foo", { body: "foo" }),
    see("HEAD {b2}/empty", { headers: { "content-length": "0" } }),
  ),
  row(
    "A large object is copied",
    COPY,
    ask("PUT {b}/big", { body: BIG }),
    copy("{b}/big", "{b}/copy"),
    see("GET {b}/copy", { body: BIG, headers: { etag: `"${md5(BIG)}"` } }),
  ),
  row(
    "A copy takes what is said of the source",
    `${COPY}: x-amz-metadata-directive COPY`,
    put("{b}/src", "foo", {
      "content-type": "audio/ogg",
      "cache-control": "no-cache",
      "x-amz-meta-key1": "value1",
    }),
    copy("{b}/src", "{b}/dst", { "x-amz-meta-key1": "ignored", "content-type": "ignored/too" }),
    see("HEAD {b}/dst", {
      headers: {
        "content-type": "audio/ogg",
        "cache-control": "no-cache",
        "x-amz-meta-key1": "value1",
      },
    }),
  ),
  row(
    "Or what is said in its place",
    `${COPY}: x-amz-metadata-directive REPLACE`,
    put("{b}/src", "foo", { "content-type": "audio/ogg", "x-amz-meta-key1": "value1" }),
    copy("{b}/src", "{b}/dst", {
      "x-amz-metadata-directive": "REPLACE",
      "content-type": "audio/mpeg",
      "x-amz-meta-key3": "value3",
    }),
    see("HEAD {b}/dst", {
      headers: {
        "content-type": "audio/mpeg",
        "x-amz-meta-key1": null,
        "x-amz-meta-key3": "value3",
      },
    }),
    fails("PUT {b}/dst", 400, "InvalidArgument", {
      headers: { "x-amz-copy-source": "{b}/src", "x-amz-metadata-directive": "MOVE" },
    }),
  ),
  row(
    "Onto itself a copy must change something",
    `${COPY}: InvalidRequest`,
    put("{b}/src", "foo"),
    fails("PUT {b}/src", 400, "InvalidRequest", { headers: { "x-amz-copy-source": "{b}/src" } }),
    copy("{b}/src", "{b}/src", {
      "x-amz-metadata-directive": "REPLACE",
      "x-amz-meta-foo": "bar",
    }),
    see("GET {b}/src", { body: "foo", headers: { "x-amz-meta-foo": "bar" } }),
  ),
  row(
    "Tags are copied, or replaced",
    `${COPY}: x-amz-tagging-directive`,
    put("{b}/src", "foo", { "x-amz-tagging": "a=1" }),
    copy("{b}/src", "{b}/dst"),
    see("GET {b}/dst?tagging", { xml: { "TagSet/Tag/Value": "1" } }),
    copy("{b}/src", "{b}/dst", { "x-amz-tagging-directive": "REPLACE", "x-amz-tagging": "b=2" }),
    see("GET {b}/dst?tagging", { xml: { "TagSet/Tag/Key": "b", "TagSet/Tag/Value": "2" } }),
  ),
  row(
    "The copy's ACL is its own",
    `${COPY}: x-amz-acl`,
    put("{aw}/src", "foo", { "x-amz-acl": "public-read" }),
    copy("{aw}/src", "{aw}/private"),
    denied("GET {aw}/private", { as: "anonymous" }),
    copy("{aw}/private", "{aw}/public", { "x-amz-acl": "public-read" }),
    ask("GET {aw}/public", { as: "anonymous" }, { body: "foo" }),
  ),
  row(
    "A source that is not there is named as such",
    COPY,
    fails("PUT {b}/dst", 404, "NoSuchKey", { headers: { "x-amz-copy-source": "{b}/gone" } }),
    fails("PUT {b}/dst", 404, "NoSuchBucket", { headers: { "x-amz-copy-source": "{nob}/gone" } }),
    fails("PUT {b}/dst", 400, "InvalidArgument", { headers: { "x-amz-copy-source": "nothing" } }),
  ),
  row(
    "Who may not read the source copies nothing",
    COPY,
    put("{b}/src", "foo"),
    denied("PUT {ab}/dst", { as: "alt", headers: { "x-amz-copy-source": "{b}/src" } }),
    ask("PUT {b}/src?acl", { body: accessControlPolicy([{ id: "{alt}", permission: "READ" }]) }),
    ask("PUT {ab}/dst", { as: "alt", headers: { "x-amz-copy-source": "{b}/src" } }),
    denied("PUT {b}/dst", { as: "alt", headers: { "x-amz-copy-source": "{b}/src" } }),
  ),
  row(
    "The source may be encoded as a URL",
    `${COPY}: x-amz-copy-source`,
    put("{b}/a%20b%2Bc%3Fd%25", "foo"),
    copy("{b}/a%20b%2Bc%3Fd%25", "{b}/dst"),
    see("GET {b}/dst", { body: "foo" }),
    put("{b}/per%2525cent", "bar"),
    copy("{b}/per%2525cent", "{b}/dst"),
    see("GET {b}/dst", { body: "bar" }),
    fails("PUT {b}/dst", 404, "NoSuchKey", { headers: { "x-amz-copy-source": "{b}/per%25cent" } }),
  ),
  row(
    "A version is copied by its id, and a marker is not",
    `${COPY}: versionId`,
    ask("PUT {vb}/src", { body: "old" }, { save: { v: "header x-amz-version-id" } }),
    put("{vb}/src", "new"),
    ask(
      "PUT {b}/dst",
      { headers: { "x-amz-copy-source": "{vb}/src?versionId={v}" } },
      {
        headers: { "x-amz-copy-source-version-id": "{v}" },
      },
    ),
    see("GET {b}/dst", { body: "old" }),
    ask(
      "PUT {vb}/dst",
      { headers: { "x-amz-copy-source": "{vb}/src" } },
      {
        headers: { "x-amz-version-id": /./u },
      },
    ),
    see("GET {vb}/dst", { body: "new" }),
    ask("DELETE {vb}/src"),
    fails("PUT {b}/dst", 404, "NoSuchKey", { headers: { "x-amz-copy-source": "{vb}/src" } }),
  ),
  ...(
    [
      [{ "x-amz-copy-source-if-match": ETAG }, 200],
      [{ "x-amz-copy-source-if-match": "ABCORZ" }, 412],
      [{ "x-amz-copy-source-if-none-match": ETAG }, 412],
      [{ "x-amz-copy-source-if-none-match": "ABCORZ" }, 200],
      [{ "x-amz-copy-source-if-modified-since": "Sat, 29 Oct 1994 19:43:31 GMT" }, 200],
      [{ "x-amz-copy-source-if-unmodified-since": "Sat, 29 Oct 1994 19:43:31 GMT" }, 412],
      [
        {
          "x-amz-copy-source-if-match": ETAG,
          "x-amz-copy-source-if-unmodified-since": "Sat, 29 Oct 1994 19:43:31 GMT",
        },
        200,
      ],
    ] as const
  ).map(([headers, status]) =>
    row(
      `A copy with ${Object.keys(headers).join(" and ")} ${Object.values(headers)[0]} is answered ${status}`,
      `${COPY}: conditional copies`,
      put("{b}/src", "foo"),
      ask(
        "PUT {b}/dst",
        { headers: { "x-amz-copy-source": "{b}/src", ...headers } },
        status === 412 ? { status, code: "PreconditionFailed" } : { status },
      ),
      fails("GET {b}/dst", status === 412 ? 404 : 200, undefined),
    ),
  ),
  row(
    "A copy may be conditional on what it replaces",
    `${COPY}: If-Match, If-None-Match`,
    put("{b}/src", "foo"),
    copy("{b}/src", "{b}/dst", { "if-none-match": "*" }),
    fails("PUT {b}/dst", 412, "PreconditionFailed", {
      headers: { "x-amz-copy-source": "{b}/src", "if-none-match": "*" },
    }),
    copy("{b}/src", "{b}/dst", { "if-match": ETAG }),
  ),
];

const partCopies: readonly Row[] = [
  row(
    "Parts are copied from an object, by ranges",
    PART_COPY,
    ask("PUT {b}/src", { body: BIG }),
    start("{b2}/dst"),
    copyPart("{b2}/dst", 1, "{b}/src", `bytes=0-${HALF - 1}`),
    copyPart("{b2}/dst", 2, "{b}/src", `bytes=${HALF}-${BIG.length - 1}`),
    ask("POST {b2}/dst?uploadId={upload}", {
      body: complete({ number: 1, etag: "{copied1}" }, { number: 2, etag: "{copied2}" }),
    }),
    see("GET {b2}/dst", { body: BIG }),
  ),
  row(
    "Without a range the whole object is the part",
    PART_COPY,
    put("{b}/src", "0123456789"),
    start("{b2}/dst"),
    copyPart("{b2}/dst", 1, "{b}/src"),
    ask("POST {b2}/dst?uploadId={upload}", { body: complete({ number: 1, etag: "{copied1}" }) }),
    see("GET {b2}/dst", { body: "0123456789" }),
  ),
  row(
    "Part of a part, of a version, and of a key that is strange",
    PART_COPY,
    ask("PUT {vb}/%3FversionId", { body: "old" }, { save: { v: "header x-amz-version-id" } }),
    put("{vb}/%3FversionId", "new"),
    start("{b}/dst"),
    copyPart("{b}/dst", 1, "{vb}/%3FversionId?versionId={v}", "bytes=0-1"),
    ask("POST {b}/dst?uploadId={upload}", { body: complete({ number: 1, etag: "{copied1}" }) }),
    see("GET {b}/dst", { body: "ol" }),
  ),
  row(
    "A range beyond the source cannot be copied",
    `${PART_COPY}: InvalidRange`,
    put("{b}/src", "01234"),
    start("{b}/dst"),
    fails(
      "PUT {b}/dst?partNumber=1&uploadId={upload}",
      [400, 416],
      ["InvalidRange", "InvalidArgument"],
      {
        headers: { "x-amz-copy-source": "{b}/src", "x-amz-copy-source-range": "bytes=0-21" },
      },
    ),
  ),
  ...["0-2", "bytes=0", "bytes=hello-world", "bytes=0-bar", "bytes=hello-", "bytes=0-2,3-5"].map(
    (range) =>
      row(
        `The copy source range ${range} is none`,
        `${PART_COPY}: x-amz-copy-source-range`,
        put("{b}/src", "01234"),
        start("{b}/dst"),
        fails("PUT {b}/dst?partNumber=1&uploadId={upload}", 400, "InvalidArgument", {
          headers: { "x-amz-copy-source": "{b}/src", "x-amz-copy-source-range": range },
        }),
      ),
  ),
  row(
    "Parts of objects that one may not read are not copied",
    PART_COPY,
    put("{b}/src", "01234"),
    ask("POST {ab}/dst?uploads", { as: "alt" }, { save: { upload: "xml UploadId" } }),
    denied("PUT {ab}/dst?partNumber=1&uploadId={upload}", {
      as: "alt",
      headers: { "x-amz-copy-source": "{b}/src" },
    }),
    fails("PUT {ab}/dst?partNumber=1&uploadId={upload}", 404, "NoSuchKey", {
      as: "alt",
      headers: { "x-amz-copy-source": "{ab}/gone" },
    }),
  ),
];

function copyPart(to: string, number: number, from: string, range?: string) {
  return ask(
    `PUT ${to}?partNumber=${number}&uploadId={upload}`,
    {
      headers: {
        "x-amz-copy-source": from,
        ...(range === undefined ? {} : { "x-amz-copy-source-range": range }),
      },
    },
    { status: 200, save: { [`copied${number}`]: "xml ETag" } },
  );
}

const renaming: readonly Row[] = [
  row(
    "An object is renamed in one step",
    "RenameObject",
    put("{b}/old", "foo", { "x-amz-meta-a": "1" }),
    ask("PUT {b}/new?renameObject", { headers: { "x-amz-rename-source": "/{b}/old" } }),
    fails("GET {b}/old", 404, "NoSuchKey"),
    see("GET {b}/new", { body: "foo", headers: { "x-amz-meta-a": "1", etag: ETAG } }),
    fails("PUT {b}/new?renameObject", 404, "NoSuchKey", {
      headers: { "x-amz-rename-source": "/{b}/gone" },
    }),
  ),
  row(
    "A rename keeps conditions on both sides",
    "RenameObject: If-None-Match, x-amz-rename-source-if-match",
    put("{b}/old", "foo"),
    put("{b}/new", "bar"),
    fails("PUT {b}/new?renameObject", 412, "PreconditionFailed", {
      headers: { "x-amz-rename-source": "/{b}/old", "if-none-match": "*" },
    }),
    fails("PUT {b}/new?renameObject", 412, "PreconditionFailed", {
      headers: { "x-amz-rename-source": "/{b}/old", "x-amz-rename-source-if-match": "bad" },
    }),
    ask("PUT {b}/new?renameObject", {
      headers: { "x-amz-rename-source": "/{b}/old", "x-amz-rename-source-if-match": ETAG },
    }),
  ),
  row(
    "Bytes are appended where the object ends",
    "PutObject: x-amz-write-offset-bytes",
    put("{b}/log", "abc"),
    put("{b}/log", "def", { "x-amz-write-offset-bytes": "3" }),
    see("GET {b}/log", { body: "abcdef" }),
    fails("PUT {b}/log", 400, "InvalidWriteOffset", {
      body: "x",
      headers: { "x-amz-write-offset-bytes": "3" },
    }),
    put("{b}/fresh", "x", { "x-amz-write-offset-bytes": "0" }),
    see("GET {b}/fresh", { body: "x" }),
  ),
];

export const copying = area("copies and renames", [...copies, ...partCopies, ...renaming]);
