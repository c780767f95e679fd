import { describe, expect, test } from "vitest";
import { S3Error } from "../s3/errors.ts";
import { sha256Hex, signRequest } from "../testing/sign-request.ts";
import { authenticate } from "./authenticate.ts";
import { headersOf } from "./query-headers.ts";
import { authenticationParts, EXAMPLE_KEY, foundKey } from "./testing/known-keys.ts";
import { type RawRequestShape, rawRequest, textOf } from "./testing/raw-request.ts";

/** The time of the examples in AWS's documentation of the signature. */
const DOCUMENTED_MS = Date.UTC(2013, 4, 24);
const EMPTY_SHA256 = sha256Hex("");
const SCOPE = "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request";
const HOST = ["Host", "examplebucket.s3.amazonaws.com"] as const;
const DATE = ["x-amz-date", "20130524T000000Z"] as const;

function authorization(signedHeaders: string, signature: string, scope = SCOPE) {
  const value = `AWS4-HMAC-SHA256 Credential=${scope},SignedHeaders=${signedHeaders},Signature=${signature}`;
  return ["Authorization", value] as const;
}

const GET_OBJECT: RawRequestShape = {
  target: "/test.txt",
  headers: [
    HOST,
    ["Range", "bytes=0-9"],
    ["x-amz-content-sha256", EMPTY_SHA256],
    DATE,
    authorization(
      "host;range;x-amz-content-sha256;x-amz-date",
      "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
    ),
  ],
};

const PRESIGNED =
  "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";

async function refusal(shape: RawRequestShape, parts = authenticationParts(DOCUMENTED_MS)) {
  const error: unknown = await authenticate(rawRequest(shape), parts).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof S3Error)) throw new Error(`expected a refusal, found ${String(error)}`);
  return { code: error.code, status: error.status, message: error.message, details: error.details };
}

/** The request with some headers set, or taken away where `undefined`. */
function withHeaders(
  shape: RawRequestShape,
  changes: Readonly<Record<string, string | undefined>>,
): RawRequestShape {
  const kept = (shape.headers ?? []).filter(([name]) => !(name.toLowerCase() in changes));
  const set = Object.entries(changes).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  );
  return { ...shape, headers: [...kept, ...set] };
}

describe("AWS's documented examples", () => {
  test.each<readonly [name: string, shape: RawRequestShape]>([
    ["GET Object", GET_OBJECT],
    [
      "PUT Object",
      {
        method: "PUT",
        target: "/test%24file.text",
        body: [Buffer.from("Welcome to Amazon S3.")],
        headers: [
          HOST,
          ["Date", "Fri, 24 May 2013 00:00:00 GMT"],
          DATE,
          ["x-amz-storage-class", "REDUCED_REDUNDANCY"],
          ["x-amz-content-sha256", sha256Hex("Welcome to Amazon S3.")],
          authorization(
            "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
          ),
        ],
      },
    ],
    [
      "GET Bucket Lifecycle",
      {
        target: "/?lifecycle",
        headers: [
          HOST,
          DATE,
          ["x-amz-content-sha256", EMPTY_SHA256],
          authorization(
            "host;x-amz-content-sha256;x-amz-date",
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
          ),
        ],
      },
    ],
    [
      "GET Bucket (List Objects)",
      {
        target: "/?max-keys=2&prefix=J",
        headers: [
          HOST,
          DATE,
          ["x-amz-content-sha256", EMPTY_SHA256],
          authorization(
            "host;x-amz-content-sha256;x-amz-date",
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
          ),
        ],
      },
    ],
    ["a presigned URL", { target: PRESIGNED, headers: [HOST] }],
  ])("%s", async (_, shape) => {
    const parts = authenticationParts(DOCUMENTED_MS);
    const { caller, body } = await authenticate(rawRequest(shape), parts);
    expect(caller).toMatchObject({ kind: "user", name: "alice" });
    expect(await textOf(body)).toBe(Buffer.concat(shape.body ?? []).toString());
    // One character of the path makes it another request.
    const other = { ...shape, target: (shape.target ?? "").replace("/", "/x") };
    expect(await refusal(other, parts)).toMatchObject({ code: "SignatureDoesNotMatch" });
  });
});

test("a request without a signature is nobody's", async () => {
  const parts = authenticationParts(DOCUMENTED_MS);
  for (const headers of [[HOST], [HOST, ["Authorization", ""] as const]]) {
    const { caller } = await authenticate(rawRequest({ headers }), parts);
    expect(caller).toEqual({ kind: "anonymous" });
  }
});

