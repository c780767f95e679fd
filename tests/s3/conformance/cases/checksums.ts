import { area, ask, fails, put, type Row, row, see } from "../support/case.ts";
import { type Algorithm, bytes, checksum, composite } from "../support/checksums.ts";
import { complete, deleteObjects, start } from "../support/documents.ts";

const GUIDE = "User guide: Checking object integrity";
const ALGORITHMS: readonly Algorithm[] = ["crc32", "crc32c", "crc64nvme", "sha1", "sha256"];
const BODY = bytes(20_000, 41);
const PART = bytes(5 * 1024 * 1024, 42);
const LAST = bytes(1234, 43);
const ALL = Buffer.concat([PART, LAST]);

const single: readonly Row[] = ALGORITHMS.flatMap((algorithm) => {
  const header = `x-amz-checksum-${algorithm}`;
  const value = checksum(algorithm, BODY);
  const element = `Checksum${algorithm.toUpperCase()}`;
  return [
    row(
      `${algorithm}: what the writer says is verified, kept, and told to who asks`,
      GUIDE,
      ask(
        "PUT {b}/foo",
        { body: BODY, headers: { [header]: value } },
        {
          headers: { [header]: value, "x-amz-checksum-type": "FULL_OBJECT" },
        },
      ),
      see("HEAD {b}/foo", { headers: { [header]: null } }),
      ...["HEAD", "GET"].map((method) =>
        ask(
          `${method} {b}/foo`,
          { headers: { "x-amz-checksum-mode": "ENABLED" } },
          {
            headers: { [header]: value, "x-amz-checksum-type": "FULL_OBJECT" },
          },
        ),
      ),
      ask(
        "GET {b}/foo?attributes",
        { headers: { "x-amz-object-attributes": "Checksum" } },
        {
          xml: { [`Checksum/${element}`]: value, "Checksum/ChecksumType": "FULL_OBJECT" },
        },
      ),
    ),
    row(
      `${algorithm}: a body of another checksum is refused`,
      "Error responses: BadDigest",
      fails("PUT {b}/foo", 400, "BadDigest", {
        body: BODY,
        headers: { [header]: checksum(algorithm, "other") },
      }),
      fails("GET {b}/foo", 404, "NoSuchKey"),
    ),
    row(
      `${algorithm}: what is no checksum is refused`,
      GUIDE,
      fails("PUT {b}/foo", 400, ["InvalidRequest", "BadDigest"], {
        body: BODY,
        headers: { [header]: "bad" },
      }),
    ),
    row(
      `${algorithm}: the checksum may follow the body`,
      `${GUIDE}: trailing checksums`,
      ask(
        "PUT {b}/foo",
        { body: BODY, signing: { payload: "unsignedTrailer", trailer: header } },
        { headers: { [header]: value } },
      ),
      ask(
        "PUT {b}/signed",
        { body: BODY, signing: { payload: "chunksTrailer", trailer: header } },
        { headers: { [header]: value } },
      ),
      see("GET {b}/foo", { body: BODY, headers: { "content-encoding": null } }),
      see("GET {b}/signed", { body: BODY }),
      ask(
        "HEAD {b}/foo",
        { headers: { "x-amz-checksum-mode": "ENABLED" } },
        {
          headers: { [header]: value },
        },
      ),
    ),
    row(
      `${algorithm}: a wrong checksum that follows the body is refused`,
      `${GUIDE}: trailing checksums`,
      ...["unsignedTrailer", "chunksTrailer"].map((payload) =>
        fails("PUT {b}/foo", 400, "BadDigest", {
          body: BODY,
          signing: { payload, trailer: header, trailerValue: checksum(algorithm, "other") },
        }),
      ),
      fails("GET {b}/foo", 404, "NoSuchKey"),
    ),
  ];
});

