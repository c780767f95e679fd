import { area, ask, denied, fails, type Row, row, see } from "../support/case.ts";
import { bytes } from "../support/checksums.ts";
import { complete, finish, part, start } from "../support/documents.ts";

const GUIDE = "User guide: Uploading and copying objects using multipart upload";
const COMPLETE = "CompleteMultipartUpload";
const A = bytes(5 * 1024 * 1024, 31);

const faults: readonly Row[] = [
  row(
    "A list without parts, or what is no list, is malformed",
    `${COMPLETE}: MalformedXML`,
    start("{b}/foo"),
    part("{b}/foo", 1, "x"),
    ...["", complete(), "<CompleteMultipartUpload>", "garbage"].map((body) =>
      fails("POST {b}/foo?uploadId={upload}", 400, ["MalformedXML", "InvalidRequest"], { body }),
    ),
    finish("{b}/foo", [1]),
  ),
  row(
    "Parts that were not sent, or are another's, are InvalidPart",
    `${COMPLETE}: InvalidPart`,
    start("{b}/foo"),
    part("{b}/foo", 1, "x"),
    fails("POST {b}/foo?uploadId={upload}", 400, "InvalidPart", {
      body: complete({ number: 9999, etag: "{etag1}" }),
    }),
    fails("POST {b}/foo?uploadId={upload}", 400, "InvalidPart", {
      body: complete({ number: 1, etag: "ffffffffffffffffffffffffffffffff" }),
    }),
    finish("{b}/foo", [1]),
  ),
  row(
    "Parts are listed in their order, each once",
    `${COMPLETE}: InvalidPartOrder`,
    start("{b}/foo"),
    part("{b}/foo", 1, A),
    part("{b}/foo", 2, "x"),
    fails("POST {b}/foo?uploadId={upload}", 400, "InvalidPartOrder", {
      body: complete({ number: 2, etag: "{etag2}" }, { number: 1, etag: "{etag1}" }),
    }),
    fails("POST {b}/foo?uploadId={upload}", 400, "InvalidPartOrder", {
      body: complete({ number: 1, etag: "{etag1}" }, { number: 1, etag: "{etag1}" }),
    }),
    finish("{b}/foo", [1, 2]),
  ),
  row(
    "Only the last part may be smaller than 5 MiB",
    `${COMPLETE}: EntityTooSmall`,
    start("{b}/foo"),
    part("{b}/foo", 1, "small"),
    part("{b}/foo", 2, "small"),
    fails("POST {b}/foo?uploadId={upload}", 400, "EntityTooSmall", {
      body: complete({ number: 1, etag: "{etag1}" }, { number: 2, etag: "{etag2}" }),
    }),
  ),
  ...["0", "10001", "-1", "x", ""].map((number) =>
    row(
      `There is no part ${number === "" ? "without a number" : number}`,
      "UploadPart: partNumber",
      start("{b}/foo"),
      fails(`PUT {b}/foo?partNumber=${number}&uploadId={upload}`, 400, "InvalidArgument", {
        body: "x",
      }),
    ),
  ),
  row(
    "An upload that was never begun is NoSuchUpload, whatever its id looks like",
    "Error responses: NoSuchUpload",
    ...["56788", "abc1234def", "0".repeat(32), "%20", "..%2F..%2F"].flatMap((id) => [
      fails(`POST {b}/foo?uploadId=${id}`, 404, "NoSuchUpload", {
        body: complete({ number: 1, etag: "1234" }),
      }),
      fails(`PUT {b}/foo?partNumber=1&uploadId=${id}`, 404, "NoSuchUpload", { body: "x" }),
      fails(`DELETE {b}/foo?uploadId=${id}`, 404, "NoSuchUpload"),
      fails(`GET {b}/foo?uploadId=${id}`, 404, "NoSuchUpload"),
    ]),
  ),
  row(
    "An upload is of its key",
    "UploadPart",
    start("{b}/foo"),
    fails("PUT {b}/other?partNumber=1&uploadId={upload}", 404, "NoSuchUpload", { body: "x" }),
    fails("PUT {b2}/foo?partNumber=1&uploadId={upload}", 404, "NoSuchUpload", { body: "x" }),
    fails("DELETE {b}/other?uploadId={upload}", 404, "NoSuchUpload"),
  ),
  row(
    "An aborted upload leaves nothing",
    "AbortMultipartUpload",
    start("{b}/foo"),
    part("{b}/foo", 1, "x"),
    ask("DELETE {b}/foo?uploadId={upload}"),
    fails("GET {b}/foo?uploadId={upload}", 404, "NoSuchUpload"),
    fails("PUT {b}/foo?partNumber=2&uploadId={upload}", 404, "NoSuchUpload", { body: "x" }),
    fails("GET {b}/foo", 404, "NoSuchKey"),
    see("GET {b}?uploads", { xml: { Upload: 0 } }),
    fails("DELETE {b}/foo?uploadId={upload}", [204, 404]),
  ),
  row(
    "A digest of a part that is wrong keeps it out",
    "UploadPart: Content-MD5",
    start("{b}/foo"),
    fails("PUT {b}/foo?partNumber=1&uploadId={upload}", 400, "BadDigest", {
      body: "x",
      headers: { "content-md5": "rL0Y20xC+Fzt72VPzMSk2A==" },
    }),
    see("GET {b}/foo?uploadId={upload}", { xml: { Part: 0 } }),
  ),
  row(
    "Strangers begin, continue, list and end nothing",
    GUIDE,
    start("{b}/foo"),
    denied("POST {b}/foo?uploads", { as: "alt" }),
    denied("PUT {b}/foo?partNumber=1&uploadId={upload}", { as: "alt", body: "x" }),
    denied("GET {b}/foo?uploadId={upload}", { as: "alt" }),
    denied("DELETE {b}/foo?uploadId={upload}", { as: "alt" }),
    denied("GET {b}?uploads", { as: "alt" }),
  ),
];

