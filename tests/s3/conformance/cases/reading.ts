import { area, ask, fails, put, type Row, row, see } from "../support/case.ts";
import { bytes, checksum, md5 } from "../support/checksums.ts";

const RANGE = "GetObject: Range";
const LONG = bytes(3 * 1024 * 1024, 9);
const ETAG = `"${md5("bar")}"`;

/** What of "testcontent" each range gives. */
const RANGES: readonly (readonly [range: string, given: string, said: string])[] = [
  ["bytes=4-7", "cont", "bytes 4-7/11"],
  ["bytes=4-", "content", "bytes 4-10/11"],
  ["bytes=-7", "content", "bytes 4-10/11"],
  ["bytes=0-0", "t", "bytes 0-0/11"],
  ["bytes=10-10", "t", "bytes 10-10/11"],
  ["bytes=0-", "testcontent", "bytes 0-10/11"],
  ["bytes=3-500", "tcontent", "bytes 3-10/11"],
  ["bytes=-500", "testcontent", "bytes 0-10/11"],
  ["bytes=-1", "t", "bytes 10-10/11"],
];

const ranges: readonly Row[] = [
  ...RANGES.map(([range, given, said]) =>
    row(
      `The range ${range} gives ${said}`,
      RANGE,
      put("{b}/testobj", "testcontent"),
      ask(
        "GET {b}/testobj",
        { headers: { range } },
        {
          status: 206,
          body: given,
          headers: { "content-range": said, "content-length": String(given.length) },
        },
      ),
      ask(
        "HEAD {b}/testobj",
        { headers: { range } },
        {
          status: 206,
          headers: { "content-range": said, "content-length": String(given.length) },
        },
      ),
    ),
  ),
  row(
    "A range across chunks gives just its bytes",
    RANGE,
    put("{b}/big"),
    ask("PUT {b}/big", { body: LONG }),
    ask(
      "GET {b}/big",
      { headers: { range: "bytes=1048570-2097160" } },
      {
        status: 206,
        body: LONG.subarray(1_048_570, 2_097_161),
        headers: { "content-range": "bytes 1048570-2097160/3145728" },
      },
    ),
    ask(
      "GET {b}/big",
      { headers: { range: "bytes=-5" } },
      {
        status: 206,
        body: LONG.subarray(-5),
      },
    ),
  ),
  ...["bytes=40-50", "bytes=11-", "bytes=-0"].map((range) =>
    row(
      `The range ${range} cannot be given of eleven bytes`,
      "Error responses: InvalidRange",
      put("{b}/testobj", "testcontent"),
      ask(
        "GET {b}/testobj",
        { headers: { range } },
        {
          status: 416,
          code: "InvalidRange",
          headers: { "content-range": /^bytes \*\/11$|^$/u },
        },
      ),
    ),
  ),
  row(
    "No range of an empty object can be given",
    "Error responses: InvalidRange",
    put("{b}/testobj"),
    fails("GET {b}/testobj", 416, "InvalidRange", { headers: { range: "bytes=40-50" } }),
    fails("GET {b}/testobj", 416, "InvalidRange", { headers: { range: "bytes=0-0" } }),
  ),
  ...["bytes=a-b", "chars=1-2", "bytes=5-4", "bytes=1-2,4-5", "bytes", "bytes=--2"].map((range) =>
    row(
      `The range ${range} is none, and all is given`,
      "RFC 9110: an invalid Range is ignored",
      put("{b}/testobj", "testcontent"),
      ask("GET {b}/testobj", { headers: { range } }, { status: 200, body: "testcontent" }),
    ),
  ),
  row(
    "The part 1 of an object in one piece is the whole of it",
    "GetObject: partNumber",
    put("{b}/foo", "body"),
    see("GET {b}/foo?partNumber=1", {
      status: 206,
      body: "body",
      headers: { etag: `"${md5("body")}"` },
    }),
    fails("GET {b}/foo?partNumber=2", [400, 416], ["InvalidPart", "InvalidPartNumber"]),
    fails("GET {b}/foo?partNumber=0", 400, "InvalidArgument"),
    fails("GET {b}/foo?partNumber=10001", 400, "InvalidArgument"),
    fails("GET {b}/foo?partNumber=x", 400, "InvalidArgument"),
    fails("GET {b}/foo?partNumber=1", 400, "InvalidRequest", { headers: { range: "bytes=0-1" } }),
  ),
];

const PAST = "Sat, 29 Oct 1994 19:43:31 GMT";
const FUTURE = "Sat, 29 Oct 2100 19:43:31 GMT";

