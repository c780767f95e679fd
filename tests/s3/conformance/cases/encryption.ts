import { area, ask, fails, put, type Row, row, type Step, see } from "../support/case.ts";
import { bytes, md5 } from "../support/checksums.ts";
import { complete, document, elements } from "../support/documents.ts";

const CUSTOMER = "User guide: Using server-side encryption with customer-provided keys (SSE-C)";
const MANAGED = "User guide: Using server-side encryption with Amazon S3 managed keys (SSE-S3)";
const PREFIX = "x-amz-server-side-encryption-customer-";
const COPY_PREFIX = "x-amz-copy-source-server-side-encryption-customer-";
const AES = { "x-amz-server-side-encryption": "AES256" };
const LARGE = bytes(300_001, 71);
const PART = bytes(5 * 1024 * 1024 + 1, 72);

function keyHeaders(letter: string, prefix = PREFIX): Record<string, string> {
  const key = Buffer.alloc(32, letter);
  return {
    [`${prefix}algorithm`]: "AES256",
    [`${prefix}key`]: key.toString("base64"),
    [`${prefix}key-md5`]: md5(key, "base64"),
  };
}

/** The headers of a key that a customer keeps. */
export const SSE_C = keyHeaders("k");
const OTHER = keyHeaders("o");
const KEY_MD5 = SSE_C[`${PREFIX}key-md5`] ?? "";
const SAID = { [`${PREFIX}algorithm`]: "AES256", [`${PREFIX}key-md5`]: KEY_MD5 };

const customer: readonly Row[] = [
  row(
    "A form may carry a customer's key",
    `${CUSTOMER}: POST Object`,
    ask(
      "POST {b}",
      {
        form: {
          style: "v4",
          fields: [["key", "foo"], ...Object.entries(SSE_C)],
          conditions: [
            { bucket: "{b}" },
            ["starts-with", "$key", "foo"],
            ...Object.keys(SSE_C).map((name) => ["starts-with", `$${name}`, ""]),
          ],
          file: "bar",
        },
      },
      { status: 204, headers: SAID },
    ),
    fails("GET {b}/foo", 400, "InvalidRequest"),
    ask("GET {b}/foo", { headers: SSE_C }, { body: "bar" }),
  ),
  ...[1, 13, 1024, LARGE.length].map((size) => {
    const body = LARGE.subarray(0, size);
    return row(
      `${size} bytes under a customer's key come back with the key only`,
      CUSTOMER,
      ask("PUT {b}/foo", { body, headers: SSE_C }, { headers: SAID }),
      ask("GET {b}/foo", { headers: SSE_C }, { body, headers: SAID }),
      ask(
        "HEAD {b}/foo",
        { headers: SSE_C },
        {
          headers: { ...SAID, "content-length": String(size) },
        },
      ),
      fails("GET {b}/foo", 400, "InvalidRequest"),
      fails("HEAD {b}/foo", 400),
      fails("GET {b}/foo", [400, 403], undefined, { headers: OTHER }),
      fails("HEAD {b}/foo", [400, 403], undefined, { headers: OTHER }),
    );
  }),
  row(
    "Ranges of what is encrypted are what they would be",
    CUSTOMER,
    ask("PUT {b}/foo", { body: LARGE, headers: SSE_C }),
    ...(
      [
        [0, 0],
        [1, 15],
        [16, 31],
        [65_535, 65_537],
        [100_003, 200_009],
        [300_000, 300_000],
      ] as const
    ).map(([from, to]) =>
      ask(
        "GET {b}/foo",
        { headers: { ...SSE_C, range: `bytes=${from}-${to}` } },
        {
          status: 206,
          body: LARGE.subarray(from, to + 1),
        },
      ),
    ),
  ),
  row(
    "A key for what is not encrypted is refused",
    CUSTOMER,
    put("{b}/foo", "bar"),
    fails("GET {b}/foo", 400, "InvalidRequest", { headers: SSE_C }),
  ),
  ...(
    [
      ["with another MD5", { ...SSE_C, [`${PREFIX}key-md5`]: "AAAAAAAAAAAAAAAAAAAAAA==" }],
      ["without its MD5", without("key-md5")],
      ["without the key", without("key")],
      ["without the algorithm", without("algorithm")],
      ["with the algorithm alone", { [`${PREFIX}algorithm`]: "AES256" }],
      ["with another algorithm", { ...SSE_C, [`${PREFIX}algorithm`]: "AES192" }],
      [
        "that is too short",
        { ...SSE_C, [`${PREFIX}key`]: "c2hvcnQ=", [`${PREFIX}key-md5`]: md5("short", "base64") },
      ],
      ["beside a key of S3's", { ...SSE_C, ...AES }],
    ] as const
  ).map(([what, headers]) =>
    row(
      `A customer's key ${what} is refused`,
      CUSTOMER,
      fails(
        "PUT {b}/foo",
        400,
        ["InvalidArgument", "InvalidRequest", "InvalidEncryptionAlgorithmError"],
        {
          body: "x",
          headers,
        },
      ),
      fails("GET {b}/foo", 404, "NoSuchKey"),
    ),
  ),
  row(
    "Parts are sent with the key that the upload was begun with",
    `${CUSTOMER}: multipart`,
    ask(
      "POST {b}/big?uploads",
      { headers: SSE_C },
      { headers: SAID, save: { upload: "xml UploadId" } },
    ),
    fails("PUT {b}/big?partNumber=1&uploadId={upload}", 400, "InvalidRequest", { body: "x" }),
    fails("PUT {b}/big?partNumber=1&uploadId={upload}", [400, 403], undefined, {
      body: "x",
      headers: OTHER,
    }),
    encryptedPart(1, PART),
    encryptedPart(2, Buffer.from("end")),
    ask(
      "POST {b}/big?uploadId={upload}",
      {
        body: complete({ number: 1, etag: "{etag1}" }, { number: 2, etag: "{etag2}" }),
        headers: SSE_C,
      },
      { status: 200 },
    ),
    ask("GET {b}/big", { headers: SSE_C }, { body: Buffer.concat([PART, Buffer.from("end")]) }),
    ask(
      "GET {b}/big",
      { headers: { ...SSE_C, range: `bytes=${PART.length - 3}-${PART.length + 1}` } },
      {
        status: 206,
        body: Buffer.concat([PART.subarray(-3), Buffer.from("en")]),
      },
    ),
    ask("GET {b}/big?partNumber=2", { headers: SSE_C }, { status: 206, body: "end" }),
    see("GET {b}", { xml: { "Contents/Size": String(PART.length + 3) } }),
    fails("GET {b}/big", [400, 403], undefined, { headers: OTHER }),
  ),
  row(
    "Attributes are told to who has the key",
    "GetObjectAttributes",
    ask("PUT {b}/foo", { body: "bar", headers: SSE_C }),
    fails("GET {b}/foo?attributes", 400, "InvalidRequest", {
      headers: { "x-amz-object-attributes": "ObjectSize" },
    }),
    ask(
      "GET {b}/foo?attributes",
      {
        headers: { "x-amz-object-attributes": "ObjectSize", ...SSE_C },
      },
      { xml: { ObjectSize: "3" } },
    ),
  ),
];