const lists: readonly Row[] = [
  row(
    "Parts are listed with their sizes and ETags, in pages",
    "ListParts: part-number-marker, max-parts",
    start("{b}/foo"),
    part("{b}/foo", 1, "a"),
    part("{b}/foo", 5, "bb"),
    part("{b}/foo", 3, "ccc"),
    see("GET {b}/foo?uploadId={upload}", {
      xml: {
        Bucket: "{b}",
        Key: "foo",
        UploadId: "{upload}",
        "Part/PartNumber": ["1", "3", "5"],
        "Part/Size": ["1", "3", "2"],
        "Part/ETag": ["{etag1}", "{etag3}", "{etag5}"],
        "Part/LastModified": 3,
        IsTruncated: "false",
        MaxParts: "1000",
        StorageClass: "STANDARD",
        "Owner/ID": "{main}",
        "Initiator/ID": "{main}",
      },
    }),
    see("GET {b}/foo?uploadId={upload}&max-parts=1&part-number-marker=1", {
      xml: {
        "Part/PartNumber": ["3"],
        IsTruncated: "true",
        NextPartNumberMarker: "3",
        PartNumberMarker: "1",
        MaxParts: "1",
      },
    }),
    see("GET {b}/foo?uploadId={upload}&part-number-marker=3", {
      xml: { "Part/PartNumber": ["5"], IsTruncated: "false" },
    }),
    fails("GET {b}/foo?uploadId={upload}&max-parts=-1", 400, "InvalidArgument"),
    fails("GET {b}/foo?uploadId={upload}&part-number-marker=x", 400, "InvalidArgument"),
  ),
  row(
    "Uploads are listed by key and age",
    "ListMultipartUploads",
    start("{b}/b", {}, "u1"),
    start("{b}/b", {}, "u2"),
    start("{b}/a", {}, "u3"),
    see("GET {b}?uploads", {
      xml: {
        Bucket: "{b}",
        "Upload/Key": ["a", "b", "b"],
        "Upload/UploadId": ["{u3}", "{u1}", "{u2}"],
        "Upload/StorageClass": ["STANDARD", "STANDARD", "STANDARD"],
        IsTruncated: "false",
        MaxUploads: "1000",
      },
    }),
    see("GET {b}?uploads&max-uploads=2", {
      xml: {
        "Upload/UploadId": ["{u3}", "{u1}"],
        IsTruncated: "true",
        NextKeyMarker: "b",
        NextUploadIdMarker: "{u1}",
      },
    }),
    see("GET {b}?uploads&key-marker=b&upload-id-marker={u1}", {
      xml: { "Upload/UploadId": ["{u2}"], IsTruncated: "false" },
    }),
    see("GET {b}?uploads&key-marker=a", { xml: { "Upload/Key": ["b", "b"] } }),
    fails("GET {b}?uploads&max-uploads=x", 400, "InvalidArgument"),
  ),
  row(
    "Uploads are chosen by prefix and delimiter",
    "ListMultipartUploads: prefix, delimiter",
    start("{b}/foo/1", {}, "u1"),
    start("{b}/foo/2", {}, "u2"),
    start("{b}/bar", {}, "u3"),
    see("GET {b}?uploads&prefix=foo%2F", { xml: { "Upload/Key": ["foo/1", "foo/2"] } }),
    see("GET {b}?uploads&delimiter=%2F", {
      xml: { "Upload/Key": ["bar"], "CommonPrefixes/Prefix": ["foo/"] },
    }),
  ),
  row(
    "An upload is told with who began it",
    "ListMultipartUploads: Initiator, Owner",
    start("{rw}/a", {}, "u1"),
    ask("POST {rw}/b?uploads", { as: "alt" }, { save: { u2: "xml UploadId" } }),
    ...(["main", "alt"] as const).map((as) =>
      ask(
        "GET {rw}?uploads",
        { as },
        {
          xml: {
            "Upload/Initiator/ID": ["{main}", "{alt}"],
            "Upload/Initiator/DisplayName": ["{mainName}", "{altName}"],
            "Upload/Owner/ID": ["{main}", "{alt}"],
            "Upload/Owner/DisplayName": ["{mainName}", "{altName}"],
          },
        },
      ),
    ),
  ),
  row(
    "A bucket with uploads under way can be removed",
    "DeleteBucket",
    start("{b}/foo"),
    part("{b}/foo", 1, "x"),
    ask("DELETE {b}"),
    fails("PUT {b}/foo?partNumber=2&uploadId={upload}", 404, ["NoSuchBucket", "NoSuchUpload"], {
      body: "x",
    }),
  ),
];

export const multipartFaults = area("multipart uploads that fail, and their lists", [
  ...faults,
  ...lists,
]);