test("what does not match is told with what was signed", async () => {
  const wrong = withHeaders(GET_OBJECT, { range: "bytes=0-8" });
  const { status, details } = await refusal(wrong);
  expect(status).toBe(403);
  expect(details).toMatchObject({
    AWSAccessKeyId: EXAMPLE_KEY.accessKeyId,
    SignatureProvided: "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
  });
  expect(details["StringToSign"]).toContain("20130524/us-east-1/s3/aws4_request");
  expect(details["CanonicalRequest"]).toContain("range:bytes=0-8");
  expect(details["StringToSignBytes"]).toMatch(/^41 57 53 34 /u);
  expect(JSON.stringify(details)).not.toContain(EXAMPLE_KEY.secretKey);
});

test.each<
  readonly [
    what: string,
    changes: Record<string, string | undefined>,
    code: string,
    message: string,
  ]
>([
  [
    "another scheme",
    { authorization: "Basic abc" },
    "InvalidArgument",
    "Unsupported Authorization Type",
  ],
  ["a word", { authorization: "abc" }, "InvalidArgument", "one and only one ' ' (space) required."],
  [
    "a payload's hash that is none",
    { "x-amz-content-sha256": "none" },
    "InvalidArgument",
    "x-amz-content-sha256 must be",
  ],
  [
    "nothing but the algorithm",
    { authorization: "AWS4-HMAC-SHA256 " },
    "AuthorizationHeaderMalformed",
    "requires three components",
  ],
  [
    "no credential",
    { authorization: "AWS4-HMAC-SHA256 Credentials=x,SignedHeaders=host,Signature=a" },
    "AuthorizationHeaderMalformed",
    "missing Credential.",
  ],
  [
    "no signed headers",
    { authorization: `AWS4-HMAC-SHA256 Credential=${SCOPE},Headers=host,Signature=a` },
    "AuthorizationHeaderMalformed",
    "missing SignedHeaders.",
  ],
  [
    "no signature",
    { authorization: `AWS4-HMAC-SHA256 Credential=${SCOPE},SignedHeaders=host,Sig=a` },
    "AuthorizationHeaderMalformed",
    "missing Signature.",
  ],
  [
    "a part without a value",
    { authorization: "AWS4-HMAC-SHA256 Credential" },
    "AuthorizationHeaderMalformed",
    'the authorization component "Credential" is malformed.',
  ],
  [
    "a short credential",
    { authorization: authorization("host", "a", "AK/20130524/us-east-1/s3")[1] },
    "AuthorizationHeaderMalformed",
    "the Credential is mal-formed",
  ],
  [
    "another terminal",
    { authorization: authorization("host", "a", "AK/20130524/us-east-1/s3/aws4")[1] },
    "AuthorizationHeaderMalformed",
    'incorrect terminal "aws4".',
  ],
  [
    "another service",
    { authorization: authorization("host", "a", "AK/20130524/us-east-1/ec2/aws4_request")[1] },
    "AuthorizationHeaderMalformed",
    'incorrect service "ec2".',
  ],
  [
    "no day",
    { authorization: authorization("host", "a", "AK/2013-05-24/us-east-1/s3/aws4_request")[1] },
    "AuthorizationHeaderMalformed",
    'incorrect date format "2013-05-24".',
  ],
  [
    "another day",
    {
      authorization: authorization(
        "host",
        "a",
        "AKIAIOSFODNN7EXAMPLE/20130525/us-east-1/s3/aws4_request",
      )[1],
    },
    "AuthorizationHeaderMalformed",
    'Invalid credential date "20130525"',
  ],
  [
    "no date",
    { "x-amz-date": undefined },
    "AccessDenied",
    "requires a valid Date or x-amz-date header",
  ],
  [
    "a date that is none",
    { "x-amz-date": "20130524T250000Z" },
    "AccessDenied",
    "requires a valid Date or x-amz-date header",
  ],
  [
    "no hash of the payload",
    { "x-amz-content-sha256": undefined },
    "InvalidRequest",
    "x-amz-content-sha256",
  ],
  [
    "an unsigned header",
    { "x-amz-meta-a": "1" },
    "AccessDenied",
    "headers present in the request which were not signed",
  ],
  [
    "a host that is not signed",
    { authorization: authorization("range;x-amz-content-sha256;x-amz-date", "a")[1] },
    "AccessDenied",
    "headers present in the request which were not signed",
  ],
  ["a token", { "x-amz-security-token": "abc" }, "InvalidToken", "token"],
])("%s is refused as AWS does", async (_, changes, code, message) => {
  const found = await refusal(withHeaders(GET_OBJECT, changes));
  expect(found).toMatchObject({ code });
  expect(found.message).toContain(message);
});

