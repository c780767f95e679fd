import { area, ask, atOnce, denied, fails, type Row, row, see } from "../support/case.ts";
import { document, elements } from "../support/documents.ts";

const RULES = "User guide: Bucket naming rules";
const LONG = "a".repeat(60);

/** Names that are refused, and why. */
const BAD_NAMES: readonly (readonly [why: string, name: string])[] = [
  ["one letter", "a"],
  ["two letters", "aa"],
  ["more than 63 letters", "a".repeat(64)],
  ["an underscore", "foo_bar"],
  ["an underscore at the beginning", "_foo-bar"],
  ["a dash at the end", "foo-"],
  ["a dash at the beginning", "-foo"],
  ["two dots in a row", "foo..bar"],
  ["a dot before a dash", "foo.-bar"],
  ["a dash before a dot", "foo-.bar"],
  ["a dot at the end", "foo."],
  ["the form of an IP address", "192.168.5.123"],
  ["an upper-case letter", "Foo-bar"],
  ["punctuation", "alpha!soup"],
  ["a space", "foo%20bar"],
  ["letters beyond ASCII", "f%C3%B6%C3%B6bar"],
  ["the prefix xn--", "xn--foo"],
];

const naming: readonly Row[] = [
  ...BAD_NAMES.map(([why, name]) =>
    row(
      `A bucket's name may not have ${why}`,
      RULES,
      fails(`PUT ${name}`, 400, "InvalidBucketName"),
    ),
  ),
  ...[60, 61, 62, 63].map((length) =>
    row(
      `A bucket's name may have ${length} letters`,
      RULES,
      see(`PUT {nob}${LONG.slice(0, length - 19)}`, { status: 200 }),
      see(`GET {nob}${LONG.slice(0, length - 19)}`, { xml: { Contents: 0 } }),
    ),
  ),
  ...["a{nob}", "0{nob}", "{nob}.111", "{nob}-111"].map((name) =>
    row(`A bucket may be called ${name.replace("{nob}", "name")}`, RULES, ask(`PUT ${name}`)),
  ),
];

const creation: readonly Row[] = [
  row(
    "A new bucket is there, and Location names it",
    "CreateBucket",
    see("PUT {nob}", { status: 200, headers: { location: "/{nob}" } }),
    see("HEAD {nob}", { status: 200 }),
  ),
  row(
    "Making one's own bucket again as it is succeeds and changes nothing",
    "CreateBucket: us-east-1",
    ask("PUT {b}/key", { body: "kept" }),
    ask("PUT {b}"),
    see("GET {b}/key", { body: "kept" }),
  ),
  row(
    "A bucket of another user cannot be made again",
    "CreateBucket: BucketAlreadyExists",
    fails("PUT {b}", 409, "BucketAlreadyExists", { as: "alt" }),
  ),
  row(
    "One's own bucket is not made again with another ACL",
    "CreateBucket: BucketAlreadyExists",
    fails("PUT {pr}", 409, ["BucketAlreadyExists", "BucketAlreadyOwnedByYou"]),
    fails("PUT {b}", 409, ["BucketAlreadyExists", "BucketAlreadyOwnedByYou"], {
      headers: { "x-amz-acl": "public-read" },
    }),
  ),
  row(
    "Of two that make a bucket at once, of two users, one wins",
    "CreateBucket",
    atOnce([200, 409], ask("PUT {nob}"), ask("PUT {nob}", { as: "alt" })),
  ),
  row(
    "The location constraint of another region than the server's is refused",
    "CreateBucket: IllegalLocationConstraintException",
    fails("PUT {nob}", 400, ["IllegalLocationConstraintException", "InvalidLocationConstraint"], {
      body: document("CreateBucketConfiguration", elements({ LocationConstraint: "eu-nowhere-9" })),
    }),
  ),
  row(
    "A configuration that is no XML is refused",
    "Error responses: MalformedXML",
    fails("PUT {nob}", 400, "MalformedXML", { body: "<CreateBucketConfiguration>" }),
  ),
  row(
    "An unknown canned ACL is refused",
    "Access control list (ACL) overview: Canned ACL",
    fails("PUT {nob}", 400, "InvalidArgument", { headers: { "x-amz-acl": "public-ready" } }),
  ),
  row(
    "Nobody without a name makes buckets",
    "CreateBucket",
    denied("PUT {nob}", { as: "anonymous" }),
  ),
];

