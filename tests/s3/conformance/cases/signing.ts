import { area, ask, denied, fails, put, type Row, row, see } from "../support/case.ts";
import { bytes } from "../support/checksums.ts";
import type { Signing } from "../support/sign.ts";

const HEADERS = "SigV4: Authenticating requests with the Authorization header";
const QUERY = "SigV4: Authenticating requests by using query parameters";
const STREAMED =
  "SigV4: Signature calculations for the Authorization header: transferring payload in multiple chunks";
const BODY = bytes(70_000, 51);
const HOUR = 3_600_000;

const headers: readonly Row[] = [
  row(
    "A body may be unsigned",
    `${HEADERS}: UNSIGNED-PAYLOAD`,
    ask("PUT {b}/foo", { body: "bar", signing: { payload: "UNSIGNED-PAYLOAD" } }),
    see("GET {b}/foo", { body: "bar" }),
  ),
  row(
    "A wrong secret is a wrong signature, an unknown key an unknown key",
    "Error responses: SignatureDoesNotMatch, InvalidAccessKeyId",
    ...["GET {b}", "PUT {b}/foo", "DELETE {b}/foo", "POST {b}/foo?uploads"].flatMap((line) => [
      fails(line, 403, "SignatureDoesNotMatch", { signing: { secretKey: "wrong" } }),
      fails(line, 403, "InvalidAccessKeyId", { signing: { accessKeyId: "AKNOBODYNOBODYNOBODY" } }),
    ]),
  ),
  row(
    "A clock that is off by more than a quarter of an hour is too far off",
    "Error responses: RequestTimeTooSkewed",
    ask("GET {b}", { signing: { skewMs: -600_000 } }),
    ask("GET {b}", { signing: { skewMs: 600_000 } }),
    fails("GET {b}", 403, "RequestTimeTooSkewed", { signing: { skewMs: -HOUR } }),
    fails("GET {b}", 403, "RequestTimeTooSkewed", { signing: { skewMs: HOUR } }),
    fails("GET {b}", 403, ["RequestTimeTooSkewed", "SignatureDoesNotMatch"], {
      signing: { skewMs: -2 * 24 * HOUR },
    }),
  ),
  row(
    "A signature is of one region and service",
    "Error responses: AuthorizationHeaderMalformed",
    fails("GET {b}", 400, "AuthorizationHeaderMalformed", { signing: { region: "eu-nowhere-9" } }),
    fails("GET {b}", 400, "AuthorizationHeaderMalformed", { signing: { service: "ec2" } }),
  ),
  ...(
    [
      ["no scope", /Credential=([^/]+)\/[^,]+/u, "Credential=$1"],
      ["no signature", /, Signature=.*/u, ""],
      ["no signed headers", /SignedHeaders=[^,]+, /u, ""],
      ["no credential", /Credential=[^,]+, /u, ""],
      ["a date that is none", /\/\d{8}\//u, "/tomorrow/"],
      ["another end", /aws4_request/u, "aws4_reply"],
    ] as const
  ).map(([what, pattern, instead]) =>
    row(
      `An Authorization with ${what} is malformed`,
      "Error responses: AuthorizationHeaderMalformed",
      fails("GET {b}", [400, 403], ["AuthorizationHeaderMalformed", "AccessDenied"], {
        signing: {
          spoil: (request) => {
            request.headers.authorization = (request.headers.authorization ?? "").replace(
              pattern,
              instead,
            );
          },
        },
      }),
    ),
  ),
  ...(
    [
      ["empty", "", 403],
      ["of another kind", "Basic dXNlcjpwYXNz", 400],
      ["of no kind", "HAHAHA", 400],
      ["of the first kind and nothing more", "AWS HAHAHA", 400],
      ["of the fourth kind and nothing more", "AWS4-HMAC-SHA256", 400],
    ] as const
  ).map(([what, authorization, status]) =>
    row(
      `An Authorization that is ${what} is refused with ${status}`,
      HEADERS,
      fails("PUT {b}/foo", [status, 403], undefined, {
        as: "anonymous",
        headers: { authorization },
      }),
    ),
  ),
  ...(
    [
      ["a header that was signed", { headers: true }],
      ["the path", { path: true }],
      ["the query", { query: true }],
    ] as const
  ).map(([what, kind]) =>
    row(
      `Who changes ${what} breaks the signature`,
      HEADERS,
      put("{b}/foo", "bar"),
      put("{b}/fop", "bar"),
      fails("GET {b}/foo?versionId=null", 403, "SignatureDoesNotMatch", {
        headers: { "x-amz-meta-a": "1" },
        signing: {
          spoil: (request) => {
            if ("headers" in kind) request.headers["x-amz-meta-a"] = "2";
            else if ("path" in kind) request.path = request.path.replace("foo", "fop");
            else request.path = request.path.replace("versionId=null", "versionId=NULL");
          },
        },
      }),
    ),
  ),
  row(
    "An x-amz header that is not signed is refused",
    "Error responses: AccessDenied: headers present in the request which were not signed",
    fails("PUT {b}/foo", 403, "AccessDenied", {
      signing: {
        spoil: (request) => {
          request.headers["x-amz-acl"] = "public-read";
        },
      },
    }),
  ),
  row(
    "Spaces in a header, other headers and an encoded path are signed as AWS does it",
    `${HEADERS}: canonical request`,
    ask("PUT {b}/a%20b/%C3%A4%2B%27(x)*~", {
      body: "bar",
      headers: { "x-amz-meta-a": "  one   two ", "x-custom": "a" },
      signing: { alsoSigned: ["x-custom"] },
    }),
    see("GET {b}/a%20b/%C3%A4%2B%27(x)*~", { body: "bar" }),
    see("GET {b}/a%20b/%C3%A4%2B%27%28x%29%2A%7E", { body: "bar" }),
    see("GET {b}?prefix=a%20b%2F&max-keys=1&delimiter=%2F", { xml: { "Contents/Key": /ä/u } }),
    see("GET {b}?prefix=a+b", { status: [200, 403] }),
    see("GET {b}?list-type=2&encoding-type=url&prefix=&delimiter=", { status: 200 }),
  ),
];

const chunked: readonly Row[] = [
  ...(
    [
      ["signed chunks", { payload: "chunks" }],
      ["signed chunks of other sizes", { payload: "chunks", chunkBytes: 65_536 }],
      [
        "signed chunks and a trailer",
        { payload: "chunksTrailer", trailer: "x-amz-checksum-crc32c" },
      ],
      [
        "unsigned chunks and a trailer",
        { payload: "unsignedTrailer", trailer: "x-amz-checksum-crc32" },
      ],
    ] as const
  ).map(([how, signing]) =>
    row(
      `A body may come in ${how}, and may be empty`,
      STREAMED,
      ask("PUT {b}/foo", { body: BODY, signing }),
      see("GET {b}/foo", { body: BODY, headers: { "content-encoding": null } }),
      ask("PUT {b}/empty", { signing }),
      see("GET {b}/empty", { body: "" }),
      ask("PUT {b}/coded", {
        body: BODY,
        signing,
        headers: { "content-encoding": "gzip,aws-chunked" },
      }),
      see("HEAD {b}/coded", { headers: { "content-encoding": "gzip" } }),
    ),
  ),
  ...(
    [
      [
        "a chunk with another signature",
        {
          payload: "chunks",
          spoil: (r) => edit(r, /chunk-signature=.{4}/u, "chunk-signature=0000"),
        },
        403,
        "SignatureDoesNotMatch",
      ],
      [
        "a chunk with other bytes",
        { payload: "chunks", spoil: (r) => flip(r, 500) },
        403,
        "SignatureDoesNotMatch",
      ],
      [
        "another length than was said",
        { payload: "chunks", decodedLength: "69999" },
        400,
        "IncompleteBody",
      ],
      [
        "no length of what it carries",
        { payload: "chunks", decodedLength: "" },
        411,
        "MissingContentLength",
      ],
      [
        "a length that is no chunk's",
        { payload: "chunks", spoil: (r) => edit(r, /^2000;/u, "zzzz;") },
        400,
        "IncompleteBody",
      ],
      [
        "a trailer with another signature",
        {
          payload: "chunksTrailer",
          trailer: "x-amz-checksum-crc32",
          spoil: (r) => edit(r, /trailer-signature:.{4}/u, "trailer-signature:0000"),
        },
        403,
        "SignatureDoesNotMatch",
      ],
    ] as const satisfies readonly (readonly [string, Signing, number, string])[]
  ).map(([what, signing, status, code]) =>
    row(
      `A body with ${what} is refused and not stored`,
      STREAMED,
      fails(
        "PUT {b}/foo",
        [status, 400],
        [
          code,
          "InvalidRequest",
          "InvalidArgument",
          "InvalidChunkSizeError",
          "MalformedTrailerError",
        ],
        { body: BODY, signing },
      ),
      fails("GET {b}/foo", 404, "NoSuchKey"),
    ),
  ),
];

const presigned: readonly Row[] = [
  row(
    "A URL that was signed gets, puts and removes",
    QUERY,
    ask("PUT {b}/foo", { body: "bar", signing: { style: "presigned" } }),
    ask("GET {b}/foo", { signing: { style: "presigned" } }, { body: "bar" }),
    ask("HEAD {b}/foo", { signing: { style: "presigned" } }),
    ask(
      "GET {b}?list-type=2&prefix=fo",
      { signing: { style: "presigned" } },
      {
        xml: { "Contents/Key": "foo" },
      },
    ),
    ask("DELETE {b}/foo", { signing: { style: "presigned" } }),
  ),
  row(
    "Headers of a URL that was signed are sent as they were signed",
    QUERY,
    ask("PUT {aw}/foo", {
      body: "hello world",
      headers: { "x-amz-acl": "private" },
      signing: { style: "presigned" },
    }),
    fails("PUT {aw}/foo", 403, "SignatureDoesNotMatch", {
      headers: { "x-amz-acl": "private" },
      signing: {
        style: "presigned",
        spoil: (request) => {
          request.headers["x-amz-acl"] = "public-read";
        },
      },
    }),
    ask(
      "GET {aw}/foo?response-content-type=text%2Fplain",
      { signing: { style: "presigned" } },
      {
        headers: { "content-type": "text/plain" },
      },
    ),
  ),
  row(
    "It ends when it was said to end",
    `${QUERY}: X-Amz-Expires`,
    put("{b}/foo", "bar"),
    ask("GET {b}/foo", { signing: { style: "presigned", expiresS: 604_800 } }),
    denied("GET {b}/foo", { signing: { style: "presigned", skewMs: -HOUR, expiresS: 60 } }),
    denied("PUT {b}/foo", { signing: { style: "presigned", skewMs: -HOUR, expiresS: 60 } }),
    ask("GET {b}/foo", { signing: { style: "presigned", skewMs: -HOUR, expiresS: 7200 } }),
  ),
  ...["0", "-7", "609901", "x", ""].map((expires) =>
    row(
      `It cannot last ${expires === "" ? "without an end" : `${expires} seconds`}`,
      "Error responses: AuthorizationQueryParametersError",
      put("{pr}/foo", "bar", { "x-amz-acl": "public-read" }),
      fails("GET {pr}/foo", [403, 400], ["AuthorizationQueryParametersError", "AccessDenied"], {
        signing: { style: "presigned", expiresS: expires },
      }),
    ),
  ),
  ...(
    [
      ["another signature", /Signature=.{4}/u, "Signature=0000", 403],
      ["another date", /X-Amz-Date=\d{8}T/u, "X-Amz-Date=20200101T", 403],
      ["no date", /&X-Amz-Date=\w+/u, "", 400],
      ["no credential", /&X-Amz-Credential=[^&]+/u, "", 400],
      ["no algorithm", /X-Amz-Algorithm=[^&]+&/u, "", 400],
      ["another algorithm", /AWS4-HMAC-SHA256/u, "AWS4-HMAC-MD5", 400],
      ["no signed headers", /&X-Amz-SignedHeaders=\w+/u, "", 400],
      ["another key", /Credential=[^%]+%2F/u, "Credential=AKNOBODY%2F", 403],
    ] as const
  ).map(([what, pattern, instead, status]) =>
    row(
      `A signed URL with ${what} is refused with ${status}`,
      QUERY,
      put("{b}/foo", "bar"),
      fails("GET {b}/foo", [status, 403, 400], undefined, {
        signing: {
          style: "presigned",
          spoil: (request) => {
            request.path = request.path.replace(pattern, instead);
          },
        },
      }),
    ),
  ),
  row(
    "A URL signed for one method is for no other, one for one key for no other",
    QUERY,
    put("{b}/foo", "bar"),
    fails("GET {b}/foo", 403, "SignatureDoesNotMatch", {
      signing: {
        style: "presigned",
        spoil: (request) => {
          request.path = request.path.replace("/foo", "/fop");
        },
      },
    }),
  ),
  row(
    "A request is signed in one way, not in two",
    "Error responses: InvalidArgument: only one auth mechanism allowed",
    put("{b}/foo", "bar"),
    fails("GET {b}/foo", 400, "InvalidArgument", {
      signing: {
        style: "presigned",
        spoil: (request) => {
          request.headers.authorization =
            "AWS4-HMAC-SHA256 Credential=a/20200101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0";
        },
      },
    }),
  ),
];

const second: readonly Row[] = [
  row(
    "Version 2 of signatures works, or says that it does not",
    "Signing and authenticating REST requests (AWS signature version 2)",
    ask("PUT {b}/foo", { body: "bar", signing: { style: "v2" } }),
    ask("GET {b}/foo", { signing: { style: "v2" } }, { body: "bar" }),
    ask("GET {b}/foo", { signing: { style: "v2Presigned" } }, { body: "bar" }),
    ask("GET {b}?acl", { signing: { style: "v2" } }),
    fails("GET {b}/foo", 403, "SignatureDoesNotMatch", {
      signing: { style: "v2", secretKey: "wrong" },
    }),
    denied("GET {b}/foo", { signing: { style: "v2Presigned", expiresS: -10 } }),
  ),
  ...(
    [
      ["Bad Date", "AccessDenied"],
      ["", "AccessDenied"],
      ["Tue, 07 Jul 2010 21:53:04 GMT", "RequestTimeTooSkewed"],
      ["Tue, 07 Jul 1950 21:53:04 GMT", "AccessDenied"],
      ["Tue, 07 Jul 2099 21:53:04 GMT", "RequestTimeTooSkewed"],
    ] as const
  ).map(([date, code]) =>
    row(
      `With version 2, the date "${date}" is ${code}`,
      "Signing and authenticating REST requests: time stamp requirement",
      fails("PUT {b}/foo", 403, [code, "RequestTimeTooSkewed"], {
        headers: { "x-amz-date": date },
        signing: { style: "v2" },
      }),
    ),
  ),
];

function edit(request: { body: Uint8Array }, pattern: RegExp, instead: string): void {
  const text = Buffer.from(request.body).toString("latin1");
  request.body = Buffer.from(text.replace(pattern, instead), "latin1");
}

function flip(request: { body: Uint8Array }, at: number): void {
  const body = Buffer.from(request.body);
  body[at] = (body[at] ?? 0) ^ 1;
  request.body = body;
}

export const signing = area("signatures", [...headers, ...chunked, ...presigned, ...second]);