function encryptedPart(number: number, body: Uint8Array): Step {
  return ask(
    `PUT {b}/big?partNumber=${number}&uploadId={upload}`,
    { body, headers: SSE_C },
    { headers: SAID, save: { [`etag${number}`]: "header etag" } },
  );
}

function without(name: string): Record<string, string> {
  return Object.fromEntries(Object.entries(SSE_C).filter(([key]) => key !== `${PREFIX}${name}`));
}

/** How objects may be kept, what is said to write them so, to read them, and to copy from them. */
const MODES = [
  { name: "plain", write: {}, read: {}, from: {} },
  { name: "with S3's key", write: AES, read: {}, from: {} },
  { name: "with a customer's key", write: SSE_C, read: SSE_C, from: keyHeaders("k", COPY_PREFIX) },
] as const;

const copies: readonly Row[] = MODES.flatMap((source) =>
  MODES.map((target) =>
    row(
      `What is kept ${source.name} is copied to be kept ${target.name}, whole or as a part`,
      "CopyObject, UploadPartCopy: server-side encryption",
      ask("PUT {b}/src", { body: LARGE, headers: source.write }),
      ask("PUT {b2}/dst", {
        headers: { "x-amz-copy-source": "{b}/src", ...source.from, ...target.write },
      }),
      ask(
        "GET {b2}/dst",
        { headers: target.read },
        { body: LARGE, headers: target.name === "with S3's key" ? AES : {} },
      ),
      ask(
        "POST {b2}/part?uploads",
        { headers: target.write },
        { save: { upload: "xml UploadId" } },
      ),
      ask(
        "PUT {b2}/part?partNumber=1&uploadId={upload}",
        {
          headers: {
            "x-amz-copy-source": "{b}/src",
            "x-amz-copy-source-range": "bytes=10-99999",
            ...source.from,
            ...target.read,
          },
        },
        { save: { etag: "xml ETag" } },
      ),
      ask("POST {b2}/part?uploadId={upload}", {
        body: complete({ number: 1, etag: "{etag}" }),
        headers: target.read,
      }),
      ask("GET {b2}/part", { headers: target.read }, { body: LARGE.subarray(10, 100_000) }),
      ...(source.from === MODES[2].from
        ? [
            fails("PUT {b2}/dst", 400, "InvalidRequest", {
              headers: { "x-amz-copy-source": "{b}/src" },
            }),
          ]
        : []),
    ),
  ),
);

