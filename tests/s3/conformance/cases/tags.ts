import { area, ask, fails, put, type Row, row, see } from "../support/case.ts";
import { tagging } from "../support/documents.ts";

const tags: readonly Row[] = [
  row(
    "Tags of an object are set, read, replaced and removed",
    "PutObjectTagging, GetObjectTagging, DeleteObjectTagging",
    put("{b}/foo", "bar"),
    see("GET {b}/foo?tagging", { xml: { "TagSet/Tag": 0 } }),
    ask("PUT {b}/foo?tagging", { body: tagging({ key: "val", key2: "val2" }) }),
    see("GET {b}/foo?tagging", {
      xml: { "TagSet/Tag/Key": ["key", "key2"], "TagSet/Tag/Value": ["val", "val2"] },
    }),
    see("HEAD {b}/foo", { headers: { "x-amz-tagging-count": "2" } }),
    see("GET {b}/foo", { headers: { "x-amz-tagging-count": "2" } }),
    ask("PUT {b}/foo?tagging", { body: tagging({ key3: "val3" }) }),
    see("GET {b}/foo?tagging", { xml: { "TagSet/Tag/Key": "key3" } }),
    ask("DELETE {b}/foo?tagging"),
    see("GET {b}/foo?tagging", { xml: { "TagSet/Tag": 0 } }),
    see("HEAD {b}/foo", { headers: { "x-amz-tagging-count": null } }),
  ),
  row(
    "An object is put with its tags",
    "PutObject: x-amz-tagging",
    put("{b}/foo", "bar", { "x-amz-tagging": "foo=bar&bar" }),
    see("GET {b}/foo?tagging", {
      xml: { "TagSet/Tag/Key": ["bar", "foo"], "TagSet/Tag/Value": ["", "bar"] },
    }),
    fails("PUT {b}/foo", 400, "InvalidTag", { headers: { "x-amz-tagging": "a=1&a=2" } }),
  ),
  row(
    "Ten tags of 128 and 256 letters are allowed",
    "User guide: Categorizing your storage using tags",
    put("{b}/foo", "bar"),
    ask("PUT {b}/foo?tagging", {
      body: tagging(
        Object.fromEntries(
          Array.from({ length: 10 }, (_, at) => [`${at}${"k".repeat(127)}`, "v".repeat(256)]),
        ),
      ),
    }),
    see("GET {b}/foo?tagging", { xml: { "TagSet/Tag": 10 } }),
  ),
  ...(
    [
      ["eleven tags", Object.fromEntries(Array.from({ length: 11 }, (_, at) => [`${at}`, "v"]))],
      ["a key of 129 letters", { ["k".repeat(129)]: "v" }],
      ["a value of 257 letters", { k: "v".repeat(257) }],
      ["an empty key", { "": "v" }],
      ["a key of AWS's own", { "aws:k": "v" }],
    ] as const
  ).map(([what, tagsGiven]) =>
    row(
      `An object may not have ${what}`,
      "Error responses: InvalidTag",
      put("{b}/foo", "bar"),
      fails("PUT {b}/foo?tagging", 400, ["InvalidTag", "BadRequest"], { body: tagging(tagsGiven) }),
      see("GET {b}/foo?tagging", { xml: { "TagSet/Tag": 0 } }),
    ),
  ),
  row(
    "The same key twice is refused, and so is a document that is none",
    "PutObjectTagging",
    put("{b}/foo", "bar"),
    fails("PUT {b}/foo?tagging", 400, "InvalidTag", {
      body: "<Tagging><TagSet><Tag><Key>a</Key><Value>1</Value></Tag><Tag><Key>a</Key><Value>2</Value></Tag></TagSet></Tagging>",
    }),
    fails("PUT {b}/foo?tagging", 400, "MalformedXML", { body: "<Tagging/>" }),
    fails("PUT {b}/foo?tagging", 400, "MalformedXML", { body: "<Tagging><TagSet><Tag>" }),
    fails("PUT {b}/gone?tagging", 404, "NoSuchKey", { body: tagging({ a: "1" }) }),
    fails("GET {b}/gone?tagging", 404, "NoSuchKey"),
  ),
  row(
    "Versions have tags of their own",
    "PutObjectTagging: versionId",
    ask("PUT {vb}/foo", { body: "1" }, { save: { v: "header x-amz-version-id" } }),
    put("{vb}/foo", "2"),
    ask(
      "PUT {vb}/foo?tagging&versionId={v}",
      { body: tagging({ a: "1" }) },
      {
        headers: { "x-amz-version-id": "{v}" },
      },
    ),
    see("GET {vb}/foo?tagging", { xml: { "TagSet/Tag": 0 } }),
    see("GET {vb}/foo?tagging&versionId={v}", { xml: { "TagSet/Tag/Key": "a" } }),
  ),
  row(
    "A bucket has tags too",
    "PutBucketTagging, GetBucketTagging, DeleteBucketTagging",
    fails("GET {b}?tagging", 404, "NoSuchTagSet"),
    ask("PUT {b}?tagging", { body: tagging({ Hello: "World" }), md5: true }, { status: 204 }),
    see("GET {b}?tagging", {
      xml: { "TagSet/Tag/Key": "Hello", "TagSet/Tag/Value": "World" },
    }),
    ask("DELETE {b}?tagging"),
    fails("GET {b}?tagging", 404, "NoSuchTagSet"),
  ),
];

export const tagSets = area("tags", tags);