const reading: readonly Row[] = [
  row(
    "HEAD of a bucket tells its region",
    "HeadBucket",
    see("HEAD {b}", { status: 200, headers: { "x-amz-bucket-region": "{region}" } }),
  ),
  row("HEAD of no bucket is 404 without a body", "HeadBucket", fails("HEAD {nob}", 404)),
  row("HEAD of another's bucket is 403", "HeadBucket", denied("HEAD {ab}", { as: "anonymous" })),
  row(
    "A bucket that is not there is NoSuchBucket for every operation",
    "Error responses: NoSuchBucket",
    ...[
      "GET {nob}",
      "GET {nob}?list-type=2",
      "DELETE {nob}",
      "GET {nob}?versioning",
      "GET {nob}?acl",
      "GET {nob}?location",
      "GET {nob}/key",
      "PUT {nob}/key",
      "DELETE {nob}/key",
      "POST {nob}/key?uploads",
      "GET {nob}?versions",
      "GET {nob}?uploads",
      "GET {nob}?policy",
    ].map((line) => fails(line, 404, "NoSuchBucket")),
  ),
  row(
    "The error of a missing bucket names it",
    "Error responses",
    ask("GET {nob}", {}, { status: 404, xml: { BucketName: "{nob}", Code: "NoSuchBucket" } }),
  ),
  row(
    "The location of a bucket of us-east-1 is empty",
    "GetBucketLocation",
    see("GET {b}?location", { xml: { ".": "" } }),
  ),
  row(
    "The list of buckets has those that were made, with their dates, and the owner",
    "ListBuckets",
    ask(
      "GET ?prefix={b}",
      {},
      {
        xml: {
          "Buckets/Bucket/Name": "{b}",
          "Buckets/Bucket/CreationDate": /^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/u,
          "Owner/ID": "{main}",
          "Owner/DisplayName": "{mainName}",
        },
      },
    ),
  ),
  row(
    "The list of buckets comes in pages",
    "ListBuckets: max-buckets, continuation-token",
    ask("PUT {nob}-1"),
    ask("PUT {nob}-2"),
    see("GET ?prefix={nob}&max-buckets=1", {
      xml: { "Buckets/Bucket/Name": "{nob}-1" },
      save: { token: "xml ContinuationToken" },
    }),
    see("GET ?prefix={nob}&max-buckets=1&continuation-token={token}", {
      xml: { "Buckets/Bucket/Name": "{nob}-2", ContinuationToken: 0 },
    }),
  ),
  row(
    "A page that ends with the last bucket has no continuation",
    "ListBuckets: ContinuationToken",
    see("GET ?prefix={b}&max-buckets=1", {
      xml: { "Buckets/Bucket/Name": "{b}", ContinuationToken: 0 },
    }),
    see("GET ?prefix={nob}&max-buckets=1", { xml: { "Buckets/Bucket": 0, ContinuationToken: 0 } }),
  ),
  row(
    "A user's list has only the user's own buckets",
    "ListBuckets",
    ask("GET ?prefix={b}", { as: "alt" }, { xml: { "Buckets/Bucket": 0 } }),
    ask("GET ?prefix={ab}", { as: "alt" }, { xml: { "Buckets/Bucket/Name": "{ab}" } }),
  ),
  row(
    "Wrong keys see no list of buckets",
    "ListBuckets",
    fails("GET ", 403, "InvalidAccessKeyId", { signing: { accessKeyId: "AKIAIOSFODNN7NOTHERE" } }),
    fails("GET ", 403, "SignatureDoesNotMatch", { signing: { secretKey: "not-the-secret" } }),
  ),
  row(
    "The wrong expected owner is denied, whoever asks",
    "User guide: Verifying bucket ownership with bucket owner condition",
    ask("GET {rw}", { headers: { "x-amz-expected-bucket-owner": "{main}" } }),
    ...["GET {rw}", "PUT {rw}/key"].flatMap((line) => [
      denied(line, { headers: { "x-amz-expected-bucket-owner": "{main}foo" } }),
      denied(line, {
        as: "anonymous",
        headers: { "x-amz-expected-bucket-owner": "{main}foo" },
      }),
    ]),
  ),
];

const removal: readonly Row[] = [
  row(
    "A removed bucket is gone",
    "DeleteBucket",
    ask("DELETE {b}"),
    fails("DELETE {b}", 404, "NoSuchBucket"),
    fails("HEAD {b}", 404),
  ),
  row(
    "A bucket with an object is not removed",
    "DeleteBucket: BucketNotEmpty",
    ask("PUT {b}/foo", { body: "x" }),
    fails("DELETE {b}", 409, "BucketNotEmpty"),
    ask("DELETE {b}/foo"),
    ask("DELETE {b}"),
  ),
  row(
    "A bucket with old versions or delete markers only is not removed",
    "DeleteBucket: all object versions and delete markers",
    ask("PUT {vb}/foo", { body: "x" }, { save: { v1: "header x-amz-version-id" } }),
    ask("DELETE {vb}/foo", {}, { save: { v2: "header x-amz-version-id" } }),
    fails("DELETE {vb}", 409, "BucketNotEmpty"),
    ask("DELETE {vb}/foo?versionId={v1}"),
    fails("DELETE {vb}", 409, "BucketNotEmpty"),
    ask("DELETE {vb}/foo?versionId={v2}"),
    ask("DELETE {vb}"),
  ),
  row(
    "Another's bucket is not removed",
    "DeleteBucket",
    denied("DELETE {b}", { as: "alt" }),
    see("HEAD {b}", { status: 200 }),
  ),
  row(
    "A bucket made again is empty and as new",
    "DeleteBucket",
    ask(
      "PUT {vb}?tagging",
      { body: "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>" },
      { status: 204 },
    ),
    ask("DELETE {vb}"),
    ask("PUT {vb}"),
    see("GET {vb}?versioning", { xml: { Status: 0 } }),
    fails("GET {vb}?tagging", 404, "NoSuchTagSet"),
  ),
];

export const buckets = area("buckets", [...naming, ...creation, ...reading, ...removal]);
