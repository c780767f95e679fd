import { describe, expect, test } from "vitest";
import { S3Error } from "../s3/errors.ts";
import { authenticateForm, type FormFields } from "./post-form.ts";
import { checkPostPolicy } from "./post-policy.ts";
import { hmacSha1 } from "./signature-v2.ts";
import { hmacHex } from "./signature-v4.ts";
import { SigningKeys } from "./signing-keys.ts";
import { authenticationParts, EXAMPLE_KEY } from "./testing/known-keys.ts";

const NOW_MS = Date.UTC(2026, 10, 23, 12);
const SOON = "2026-11-23T13:00:00Z";
const CONDITIONS: readonly unknown[] = [
  { bucket: "photos" },
  ["starts-with", "$key", "up/"],
  { acl: "private" },
  ["starts-with", "$Content-Type", "image/"],
  ["content-length-range", 1, 1024],
];
const FIELDS = { key: "up/a.jpg", acl: "private", "content-type": "image/jpeg" };

function encoded(document: unknown): string {
  return Buffer.from(JSON.stringify(document)).toString("base64");
}

function fieldsOf(fields: Readonly<Record<string, string | undefined>>): FormFields {
  return new Map(
    Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

async function refusal(run: () => unknown) {
  try {
    await run();
  } catch (error) {
    if (error instanceof S3Error) {
      return { code: error.code, status: error.status, message: error.message };
    }
    throw error;
  }
  throw new Error("expected a refusal");
}

describe("who signed a form", () => {
  const policy = encoded({ expiration: SOON, conditions: CONDITIONS });
  const credential = { accessKeyId: EXAMPLE_KEY.accessKeyId, day: "20261123", region: "us-east-1" };
  const signingKey = new SigningKeys().keyOf(credential, EXAMPLE_KEY.secretKey);
  const v4 = {
    policy,
    "x-amz-algorithm": "AWS4-HMAC-SHA256",
    "x-amz-credential": `${EXAMPLE_KEY.accessKeyId}/20261123/us-east-1/s3/aws4_request`,
    "x-amz-date": "20261123T120000Z",
    "x-amz-signature": hmacHex(signingKey, policy),
  };
  const v2 = {
    policy,
    awsaccesskeyid: EXAMPLE_KEY.accessKeyId,
    signature: hmacSha1(EXAMPLE_KEY.secretKey, policy),
  };
  const parts = authenticationParts(NOW_MS);

  test("is found by its signature of either version, or is nobody known", async () => {
    for (const fields of [v4, v2]) {
      expect(await authenticateForm(fieldsOf(fields), parts)).toMatchObject({ name: "alice" });
    }
    expect(await authenticateForm(fieldsOf({ key: "a" }), parts)).toEqual({ kind: "anonymous" });
  });

  test.each<
    readonly [
      what: string,
      fields: Record<string, string | undefined>,
      code: string,
      message: string,
    ]
  >([
    ["another policy", { ...v4, policy: encoded({}) }, "SignatureDoesNotMatch", ""],
    [
      "another signature",
      { ...v4, "x-amz-signature": "0".repeat(64) },
      "SignatureDoesNotMatch",
      "",
    ],
    ["no policy", { ...v4, policy: undefined }, "InvalidArgument", "'policy'"],
    [
      "no signature",
      { ...v4, "x-amz-signature": undefined },
      "InvalidArgument",
      "'x-amz-signature'",
    ],
    ["no date", { ...v4, "x-amz-date": undefined }, "InvalidArgument", "'x-amz-date'"],
    ["a date that is none", { ...v4, "x-amz-date": "today" }, "InvalidArgument", "ISO8601"],
    ["another algorithm", { ...v4, "x-amz-algorithm": "AWS4" }, "InvalidArgument", "only supports"],
    ["a broken credential", { ...v4, "x-amz-credential": "a/b" }, "InvalidArgument", "mal-formed"],
    [
      "another region",
      { ...v4, "x-amz-credential": v4["x-amz-credential"].replace("us-east-1", "x") },
      "InvalidArgument",
      "the region 'x' is wrong",
    ],
    [
      "an unknown key",
      { ...v4, "x-amz-credential": "AK/20261123/us-east-1/s3/aws4_request" },
      "InvalidAccessKeyId",
      "",
    ],
    ["a token", { ...v4, "x-amz-security-token": "t" }, "InvalidToken", ""],
    ["another signature of version 2", { ...v2, signature: "AAAA" }, "SignatureDoesNotMatch", ""],
    [
      "no signature of version 2",
      { ...v2, signature: undefined },
      "InvalidArgument",
      "'Signature'",
    ],
    [
      "no key of version 2",
      { ...v2, awsaccesskeyid: undefined },
      "InvalidArgument",
      "'AWSAccessKeyId'",
    ],
    ["a policy alone", { policy }, "InvalidArgument", "'AWSAccessKeyId'"],
  ])("with %s is refused", async (_, fields, code, message) => {
    const found = await refusal(() => authenticateForm(fieldsOf(fields), parts));
    expect(found.code).toBe(code);
    expect(found.message).toContain(message);
  });
});

function check(
  document: unknown,
  fields: Readonly<Record<string, string | undefined>> = FIELDS,
  nowMs = NOW_MS,
) {
  const policy = typeof document === "string" ? document : encoded(document);
  return checkPostPolicy(policy, { fields: fieldsOf(fields), bucket: "photos", nowMs });
}

const POLICY = { expiration: SOON, conditions: CONDITIONS };

test("a form that meets its policy may have a file of the length that this says", () => {
  expect(check(POLICY)).toEqual({ bytesMin: 1, bytesMax: 1024 });
  const free = { ...POLICY, conditions: CONDITIONS.slice(0, 4) };
  expect(check(free)).toEqual({ bytesMin: 0, bytesMax: Number.MAX_SAFE_INTEGER });
});

test("fields and tests are named in any case; values are as they are", () => {
  const conditions = [
    { bUcKeT: "photos" },
    ["StArTs-WiTh", "$KeY", "up/"],
    { AcL: "private" },
    ["EQ", "$CoNtEnT-TyPe", "image/jpeg"],
  ];
  check({ ...POLICY, conditions });
  const upper = { ...FIELDS, acl: "PRIVATE" };
  expect(() => check({ ...POLICY, conditions }, upper)).toThrow("Policy Condition failed");
});

test("a dollar in a value may be escaped", () => {
  const conditions = [{ bucket: "photos" }, ["starts-with", "$key", "\\$a"]];
  for (const key of ["$a/b", "\\$a/b"]) check({ ...POLICY, conditions }, { key });
  expect(() => check({ ...POLICY, conditions }, { key: "a" })).toThrow("Policy Condition failed");
});

test("what is not part of the policy's business needs no condition", () => {
  check(POLICY, {
    ...FIELDS,
    policy: "x",
    signature: "y",
    awsaccesskeyid: "z",
    "x-amz-signature": "s",
    "x-ignore-me": "1",
  });
});

test.each<readonly [what: string, fields: Record<string, string | undefined>, message: string]>([
  [
    "another key",
    { ...FIELDS, key: "down/a" },
    'Policy Condition failed: ["starts-with", "$key", "up/"]',
  ],
  [
    "another acl",
    { ...FIELDS, acl: "public-read" },
    'Policy Condition failed: ["eq", "$acl", "private"]',
  ],
  [
    "another type in its list of types",
    { ...FIELDS, "content-type": "image/png, text/html" },
    'Policy Condition failed: ["starts-with", "$Content-Type", "image/"]',
  ],
  ["a missing field", { ...FIELDS, acl: undefined }, "Policy Condition failed"],
  ["a field more", { ...FIELDS, "x-amz-meta-a": "1" }, "Extra input fields: x-amz-meta-a"],
])("a form with %s is not what the policy allows", async (_, fields, message) => {
  const found = await refusal(() => check(POLICY, fields));
  expect(found).toMatchObject({ code: "AccessDenied", status: 403 });
  expect(found.message).toContain(`Invalid according to Policy: ${message}`);
});

test("the bucket is a field, too", async () => {
  const anyBucket = { ...POLICY, conditions: CONDITIONS.slice(1) };
  const found = await refusal(() => check(anyBucket));
  expect(found.message).toBe("Invalid according to Policy: Extra input fields: bucket");
  const other = { ...POLICY, conditions: [{ bucket: "others" }, ...CONDITIONS.slice(1)] };
  expect((await refusal(() => check(other))).code).toBe("AccessDenied");
});

test("a policy is good until it expires", async () => {
  check(POLICY, FIELDS, Date.parse(SOON));
  const late = await refusal(() => check(POLICY, FIELDS, Date.parse(SOON) + 1));
  expect(late).toEqual({
    code: "AccessDenied",
    status: 403,
    message: "Invalid according to Policy: Policy expired.",
  });
});

test.each<readonly [document: unknown, message: string]>([
  ["", "Expecting '{' but found End-of-Input"],
  ["!", "invalid Base64 encoding."],
  [Buffer.from("{").toString("base64"), "Invalid JSON."],
  [encoded([]), "Invalid JSON."],
  [encoded(null), "Invalid JSON."],
  [{ conditions: [] }, "Policy missing expiration."],
  [{ EXPIRATION: SOON, conditions: [] }, "Policy missing expiration."],
  [
    { expiration: "2026-11-23 13:00:00", conditions: [] },
    "Invalid 'expiration' value: '2026-11-23 13:00:00'",
  ],
  [{ expiration: 5, conditions: [] }, "Invalid 'expiration' value"],
  [{ expiration: SOON }, "Policy missing conditions."],
  [{ expiration: SOON, CONDITIONS: [] }, "Policy missing conditions."],
  [{ expiration: SOON, conditions: {} }, "Invalid 'conditions' value: must be a List."],
  [{ expiration: SOON, conditions: ["eq"] }, "must be a List or Object."],
  [{ expiration: SOON, conditions: [{}] }, "exactly one property"],
  [{ expiration: SOON, conditions: [{ a: "1", b: "2" }] }, "exactly one property"],
  [{ expiration: SOON, conditions: [{ a: 1 }] }, "value must be a string."],
  [{ expiration: SOON, conditions: [[]] }, "missing operation identifier."],
  [
    { expiration: SOON, conditions: [["ends-with", "$key", "a"]] },
    "unknown operation 'ends-with'.",
  ],
  [{ expiration: SOON, conditions: [["eq", "$key"]] }, "Invalid eq: wrong number of arguments."],
  [{ expiration: SOON, conditions: [["eq", "key", "a"]] }, "Invalid eq"],
  [{ expiration: SOON, conditions: [["content-length-range", 1]] }, "wrong number of arguments."],
  [{ expiration: SOON, conditions: [["content-length-range", -1, 5]] }, "is no size."],
  [{ expiration: SOON, conditions: [["content-length-range", "a", 5]] }, "is no size."],
  [{ expiration: SOON, conditions: [["content-length-range", 6, 5]] }, "the range is empty."],
])("the policy %j is none", async (document, message) => {
  const found = await refusal(() => check(document));
  expect(found).toMatchObject({ code: "InvalidPolicyDocument", status: 400 });
  expect(found.message).toContain("Invalid Policy: ");
  expect(found.message).toContain(message);
});