/** Headers of a conditional read, and what is answered to it. */
const CONDITIONS: readonly (readonly [headers: Record<string, string>, status: 200 | 304 | 412])[] =
  [
    [{ "if-match": ETAG }, 200],
    [{ "if-match": ETAG.slice(1, -1) }, 200],
    [{ "if-match": "*" }, 200],
    [{ "if-match": `"nothing", ${ETAG}` }, 200],
    [{ "if-match": '"ABCORZ"' }, 412],
    [{ "if-none-match": ETAG }, 304],
    [{ "if-none-match": ETAG.slice(1, -1) }, 304],
    [{ "if-none-match": `W/${ETAG}` }, 304],
    [{ "if-none-match": "*" }, 304],
    [{ "if-none-match": "ABCORZ" }, 200],
    [{ "if-modified-since": PAST }, 200],
    [{ "if-modified-since": "{modified}" }, 304],
    [{ "if-modified-since": "not a date" }, 200],
    [{ "if-unmodified-since": PAST }, 412],
    [{ "if-unmodified-since": FUTURE }, 200],
    [{ "if-unmodified-since": "{modified}" }, 200],
    [{ "if-match": ETAG, "if-unmodified-since": PAST }, 200],
    [{ "if-match": '"ABCORZ"', "if-unmodified-since": FUTURE }, 412],
    [{ "if-none-match": ETAG, "if-modified-since": PAST }, 304],
    [{ "if-none-match": "ABCORZ", "if-modified-since": "{modified}" }, 200],
    [{ "if-match": ETAG, "if-none-match": ETAG }, 304],
  ];

const conditionals: readonly Row[] = CONDITIONS.map(([headers, status]) => {
  const said = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return row(
    `A read with ${said.join(" and ")} is answered ${status}`,
    "GetObject: conditional requests",
    put("{b}/foo", "bar"),
    see("HEAD {b}/foo", { status: 200, save: { modified: "header last-modified" } }),
    ask(
      "GET {b}/foo",
      { headers },
      {
        status,
        ...(status === 200 ? { body: "bar" } : {}),
        ...(status === 304 ? { headers: { etag: ETAG }, body: "" } : {}),
        ...(status === 412 ? { code: "PreconditionFailed" } : {}),
      },
    ),
    ask("HEAD {b}/foo", { headers }, { status }),
  );
});

const attributes: readonly Row[] = [
  row(
    "GetObjectAttributes gives what is asked for, and no more",
    "GetObjectAttributes",
    put("{b}/obj", "foo"),
    ask(
      "GET {b}/obj?attributes",
      {
        headers: { "x-amz-object-attributes": "ETag,Checksum,ObjectParts,StorageClass,ObjectSize" },
      },
      {
        headers: {
          "x-amz-version-id": null,
          "x-amz-delete-marker": null,
          "last-modified": /GMT$/u,
        },
        xml: {
          ETag: md5("foo"),
          ObjectSize: "3",
          StorageClass: "STANDARD",
          ObjectParts: 0,
        },
      },
    ),
    ask(
      "GET {b}/obj?attributes",
      { headers: { "x-amz-object-attributes": "ObjectSize" } },
      {
        xml: { ETag: 0, ObjectSize: "3", StorageClass: 0 },
      },
    ),
  ),
  row(
    "Attributes that S3 does not have, or none, are refused",
    "GetObjectAttributes",
    put("{b}/obj", "foo"),
    fails("GET {b}/obj?attributes", 400, "InvalidArgument", {
      headers: { "x-amz-object-attributes": "ETag,Colour" },
    }),
    fails("GET {b}/obj?attributes", 400, ["InvalidArgument", "InvalidRequest"]),
    fails("GET {b}/gone?attributes", 404, "NoSuchKey", {
      headers: { "x-amz-object-attributes": "ETag" },
    }),
  ),
  row(
    "The checksum is among the attributes",
    "GetObjectAttributes: Checksum",
    put("{b}/obj", "bar", { "x-amz-checksum-crc32": checksum("crc32", "bar") }),
    ask(
      "GET {b}/obj?attributes",
      { headers: { "x-amz-object-attributes": "Checksum" } },
      {
        xml: {
          "Checksum/ChecksumCRC32": checksum("crc32", "bar"),
          "Checksum/ChecksumType": "FULL_OBJECT",
        },
      },
    ),
  ),
  row(
    "Attributes are of the version that is asked for",
    "GetObjectAttributes: versionId",
    ask("PUT {vb}/obj", { body: "foo" }, { save: { v: "header x-amz-version-id" } }),
    put("{vb}/obj", "longer"),
    ask(
      "GET {vb}/obj?attributes&versionId={v}",
      {
        headers: { "x-amz-object-attributes": "ObjectSize" },
      },
      { xml: { ObjectSize: "3" }, headers: { "x-amz-version-id": "{v}" } },
    ),
  ),
  row(
    "There are no torrents",
    "GetObjectTorrent",
    put("{b}/obj", "foo"),
    fails(
      "GET {b}/obj?torrent",
      [404, 405, 501],
      ["NoSuchKey", "MethodNotAllowed", "NotImplemented"],
    ),
  ),
];

export const reading = area("ranges, conditional reads and attributes", [
  ...ranges,
  ...conditionals,
  ...attributes,
]);
