import { area, ask, denied, fails, put, type Row, row, see, socket } from "../support/case.ts";
import { bytes, md5 } from "../support/checksums.ts";

const MEBI = bytes(1024 * 1024 + 17, 5);
const LARGE = bytes(9 * 1024 * 1024 + 3, 6);

const storing: readonly Row[] = [
  row(
    "An object is written, read, replaced and removed",
    "PutObject, GetObject, DeleteObject",
    put("{b}/foo", "bar"),
    see("GET {b}/foo", { body: "bar" }),
    put("{b}/foo", "soup"),
    see("GET {b}/foo", { body: "soup", headers: { "content-length": "4" } }),
    ask("DELETE {b}/foo"),
    fails("GET {b}/foo", 404, "NoSuchKey"),
  ),
  row(
    "The ETag of an object is its MD5, in quotes",
    "PutObject: ETag",
    ask("PUT {b}/foo", { body: "bar" }, { headers: { etag: `"${md5("bar")}"` } }),
    see("GET {b}/foo", { headers: { etag: `"${md5("bar")}"` } }),
    see("HEAD {b}/foo", { headers: { etag: `"${md5("bar")}"` } }),
  ),
  row(
    "An empty object is an object",
    "PutObject",
    ask("PUT {b}/foo", {}, { headers: { etag: '"d41d8cd98f00b204e9800998ecf8427e"' } }),
    see("HEAD {b}/foo", { headers: { "content-length": "0" }, body: "" }),
    see("GET {b}/foo", { headers: { "content-length": "0" }, body: "" }),
  ),
  ...(
    [
      ["more than a mebibyte", MEBI],
      ["several chunks", LARGE],
    ] as const
  ).map(([size, body]) =>
    row(
      `An object of ${size} comes back byte for byte`,
      "PutObject",
      ask("PUT {b}/big", { body }, { headers: { etag: `"${md5(body)}"` } }),
      see("GET {b}/big", { body, headers: { "content-length": String(body.length) } }),
    ),
  ),
  row(
    "A key that is not there is NoSuchKey and the error names it",
    "Error responses: NoSuchKey",
    see("GET {b}/bar", { status: 404, xml: { Code: "NoSuchKey", Key: "bar" } }),
    fails("HEAD {b}/bar", 404),
    ask("DELETE {b}/bar"),
  ),
  row(
    "Every answer carries a request id, and an error tells the same",
    "Error responses: RequestId",
    see("GET {b}/bar", {
      status: 404,
      headers: { "content-type": /^application\/xml/u },
      xml: { RequestId: 1, HostId: 1 },
      save: { id: "xml RequestId" },
    }),
    see("GET {b}", { headers: { "x-amz-request-id": /./u, "x-amz-id-2": /./u } }),
  ),
  row(
    "LastModified is a date of HTTP, and the same in listings",
    "GetObject: Last-Modified",
    put("{b}/foo", "bar"),
    see("HEAD {b}/foo", {
      headers: {
        "last-modified": /^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/u,
        "accept-ranges": "bytes",
      },
    }),
  ),
  row(
    "What the writer says of the content comes back",
    "PutObject: Cache-Control, Content-Disposition, Content-Encoding, Content-Language, Content-Type, Expires",
    put("{b}/foo", "bar", {
      "cache-control": "public, max-age=14400",
      "content-disposition": "attachment; filename=a.txt",
      "content-encoding": "gzip",
      "content-language": "mi",
      "content-type": "text/x-bla",
      expires: "Tue, 07 Jul 2099 21:53:04 GMT",
    }),
    ...["HEAD", "GET"].map((method) =>
      see(`${method} {b}/foo`, {
        headers: {
          "cache-control": "public, max-age=14400",
          "content-disposition": "attachment; filename=a.txt",
          "content-encoding": "gzip",
          "content-language": "mi",
          "content-type": "text/x-bla",
          expires: "Tue, 07 Jul 2099 21:53:04 GMT",
        },
      }),
    ),
  ),
  row(
    "Content is binary/octet-stream unless the writer says otherwise",
    "PutObject: Content-Type",
    put("{b}/foo", "bar"),
    see("HEAD {b}/foo", { headers: { "content-type": "binary/octet-stream" } }),
    put("{b}/empty", "bar", { "content-type": "" }),
    see("HEAD {b}/empty", { status: 200 }),
  ),
  ...(
    [
      ["gzip", "gzip"],
      ["deflate, gzip", "deflate, gzip"],
      ["gzip, aws-chunked", "gzip"],
      ["aws-chunked, gzip", "gzip"],
      ["aws-chunked", null],
      ["aws-chunked, aws-chunked", null],
    ] as const
  ).map(([sent, kept]) =>
    row(
      `Of Content-Encoding "${sent}" ${kept ?? "nothing"} is kept`,
      "SigV4 streaming: aws-chunked is not stored",
      put("{b}/foo", "", { "content-encoding": sent }),
      see("HEAD {b}/foo", { headers: { "content-encoding": kept } }),
    ),
  ),
  row(
    "response-* parameters replace headers of the answer",
    "GetObject: response-content-type and others",
    put("{b}/foo", "bar"),
    ask(
      "GET {b}/foo?response-cache-control=no-cache&response-content-disposition=bla&response-content-encoding=aaa&response-content-language=esperanto&response-content-type=foo%2Fbar&response-expires=123",
      {},
      {
        headers: {
          "cache-control": "no-cache",
          "content-disposition": "bla",
          "content-encoding": "aaa",
          "content-language": "esperanto",
          "content-type": "foo/bar",
          expires: "123",
        },
      },
    ),
  ),
  row(
    "Anonymous requests may not replace headers of the answer",
    "GetObject: response parameters need a signed request",
    put("{pr}/foo", "bar", { "x-amz-acl": "public-read" }),
    fails("GET {pr}/foo?response-content-type=text%2Fplain", 400, "InvalidRequest", {
      as: "anonymous",
    }),
  ),
  row(
    "An unknown x-amz header does no harm",
    "PutObject",
    put("{b}/foo", "bar", { "x-amz-foo": "bar" }),
    see("GET {b}/foo", { body: "bar" }),
  ),
  row(
    "A website's redirect of an object is kept",
    "PutObject: x-amz-website-redirect-location",
    put("{b}/foo", "bar", { "x-amz-website-redirect-location": "/elsewhere" }),
    see("HEAD {b}/foo", { headers: { "x-amz-website-redirect-location": "/elsewhere" } }),
  ),
  row(
    "An object is of the class STANDARD, which is not said; an unknown class is refused",
    "PutObject: x-amz-storage-class",
    put("{b}/foo", "bar", { "x-amz-storage-class": "STANDARD" }),
    see("HEAD {b}/foo", { headers: { "x-amz-storage-class": null } }),
    fails("PUT {b}/foo", 400, "InvalidStorageClass", {
      headers: { "x-amz-storage-class": "COSY" },
    }),
  ),
];

