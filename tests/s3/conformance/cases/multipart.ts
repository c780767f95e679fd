import { area, ask, atOnce, fails, put, type Row, row, see } from "../support/case.ts";
import { bytes, uploadEtag } from "../support/checksums.ts";
import { finish, part, start } from "../support/documents.ts";

const GUIDE = "User guide: Uploading and copying objects using multipart upload";
const COMPLETE = "CompleteMultipartUpload";
const A = bytes(5 * 1024 * 1024, 31);
const B = bytes(5 * 1024 * 1024 + 1, 32);
const C = bytes(1000, 33);
const ALL = Buffer.concat([A, B, C]);

const uploads: readonly Row[] = [
  row(
    "Parts become an object with what was said at the beginning",
    GUIDE,
    start("{b}/big", {
      "content-type": "text/bla",
      "cache-control": "no-cache",
      "x-amz-meta-foo": "bar",
    }),
    part("{b}/big", 1, A),
    part("{b}/big", 2, B),
    part("{b}/big", 3, C),
    fails("GET {b}/big", 404, "NoSuchKey"),
    finish(
      "{b}/big",
      [1, 2, 3],
      {},
      {
        xml: {
          Bucket: "{b}",
          Key: "big",
          ETag: uploadEtag(A, B, C),
          Location: /big/u,
        },
      },
    ),
    see("GET {b}/big", {
      body: ALL,
      headers: {
        etag: uploadEtag(A, B, C),
        "content-type": "text/bla",
        "cache-control": "no-cache",
        "x-amz-meta-foo": "bar",
        "content-length": String(ALL.length),
      },
    }),
    ask(
      "GET {b}/big",
      { headers: { range: `bytes=${A.length - 10}-${A.length + 10}` } },
      {
        status: 206,
        body: ALL.subarray(A.length - 10, A.length + 11),
      },
    ),
    see("GET {b}?list-type=2", {
      xml: { "Contents/Size": String(ALL.length), "Contents/ETag": uploadEtag(A, B, C) },
    }),
  ),
  row(
    "Each part is read by its number",
    "GetObject: partNumber",
    start("{b}/big"),
    part("{b}/big", 1, A),
    part("{b}/big", 2, B),
    part("{b}/big", 3, C),
    fails("GET {b}/big?partNumber=1", 404, "NoSuchKey"),
    finish("{b}/big", [1, 2, 3]),
    ...(
      [
        [1, A],
        [2, B],
        [3, C],
      ] as const
    ).flatMap(([number, body]) => [
      see(`GET {b}/big?partNumber=${number}`, {
        status: 206,
        body,
        headers: { "x-amz-mp-parts-count": "3", etag: uploadEtag(A, B, C) },
      }),
      see(`HEAD {b}/big?partNumber=${number}`, {
        status: 206,
        headers: { "x-amz-mp-parts-count": "3", "content-length": String(body.length) },
      }),
    ]),
    fails("GET {b}/big?partNumber=4", [400, 416], ["InvalidPart", "InvalidPartNumber"]),
  ),
  row(
    "One part is enough, however small",
    GUIDE,
    start("{b}/small"),
    part("{b}/small", 1, "x"),
    finish("{b}/small", [1], {}, { xml: { ETag: uploadEtag("x") } }),
    see("GET {b}/small", { body: "x" }),
    see("GET {b}/small?partNumber=1", { status: 206, headers: { "x-amz-mp-parts-count": "1" } }),
  ),
  row(
    "A part sent again replaces what was sent before",
    "UploadPart",
    start("{b}/foo"),
    part("{b}/foo", 1, "old"),
    part("{b}/foo", 1, "new"),
    finish("{b}/foo", [1]),
    see("GET {b}/foo", { body: "new" }),
  ),
  row(
    "Part numbers need not follow each other, and parts may be left out",
    COMPLETE,
    start("{b}/foo"),
    part("{b}/foo", 10_000, "end"),
    part("{b}/foo", 7, A),
    part("{b}/foo", 9, "left out"),
    finish("{b}/foo", [7, 10_000]),
    see("GET {b}/foo", { body: Buffer.concat([A, Buffer.from("end")]) }),
  ),
  row(
    "An object that was there is there until it is replaced",
    GUIDE,
    put("{b}/foo", "before"),
    start("{b}/foo"),
    part("{b}/foo", 1, "after"),
    see("GET {b}/foo", { body: "before" }),
    finish("{b}/foo", [1]),
    see("GET {b}/foo", { body: "after" }),
  ),
  row(
    "Completed again, it answers the same",
    `${COMPLETE}: idempotent`,
    start("{b}/foo"),
    part("{b}/foo", 1, "x"),
    finish("{b}/foo", [1], {}, { xml: { ETag: uploadEtag("x") } }),
    finish("{b}/foo", [1], {}, { xml: { ETag: uploadEtag("x") } }),
  ),
  row(
    "Completed by several at once it is one object",
    COMPLETE,
    start("{vb}/foo"),
    part("{vb}/foo", 1, "x"),
    atOnce(
      [200, 200, 200],
      finish("{vb}/foo", [1]),
      finish("{vb}/foo", [1]),
      finish("{vb}/foo", [1]),
    ),
    see("GET {vb}?versions", { xml: { Version: 1 } }),
  ),
  row(
    "An upload has tags",
    "CreateMultipartUpload: x-amz-tagging",
    start("{b}/foo", { "x-amz-tagging": "Hello=World&foo=bar" }),
    part("{b}/foo", 1, "x"),
    finish("{b}/foo", [1]),
    see("GET {b}/foo?tagging", { xml: { "TagSet/Tag/Key": ["Hello", "foo"] } }),
  ),
  row(
    "Attributes tell the parts, in pages",
    "GetObjectAttributes: ObjectParts",
    start("{b}/big"),
    part("{b}/big", 1, A),
    part("{b}/big", 2, B),
    part("{b}/big", 3, C),
    finish("{b}/big", [1, 2, 3]),
    ask(
      "GET {b}/big?attributes",
      { headers: { "x-amz-object-attributes": "ETag,ObjectParts" } },
      {
        xml: {
          ETag: uploadEtag(A, B, C).replaceAll('"', ""),
          "ObjectParts/PartsCount": "3",
        },
      },
    ),
    ask(
      "GET {b}/big?attributes",
      {
        headers: {
          "x-amz-object-attributes": "ObjectParts",
          "x-amz-max-parts": "1",
          "x-amz-part-number-marker": "1",
        },
      },
      { xml: { "ObjectParts/PartsCount": "3" } },
    ),
  ),
];

export const multipart = area("multipart uploads", uploads);