test("a wrong region is refused with the right one, us-east-1 is taken everywhere", async () => {
  const elsewhere = authenticationParts(DOCUMENTED_MS, [foundKey(EXAMPLE_KEY)], "eu-central-1");
  const { caller } = await authenticate(rawRequest(GET_OBJECT), elsewhere);
  expect(caller.kind).toBe("user");
  const scope = SCOPE.replace("us-east-1", "ap-south-1");
  const wrong = withHeaders(GET_OBJECT, { authorization: authorization("host", "a", scope)[1] });
  expect(await refusal(wrong, elsewhere)).toMatchObject({
    code: "AuthorizationHeaderMalformed",
    message:
      "The authorization header is malformed; the region 'ap-south-1' is wrong; expecting 'eu-central-1'",
    details: { Region: "eu-central-1" },
  });
});

test("a time more than 15 minutes away is refused", async () => {
  const minute = 60_000;
  for (const [awayMs, isGood] of [
    [15 * minute, true],
    [-15 * minute, true],
    [15 * minute + 1, false],
    [-15 * minute - 1, false],
  ] as const) {
    const parts = authenticationParts(DOCUMENTED_MS + awayMs);
    if (isGood) await authenticate(rawRequest(GET_OBJECT), parts);
    else
      expect(await refusal(GET_OBJECT, parts)).toMatchObject({
        code: "RequestTimeTooSkewed",
        status: 403,
      });
  }
});

test("of what is wrong with a time and a key, the time is told first, a wrong day last", async () => {
  const nextDay = withHeaders(GET_OBJECT, { "x-amz-date": "20130525T000000Z" });
  expect((await refusal(nextDay)).code).toBe("RequestTimeTooSkewed");
  expect((await refusal(nextDay, authenticationParts(DOCUMENTED_MS, []))).code).toBe(
    "RequestTimeTooSkewed",
  );
  const later = DOCUMENTED_MS + 86_400_000;
  expect((await refusal(nextDay, authenticationParts(later, []))).code).toBe("InvalidAccessKeyId");
  expect((await refusal(nextDay, authenticationParts(later))).code).toBe(
    "AuthorizationHeaderMalformed",
  );
  const before1970 = withHeaders(GET_OBJECT, { "x-amz-date": "19500707T215304Z" });
  expect((await refusal(before1970)).code).toBe("AccessDenied");
});

test("keys that are unknown, disabled or expired are refused alike", async () => {
  for (const keys of [
    [],
    [foundKey(EXAMPLE_KEY, { isDisabled: true })],
    [foundKey(EXAMPLE_KEY, { expiresMs: DOCUMENTED_MS })],
  ]) {
    const parts = authenticationParts(DOCUMENTED_MS, keys);
    expect(await refusal(GET_OBJECT, parts)).toMatchObject({
      code: "InvalidAccessKeyId",
      details: { AWSAccessKeyId: EXAMPLE_KEY.accessKeyId },
    });
  }
  const later = [foundKey(EXAMPLE_KEY, { expiresMs: DOCUMENTED_MS + 1 })];
  await authenticate(rawRequest(GET_OBJECT), authenticationParts(DOCUMENTED_MS, later));
});

test("a request that is signed in two ways is refused", async () => {
  const both = { ...GET_OBJECT, target: PRESIGNED };
  const found = await refusal(both);
  expect(found.code).toBe("InvalidArgument");
  expect(found.message).toContain("Only one auth mechanism allowed");
});

test.each<
  readonly [what: string, from: string | RegExp, to: string, code: string, message: string]
>([
  [
    "no signature",
    /&X-Amz-Signature=\w+/u,
    "",
    "AuthorizationQueryParametersError",
    "Query-string authentication version 4 requires",
  ],
  [
    "no date",
    /&X-Amz-Date=\w+/u,
    "",
    "AuthorizationQueryParametersError",
    "Query-string authentication version 4 requires",
  ],
  [
    "another algorithm",
    "AWS4-HMAC-SHA256",
    "AWS4-HMAC-SHA1",
    "AuthorizationQueryParametersError",
    "X-Amz-Algorithm only supports",
  ],
  [
    "a credential cut short",
    "%2Faws4_request",
    "",
    "AuthorizationQueryParametersError",
    "Error parsing the X-Amz-Credential parameter; the Credential is mal-formed",
  ],
  [
    "another region",
    "us-east-1",
    "us-west-2",
    "AuthorizationQueryParametersError",
    "the region 'us-west-2' is wrong; expecting 'us-east-1'",
  ],
  [
    "a date in another form",
    "20130524T000000Z",
    "2013-05-24",
    "AuthorizationQueryParametersError",
    "X-Amz-Date must be in the ISO8601 Long Format",
  ],
  [
    "another day",
    "=20130524T",
    "=20130523T",
    "AuthorizationQueryParametersError",
    "Invalid credential date",
  ],
  [
    "an age below zero",
    "86400",
    "-1",
    "AuthorizationQueryParametersError",
    "X-Amz-Expires must be non-negative",
  ],
  [
    "an age of more than a week",
    "86400",
    "604801",
    "AuthorizationQueryParametersError",
    "X-Amz-Expires must be less than a week",
  ],
  [
    "an age that is no number",
    "86400",
    "day",
    "AuthorizationQueryParametersError",
    "X-Amz-Expires should be a number",
  ],
  ["another age", "86400", "86401", "SignatureDoesNotMatch", "does not match"],
  [
    "one more parameter",
    "/test.txt?",
    "/test.txt?versionId=1&",
    "SignatureDoesNotMatch",
    "does not match",
  ],
])("a presigned URL with %s is refused", async (_, from, to, code, message) => {
  const found = await refusal({ target: PRESIGNED.replace(from, to), headers: [HOST] });
  expect(found).toMatchObject({ code });
  expect(found.message).toContain(message);
});