const metadata: readonly Row[] = [
  row(
    "User metadata comes back under its name in lower case",
    "User guide: User-defined object metadata",
    put("{b}/foo", "bar", { "X-Amz-Meta-Meta1": "mymeta", "x-amz-meta-two": "2" }),
    ...["GET", "HEAD"].map((method) =>
      see(`${method} {b}/foo`, {
        headers: { "x-amz-meta-meta1": "mymeta", "x-amz-meta-two": "2" },
      }),
    ),
  ),
  row(
    "Metadata may be empty",
    "User guide: User-defined object metadata",
    put("{b}/foo", "bar", { "x-amz-meta-meta1": "" }),
    see("GET {b}/foo", { headers: { "x-amz-meta-meta1": "" } }),
  ),
  row(
    "Metadata of the object before is gone with it",
    "PutObject",
    put("{b}/foo", "bar", { "x-amz-meta-meta1": "old" }),
    put("{b}/foo", "bar"),
    see("GET {b}/foo", { headers: { "x-amz-meta-meta1": null } }),
  ),
  row(
    "Metadata beyond ASCII comes back as it was sent",
    "User guide: User-defined object metadata",
    put("{b}/foo", "bar", { "x-amz-meta-meta1": "=?UTF-8?B?SGVsbG8gV29ybGTDqQ==?=" }),
    see("GET {b}/foo", {
      headers: { "x-amz-meta-meta1": /=\?UTF-8\?B\?SGVsbG8gV29ybGTDqQ==\?=|Hello World/u },
    }),
  ),
  row(
    "More than 2 KB of metadata are refused",
    "Error responses: MetadataTooLarge",
    put("{b}/foo", "bar", { "x-amz-meta-a": "x".repeat(1900) }),
    fails("PUT {b}/foo", 400, "MetadataTooLarge", {
      headers: { "x-amz-meta-a": "x".repeat(1500), "x-amz-meta-b": "x".repeat(1500) },
    }),
  ),
];