const rules: readonly Row[] = [
  row(
    "There is only one checksum for a body",
    "PutObject: x-amz-checksum",
    fails("PUT {b}/foo", 400, "InvalidRequest", {
      body: "bar",
      headers: {
        "x-amz-checksum-crc32": checksum("crc32", "bar"),
        "x-amz-checksum-sha256": checksum("sha256", "bar"),
      },
    }),
  ),
  row(
    "An algorithm that S3 does not have is refused",
    "PutObject: x-amz-sdk-checksum-algorithm",
    fails("PUT {b}/foo", 400, "InvalidRequest", {
      body: "bar",
      headers: { "x-amz-sdk-checksum-algorithm": "MD4" },
    }),
    fails("POST {b}/foo?uploads", 400, "InvalidRequest", {
      headers: { "x-amz-checksum-algorithm": "MD4" },
    }),
  ),
  row(
    "An object without a checksum of the writer has a CRC64NVME",
    "User guide: default data integrity protections",
    put("{b}/foo", "bar"),
    ask(
      "HEAD {b}/foo",
      { headers: { "x-amz-checksum-mode": "ENABLED" } },
      {
        headers: { "x-amz-checksum-crc64nvme": checksum("crc64nvme", "bar") },
      },
    ),
  ),
  row(
    "A copy keeps the checksum",
    "CopyObject: x-amz-checksum-algorithm",
    put("{b}/foo", "bar", { "x-amz-checksum-sha256": checksum("sha256", "bar") }),
    ask(
      "PUT {b}/copy",
      { headers: { "x-amz-copy-source": "{b}/foo" } },
      {
        xml: { ChecksumSHA256: checksum("sha256", "bar") },
      },
    ),
    ask(
      "HEAD {b}/copy",
      { headers: { "x-amz-checksum-mode": "ENABLED" } },
      {
        headers: { "x-amz-checksum-sha256": checksum("sha256", "bar") },
      },
    ),
  ),
  row(
    "A checksum takes the place of a digest of the list of a multi-delete",
    "DeleteObjects",
    put("{b}/key", "x"),
    ask("POST {b}?delete", {
      body: deleteObjects([{ Key: "key" }]),
      headers: { "x-amz-checksum-crc32": checksum("crc32", deleteObjects([{ Key: "key" }])) },
    }),
    fails("POST {b}?delete", 400, "BadDigest", {
      body: deleteObjects([{ Key: "key" }]),
      headers: { "x-amz-checksum-crc32": checksum("crc32", "other") },
    }),
  ),
];

/** Which algorithms join parts how. */
const UPLOADS: readonly (readonly [Algorithm, "COMPOSITE" | "FULL_OBJECT"])[] = [
  ["crc32", "COMPOSITE"],
  ["crc32c", "COMPOSITE"],
  ["sha1", "COMPOSITE"],
  ["sha256", "COMPOSITE"],
  ["crc32", "FULL_OBJECT"],
  ["crc32c", "FULL_OBJECT"],
  ["crc64nvme", "FULL_OBJECT"],
];

const uploads: readonly Row[] = UPLOADS.map(([algorithm, type]) => {
  const name = algorithm.toUpperCase();
  const header = `x-amz-checksum-${algorithm}`;
  const element = `Checksum${name}`;
  const value =
    type === "COMPOSITE" ? composite(algorithm, [PART, LAST]) : checksum(algorithm, ALL);
  const parts = [PART, LAST].map((body, at) => ({
    body,
    number: at + 1,
    sum: checksum(algorithm, body),
  }));
  const list = complete(
    ...parts.map(({ number, sum }) => ({
      number,
      etag: `{etag${number}}`,
      more: { [element]: sum },
    })),
  );
  return row(
    `An upload has a ${type} checksum by ${algorithm}, and its parts have theirs`,
    `${GUIDE}: checksums of multipart uploads`,
    ask(
      "POST {b}/big?uploads",
      { headers: { "x-amz-checksum-algorithm": name, "x-amz-checksum-type": type } },
      {
        headers: { "x-amz-checksum-algorithm": name, "x-amz-checksum-type": type },
        save: { upload: "xml UploadId" },
      },
    ),
    ...parts.map(({ body, number, sum }) =>
      ask(
        `PUT {b}/big?partNumber=${number}&uploadId={upload}`,
        { body, headers: { [header]: sum } },
        { headers: { [header]: sum }, save: { [`etag${number}`]: "header etag" } },
      ),
    ),
    see("GET {b}/big?uploadId={upload}", {
      xml: { [`Part/${element}`]: parts.map(({ sum }) => sum), ChecksumAlgorithm: name },
    }),
    fails("POST {b}/big?uploadId={upload}", 400, ["BadDigest", "InvalidRequest"], {
      body: list,
      headers: {
        [header]:
          type === "COMPOSITE" ? composite(algorithm, ["other", "body"]) : checksum(algorithm, "x"),
      },
    }),
    ask(
      "POST {b}/big?uploadId={upload}",
      { body: list, headers: { [header]: value } },
      {
        xml: { [element]: value, ChecksumType: type },
      },
    ),
    ask(
      "HEAD {b}/big",
      { headers: { "x-amz-checksum-mode": "ENABLED" } },
      {
        headers: { [header]: value, "x-amz-checksum-type": type },
      },
    ),
    ask(
      "GET {b}/big?partNumber=2",
      { headers: { "x-amz-checksum-mode": "ENABLED" } },
      {
        status: 206,
        body: LAST,
        headers: { [header]: parts[1]?.sum ?? "" },
      },
    ),
    ask(
      "GET {b}/big?attributes",
      { headers: { "x-amz-object-attributes": "Checksum,ObjectParts" } },
      {
        xml: {
          [`Checksum/${element}`]: value,
          "Checksum/ChecksumType": type,
          "ObjectParts/PartsCount": "2",
          [`ObjectParts/Part/${element}`]: parts.map(({ sum }) => sum),
          "ObjectParts/Part/Size": [String(PART.length), String(LAST.length)],
        },
      },
    ),
  );
});