test("a presigned URL is good from its time on until it expires", async () => {
  const shape = { target: PRESIGNED, headers: [HOST] };
  const hour = 3_600_000;
  await authenticate(rawRequest(shape), authenticationParts(DOCUMENTED_MS + 24 * hour));
  expect(await refusal(shape, authenticationParts(DOCUMENTED_MS + 24 * hour + 1))).toMatchObject({
    code: "AccessDenied",
    message: "Request has expired",
    details: { "X-Amz-Expires": "86400", Expires: "2013-05-25T00:00:00Z" },
  });
  expect(await refusal(shape, authenticationParts(DOCUMENTED_MS - hour))).toMatchObject({
    code: "AccessDenied",
    message: "Request is not yet valid",
  });
});

test("a presigned URL cannot be made another request by headers that were not signed", async () => {
  const shape = { target: PRESIGNED, headers: [HOST, ["x-amz-acl", "public-read"]] as const };
  expect(await refusal(shape)).toMatchObject({
    code: "AccessDenied",
    details: { HeadersNotSigned: "x-amz-acl" },
  });
});

test("headers in the query of a presigned URL count as sent", () => {
  const target = `${PRESIGNED}&x-amz-meta-color=r%C3%B6t&X-Amz-Acl=private&versionId=1`;
  const headers: readonly (readonly [string, string])[] = [HOST, ["x-amz-acl", "public-read"]];
  const seen = headersOf(rawRequest({ target, headers }));
  expect(seen).toEqual({
    host: "examplebucket.s3.amazonaws.com",
    "x-amz-acl": "public-read",
    "x-amz-meta-color": Buffer.from("röt").toString("latin1"),
  });
  const plain = rawRequest({ target: "/a?x-amz-meta-color=red", headers });
  expect(headersOf(plain)).toBe(plain.headers);
});

test("a payload is compared with the hash that was signed", async () => {
  const parts = authenticationParts(DOCUMENTED_MS);
  const signed = (payload: string, payloadHash: string) => {
    const headers = signRequest(
      {
        method: "PUT",
        path: "/b/k",
        query: "",
        headers: { host: "h" },
        payloadHash,
        timeMs: DOCUMENTED_MS,
      },
      EXAMPLE_KEY,
    );
    return rawRequest({
      method: "PUT",
      target: "/b/k",
      headers: Object.entries(headers),
      body: [Buffer.from(payload.slice(0, 2)), Buffer.from(payload.slice(2))],
    });
  };
  const good = await authenticate(signed("payload", sha256Hex("payload")), parts);
  expect(good.body.lengthBytes).toBe(7);
  expect(await textOf(good.body)).toBe("payload");
  const unsigned = await authenticate(signed("payload", "UNSIGNED-PAYLOAD"), parts);
  expect(await textOf(unsigned.body)).toBe("payload");
  await expect(authenticate(signed("", sha256Hex("payload")), parts)).rejects.toMatchObject({
    code: "XAmzContentSHA256Mismatch",
  });
  for (const payload of ["paYload", "payloa"]) {
    const { body } = await authenticate(signed(payload, sha256Hex("payload")), parts);
    await expect(textOf(body)).rejects.toMatchObject({
      code: "XAmzContentSHA256Mismatch",
      details: {
        ClientComputedContentSHA256: sha256Hex("payload"),
        S3ComputedContentSHA256: sha256Hex(payload),
      },
    });
  }
  await expect(authenticate(signed("x", "sha256"), parts)).rejects.toMatchObject({
    code: "InvalidArgument",
    details: { ArgumentName: "x-amz-content-sha256", ArgumentValue: "sha256" },
  });
});