const managed: readonly Row[] = [
  row(
    "What is put with S3's key says so",
    MANAGED,
    ask("PUT {b}/foo", { body: LARGE, headers: AES }, { headers: AES }),
    see("GET {b}/foo", { body: LARGE, headers: AES }),
    see("HEAD {b}/foo", { headers: AES }),
    ask(
      "POST {b}/big?uploads",
      { headers: AES },
      { headers: AES, save: { upload: "xml UploadId" } },
    ),
    ask(
      "PUT {b}/big?partNumber=1&uploadId={upload}",
      { body: "x" },
      {
        headers: AES,
        save: { etag: "header etag" },
      },
    ),
    ask(
      "POST {b}/big?uploadId={upload}",
      { body: complete({ number: 1, etag: "{etag}" }) },
      {
        headers: AES,
      },
    ),
    see("HEAD {b}/big", { headers: AES }),
  ),
  ...(
    [
      ["an unknown algorithm", { "x-amz-server-side-encryption": "aes:kms" }],
      [
        "S3's key and a key of KMS",
        { ...AES, "x-amz-server-side-encryption-aws-kms-key-id": "fool" },
      ],
      ["a key of KMS alone", { "x-amz-server-side-encryption-aws-kms-key-id": "fool" }],
    ] as const
  ).map(([what, headers]) =>
    row(
      `${what} is refused`,
      "PutObject: x-amz-server-side-encryption",
      fails("PUT {b}/foo", 400, ["InvalidArgument", "InvalidEncryptionAlgorithmError"], {
        body: "x",
        headers,
      }),
    ),
  ),
  row(
    "Who reads does not say how it is encrypted",
    "GetObject, HeadObject: x-amz-server-side-encryption is refused",
    ask("PUT {b}/foo", { body: "x", headers: AES }),
    fails("HEAD {b}/foo", 400, undefined, { headers: AES }),
    fails("GET {b}/foo", 400, "InvalidArgument", { headers: AES }),
  ),
  row(
    "A bucket has a default, which is told of what is put into it",
    "PutBucketEncryption, GetBucketEncryption, DeleteBucketEncryption",
    fails("GET {b}?encryption", [404, 200], undefined),
    ask("DELETE {b}?encryption"),
    ask("PUT {b}?encryption", { body: defaultEncryption({ SSEAlgorithm: "AES256" }) }),
    see("GET {b}?encryption", {
      xml: { "Rule/ApplyServerSideEncryptionByDefault/SSEAlgorithm": "AES256" },
    }),
    ask("PUT {b}/foo", { body: "x" }, { headers: AES }),
    see("GET {b}/foo", { headers: AES }),
    ask("PUT {b}/copy", { headers: { "x-amz-copy-source": "{b}/foo" } }, { headers: AES }),
    ask("DELETE {b}?encryption"),
    fails("GET {b}?encryption", [404, 200], undefined),
  ),
  row(
    "A default that is none is refused",
    "PutBucketEncryption",
    fails("PUT {b}?encryption", 400, ["MalformedXML", "InvalidArgument"], {
      body: defaultEncryption({ SSEAlgorithm: "ROT13" }),
    }),
    fails("PUT {b}?encryption", 400, "MalformedXML", {
      body: document("ServerSideEncryptionConfiguration", ""),
    }),
    fails("PUT {b}?encryption", 400, ["MalformedXML", "InvalidArgument"], {
      body: defaultEncryption({ SSEAlgorithm: "AES256", KMSMasterKeyID: "key" }),
    }),
  ),
];

function defaultEncryption(rule: Record<string, string>): string {
  return document(
    "ServerSideEncryptionConfiguration",
    `<Rule><ApplyServerSideEncryptionByDefault>${elements(rule)}</ApplyServerSideEncryptionByDefault></Rule>`,
  );
}

export const encryption = area("encryption", [...customer, ...copies, ...managed]);