const uploadRules: readonly Row[] = [
  row(
    "Some algorithms cannot be of the full object, and one is nothing else",
    `${GUIDE}: COMPOSITE and FULL_OBJECT`,
    ...["SHA1", "SHA256"].map((name) =>
      fails("POST {b}/foo?uploads", 400, "InvalidRequest", {
        headers: { "x-amz-checksum-algorithm": name, "x-amz-checksum-type": "FULL_OBJECT" },
      }),
    ),
    fails("POST {b}/foo?uploads", 400, "InvalidRequest", {
      headers: { "x-amz-checksum-algorithm": "CRC64NVME", "x-amz-checksum-type": "COMPOSITE" },
    }),
    fails("POST {b}/foo?uploads", 400, "InvalidRequest", {
      headers: { "x-amz-checksum-algorithm": "CRC32", "x-amz-checksum-type": "OTHER" },
    }),
    fails("POST {b}/foo?uploads", 400, "InvalidRequest", {
      headers: { "x-amz-checksum-type": "FULL_OBJECT" },
    }),
  ),
  row(
    "A part of another algorithm than its upload's is refused, and so is a wrong one",
    "UploadPart: x-amz-checksum",
    start("{b}/foo", { "x-amz-checksum-algorithm": "SHA256" }),
    fails("PUT {b}/foo?partNumber=1&uploadId={upload}", 400, "InvalidRequest", {
      body: "x",
      headers: { "x-amz-checksum-crc32": checksum("crc32", "x") },
    }),
    fails("PUT {b}/foo?partNumber=1&uploadId={upload}", 400, "BadDigest", {
      body: "x",
      headers: { "x-amz-checksum-sha256": checksum("sha256", "y") },
    }),
  ),
  row(
    "The checksum that a list tells of a part must be the part's",
    "CompleteMultipartUpload: Checksum of Part",
    start("{b}/foo", { "x-amz-checksum-algorithm": "SHA256" }),
    ask(
      "PUT {b}/foo?partNumber=1&uploadId={upload}",
      { body: "x", headers: { "x-amz-checksum-sha256": checksum("sha256", "x") } },
      { save: { etag1: "header etag" } },
    ),
    fails("POST {b}/foo?uploadId={upload}", 400, ["InvalidPart", "BadDigest"], {
      body: complete({
        number: 1,
        etag: "{etag1}",
        more: { ChecksumSHA256: checksum("sha256", "y") },
      }),
    }),
    fails("POST {b}/foo?uploadId={upload}", 400, ["BadDigest", "InvalidRequest"], {
      body: complete({ number: 1, etag: "{etag1}" }),
      headers: { "x-amz-checksum-sha256": "bad" },
    }),
  ),
  row(
    "The size that a completion tells must be the object's",
    "CompleteMultipartUpload: x-amz-mp-object-size",
    start("{b}/foo"),
    ask(
      "PUT {b}/foo?partNumber=1&uploadId={upload}",
      { body: "x" },
      { save: { etag1: "header etag" } },
    ),
    fails("POST {b}/foo?uploadId={upload}", 400, "InvalidRequest", {
      body: complete({ number: 1, etag: "{etag1}" }),
      headers: { "x-amz-mp-object-size": "2" },
    }),
    ask("POST {b}/foo?uploadId={upload}", {
      body: complete({ number: 1, etag: "{etag1}" }),
      headers: { "x-amz-mp-object-size": "1" },
    }),
  ),
];

export const checksumRows = area("checksums", [...single, ...rules, ...uploads, ...uploadRules]);