const digests: readonly Row[] = [
  row(
    "A body with its MD5 is taken",
    "PutObject: Content-MD5",
    ask("PUT {b}/foo", { body: "bar", md5: true }),
    ask("PUT {b}/foo", { body: MEBI, md5: true }),
  ),
  ...(
    [
      ["too short", "YWJyYWNhZGFicmE=", "InvalidDigest"],
      ["empty", "", "InvalidDigest"],
      ["no base64", "AWS HAHAHA", "InvalidDigest"],
      ["of another body", "rL0Y20xC+Fzt72VPzMSk2A==", "BadDigest"],
    ] as const
  ).map(([why, value, code]) =>
    row(
      `A Content-MD5 that is ${why} is refused as ${code}, and nothing is stored`,
      `Error responses: ${code}`,
      fails("PUT {b}/foo", 400, code, { body: "bar", headers: { "content-md5": value } }),
      fails("GET {b}/foo", 404, "NoSuchKey"),
    ),
  ),
  row(
    "A body of another SHA-256 than was signed is refused, and what was there stays",
    "Error responses: XAmzContentSHA256Mismatch",
    put("{b}/foo", "bar"),
    fails("PUT {b}/foo", 400, "XAmzContentSHA256Mismatch", {
      body: "other",
      signing: { payload: "0".repeat(64) },
    }),
    see("GET {b}/foo", { body: "bar" }),
  ),
  row(
    "x-amz-content-sha256 that is neither a hash nor a known word is refused",
    "SigV4: x-amz-content-sha256",
    fails("PUT {b}/foo", 400, ["InvalidArgument", "InvalidRequest", "XAmzContentSHA256Mismatch"], {
      body: "bar",
      signing: { payload: "garbage" },
    }),
  ),
];

const lengths: readonly Row[] = [
  row(
    "A body without its length is refused",
    "Error responses: MissingContentLength",
    ask("PUT {rw}/foo", { as: "anonymous" }),
    socket(411, "PUT /{rw}/foo HTTP/1.1", "Host: x", "Connection: close"),
  ),
  row(
    "A length below nothing is refused",
    "Error responses",
    socket(400, "PUT /{rw}/foo HTTP/1.1", "Host: x", "Content-Length: -1"),
    socket(400, "PUT /{nob} HTTP/1.1", "Host: x", "Content-Length: -1"),
    socket(400, "PUT /{rw}/foo HTTP/1.1", "Host: x", "Content-Length: "),
    socket(400, "PUT /{rw}/foo HTTP/1.1", "Host: x", "Content-Length: three"),
  ),
  row(
    "More than 5 GiB in one request are refused before they are sent",
    "Error responses: EntityTooLarge",
    socket(
      400,
      "PUT /{rw}/foo HTTP/1.1",
      "Host: x",
      "Content-Length: 5368709121",
      "Expect: 100-continue",
    ),
  ),
  row(
    "100 Continue is said to who may write, and 403 to who may not",
    "PutObject: Expect 100-continue",
    socket(403, "PUT /{b}/foo HTTP/1.1", "Host: x", "Content-Length: 123", "Expect: 100-continue"),
    socket(100, "PUT /{rw}/foo HTTP/1.1", "Host: x", "Content-Length: 123", "Expect: 100-continue"),
    socket(
      404,
      "PUT /{nob}/foo HTTP/1.1",
      "Host: x",
      "Content-Length: 123",
      "Expect: 100-continue",
    ),
  ),
  row(
    "An Expect that means nothing does no harm",
    "PutObject",
    ask("PUT {b}/foo", { body: "bar", headers: { expect: "200" } }),
    ask("PUT {b}/foo", { body: "bar", headers: { expect: "" } }),
  ),
  row(
    "A method that S3 does not have is refused",
    "Error responses: MethodNotAllowed",
    fails("PATCH {b}/foo", 405, "MethodNotAllowed"),
    fails("POST {b}/foo", [405, 400, 412]),
  ),
];

const anonymous: readonly Row[] = [
  row(
    "Who signs nothing reads nothing that is private",
    "User guide: Access control",
    put("{b}/foo", "bar"),
    ...[
      "GET {b}/foo",
      "HEAD {b}/foo",
      "GET {b}",
      "PUT {b}/foo",
      "DELETE {b}/foo",
      "GET {b}?acl",
    ].map((line) => denied(line, { as: "anonymous" })),
  ),
  row(
    "Objects that are public are read by anyone, whatever their bucket's ACL",
    "Access control list (ACL) overview",
    put("{b}/foo", "bar", { "x-amz-acl": "public-read" }),
    ask("GET {b}/foo", { as: "anonymous" }, { body: "bar" }),
    put("{pr}/foo", "bar"),
    denied("GET {pr}/foo", { as: "anonymous" }),
  ),
  row(
    "Where a bucket or an object was, strangers are told so if they may list",
    "Error responses",
    fails("GET {pr}/gone", 404, "NoSuchKey", { as: "anonymous" }),
    denied("GET {b}/gone", { as: "anonymous" }),
    fails("GET {nob}/gone", 404, "NoSuchBucket", { as: "anonymous" }),
    fails("DELETE {nob}/gone", 404, "NoSuchBucket", { as: "anonymous" }),
  ),
  row(
    "A bucket that all may write into takes what nobody signed",
    "Access control list (ACL) overview",
    ask("PUT {rw}/foo", { as: "anonymous", body: "x" }),
    ask("GET {rw}", { as: "anonymous" }, { xml: { "Contents/Key": "foo" } }),
  ),
];

export const objects = area("objects", [
  ...storing,
  ...metadata,
  ...digests,
  ...lengths,
  ...anonymous,
]);
