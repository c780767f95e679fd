import { area, ask, denied, fails, put, type Row, row, type Step, see } from "../support/case.ts";
import { arn, complete, policy, putPolicy, type Statement, tagging } from "../support/documents.ts";

const GUIDE = "User guide: Bucket policies";
const ELEMENTS = "IAM user guide: JSON policy elements";
const KEYS = "Service authorization reference: Condition keys for Amazon S3";
const alt = { as: "alt" } as const;
const anonymous = { as: "anonymous" } as const;

/** Bucket and objects. */
const BOTH = [arn("{b}"), arn("{b}/*")];

const documents: readonly Row[] = [
  row(
    "A policy is put, given back letter by letter, and removed",
    "PutBucketPolicy, GetBucketPolicy, DeleteBucketPolicy",
    fails("GET {b}?policy", 404, "NoSuchBucketPolicy"),
    ask("PUT {b}?policy", { body: spaced() }, { status: 204 }),
    see("GET {b}?policy", {
      body: spaced(),
      headers: { "content-type": /^application\/json/u },
    }),
    ask("DELETE {b}?policy"),
    fails("GET {b}?policy", 404, "NoSuchBucketPolicy"),
    ask("DELETE {b}?policy"),
  ),
  ...(
    [
      ["what is no JSON", "not json"],
      ["nothing", ""],
      ["no statements", '{"Version":"2012-10-17"}'],
      ["an empty list of statements", '{"Version":"2012-10-17","Statement":[]}'],
      [
        "another version",
        '{"Version":"2020-01-01","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::{b}/*"}]}',
      ],
      [
        "an unknown element",
        policy({ Action: "s3:GetObject", Resource: BOTH[1] as string, Colour: "red" }),
      ],
      ["no action", policy({ Resource: BOTH })],
      [
        "no principal",
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::{b}/*"}]}',
      ],
      [
        "no effect",
        '{"Version":"2012-10-17","Statement":[{"Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::{b}/*"}]}',
      ],
      [
        "another effect",
        policy({ Effect: "Perhaps" as "Allow", Action: "s3:GetObject", Resource: BOTH }),
      ],
      ["an action of no service", policy({ Action: "GetObject", Resource: BOTH })],
      [
        "a resource of another bucket",
        policy({ Action: "s3:GetObject", Resource: arn("elsewhere/*") }),
      ],
      ["a resource that is no ARN", policy({ Action: "s3:GetObject", Resource: "{b}/*" })],
      [
        "an unknown operator",
        policy({
          Action: "s3:GetObject",
          Resource: BOTH,
          Condition: { Sounds: { "aws:Referer": "x" } },
        }),
      ],
      [
        "everyone but somebody allowed",
        policy({
          NotPrincipal: { AWS: "arn:aws:iam::123456789012:root" },
          Action: "s3:ListBucket",
          Resource: BOTH,
        }),
      ],
    ] as const
  ).map(([what, body]) =>
    row(
      `A policy with ${what} is malformed`,
      `${GUIDE}: MalformedPolicy`,
      fails(
        "PUT {b}?policy",
        400,
        ["MalformedPolicy", "InvalidArgument", "MissingRequestBodyError"],
        { body },
      ),
      fails("GET {b}?policy", 404, "NoSuchBucketPolicy"),
    ),
  ),
  row(
    "A policy of more than 20 KB is too large",
    "PutBucketPolicy: PolicyTooLarge",
    fails("PUT {b}?policy", 400, ["PolicyTooLarge", "MalformedPolicy", "InvalidArgument"], {
      body: policy(
        ...Array.from({ length: 200 }, (_, at) => ({
          Sid: `s${at}`,
          Action: "s3:GetObject",
          Resource: arn(`{b}/${"x".repeat(80)}${at}`),
        })),
      ),
    }),
  ),
  row(
    "Who is no owner reads and sets no policy",
    GUIDE,
    denied("PUT {b}?policy", { ...alt, body: policy({ Action: "s3:*", Resource: BOTH }) }),
    denied("GET {b}?policy", alt),
    denied("DELETE {b}?policy", alt),
  ),
  row(
    "A policy may be for every bucket, and is the bucket's all the same",
    GUIDE,
    ask(
      "PUT {b}?policy",
      { body: policy({ Action: "s3:ListBucket", Resource: [arn("*"), arn("*/*")] }) },
      { status: 204 },
    ),
    ask("GET {b}", alt),
    denied("GET {b2}", alt),
  ),
];

const allows: readonly Row[] = [
  row(
    "What a policy allows everyone, everyone may, and nothing else",
    GUIDE,
    put("{b}/foo", "bar"),
    denied("GET {b}/foo", alt),
    putPolicy("{b}", { Action: "s3:GetObject", Resource: arn("{b}/*") }),
    ask("GET {b}/foo", alt, { body: "bar" }),
    ask("GET {b}/foo", anonymous, { body: "bar" }),
    denied("PUT {b}/foo", alt),
    denied("GET {b}", alt),
    denied("DELETE {b}/foo", anonymous),
    ask("DELETE {b}?policy"),
    denied("GET {b}/foo", anonymous),
  ),
  row(
    "Listing is an action on the bucket, reading on its objects",
    `${ELEMENTS}: Resource`,
    put("{b}/foo", "bar"),
    putPolicy("{b}", { Action: "s3:ListBucket", Resource: arn("{b}") }),
    ask("GET {b}", alt),
    ask("GET {b}?list-type=2", alt),
    denied("GET {b}/foo", alt),
    fails("PUT {b}?policy", 400, "MalformedPolicy", {
      body: policy({ Action: ["s3:ListBucket", "s3:GetObject"], Resource: arn("{b}") }),
    }),
  ),
  row(
    "One user is allowed by its ARN, others are not",
    `${ELEMENTS}: Principal`,
    put("{b}/foo", "bar"),
    putPolicy("{b}", {
      Principal: { AWS: ["{alt}"] },
      Action: "s3:GetObject",
      Resource: arn("{b}/*"),
    }),
    ask("GET {b}/foo", alt, { body: "bar" }),
    denied("GET {b}/foo", anonymous),
  ),
  row(
    "A refusal wins over whatever allows, for the owner too",
    "IAM user guide: Policy evaluation logic",
    put("{b}/foo", "bar"),
    putPolicy(
      "{b}",
      { Action: "s3:GetObject", Resource: arn("{b}/*") },
      { Effect: "Deny", Action: "s3:GetObject", Resource: arn("{b}/secret*") },
    ),
    put("{b}/secret1", "x"),
    ask("GET {b}/foo", alt),
    denied("GET {b}/secret1", alt),
    denied("GET {b}/secret1"),
  ),
  row(
    "A refusal wins over ACLs",
    GUIDE,
    put("{aw}/foo", "bar"),
    ask("PUT {aw}?acl", { headers: { "x-amz-acl": "authenticated-read" } }),
    ask("GET {aw}", alt),
    putPolicy("{aw}", {
      Effect: "Deny",
      Action: "s3:ListBucket",
      Resource: [arn("{aw}"), arn("{aw}/*")],
    }),
    denied("GET {aw}", alt),
    denied("GET {aw}?list-type=2", alt),
  ),
  row(
    "Stars and question marks are wildcards in actions and resources",
    `${ELEMENTS}: wildcards`,
    put("{b}/logs/1", "x"),
    put("{b}/logs/22", "x"),
    putPolicy("{b}", { Action: "s3:Get*", Resource: arn("{b}/logs/?") }),
    ask("GET {b}/logs/1", alt),
    ask("GET {b}/logs/1?tagging", alt),
    denied("GET {b}/logs/22", alt),
  ),
  row(
    "NotAction and NotResource are for all that is not named",
    `${ELEMENTS}: NotAction, NotResource`,
    put("{b}/foo", "x"),
    putPolicy("{b}", { NotAction: ["s3:PutObject", "s3:DeleteObject"], Resource: arn("{b}/*") }),
    ask("GET {b}/foo", alt),
    denied("PUT {b}/foo", alt),
    denied("DELETE {b}/foo", alt),
  ),
  row(
    "Uploads in parts need PutObject on the object",
    "User guide: Multipart upload API and permissions",
    denied("POST {b}/foo?uploads", alt),
    putPolicy("{b}", { Action: "s3:PutObject", Resource: arn("{b}/foo") }),
    ask("POST {b}/foo?uploads", alt, { save: { upload: "xml UploadId" } }),
    ask(
      "PUT {b}/foo?partNumber=1&uploadId={upload}",
      { ...alt, body: "x" },
      { save: { e: "header etag" } },
    ),
    ask("POST {b}/foo?uploadId={upload}", { ...alt, body: complete({ number: 1, etag: "{e}" }) }),
    denied("POST {b}/bar?uploads", alt),
  ),
  row(
    "Everything may be allowed to everyone",
    GUIDE,
    putPolicy("{b}", { Principal: "*", Action: "*", Resource: BOTH }),
    ask("PUT {b}/foo", { ...anonymous, body: "x" }),
    ask("GET {b}?acl", alt),
    ask("PUT {b}?tagging", { ...alt, body: tagging({ a: "1" }) }, { status: [200, 204] }),
  ),
  row(
    "Versions are read by permissions of their own",
    `${KEYS}: s3:GetObjectVersion`,
    ask("PUT {vb}/foo", { body: "1" }, { save: { v: "header x-amz-version-id" } }),
    putPolicy("{vb}", { Action: "s3:GetObject", Resource: arn("{vb}/*") }),
    ask("GET {vb}/foo", alt),
    denied("GET {vb}/foo?versionId={v}", alt),
    putPolicy("{vb}", { Action: "s3:GetObjectVersion", Resource: arn("{vb}/*") }),
    ask("GET {vb}/foo?versionId={v}", alt),
    denied("DELETE {vb}/foo?versionId={v}", alt),
  ),
  row(
    "A key that is not there is told to who may list",
    "HeadObject: 404 with s3:ListBucket, 403 without",
    putPolicy("{b}", {
      Action: "s3:ListBucket",
      Resource: arn("{b}"),
      Condition: { StringLike: { "s3:prefix": "public/*" } },
    }),
    fails("HEAD {b}/public/object", [404, 403], undefined, alt),
    fails("HEAD {b}/private/object", 403, undefined, alt),
  ),
];

function spaced(): string {
  return policy({ Action: "s3:ListBucket", Resource: BOTH })
    .replaceAll(",", ",  ")
    .replace("{", "{\n");
}

const status: readonly Row[] = [
  ...(
    [
      ["everyone is allowed", { Principal: "*" }, "true"],
      [
        "everyone is allowed from one address",
        { Principal: "*", Condition: { IpAddress: { "aws:SourceIp": "10.0.0.0/32" } } },
        "false",
      ],
      ["one user is allowed", { Principal: { AWS: "{alt}" } }, "false"],
      ["everyone is refused", { Effect: "Deny", Principal: "*" }, "false"],
    ] as const
  ).map(([what, statement, isPublic]) =>
    row(
      `Where ${what}, the policy is ${isPublic === "true" ? "" : "not "}public`,
      "GetBucketPolicyStatus",
      putPolicy("{b}", { Action: "s3:ListBucket", Resource: BOTH, ...(statement as Statement) }),
      ...statusIs("{b}", isPublic),
    ),
  ),
  row(
    "A bucket with an ACL for all is public, one without a policy is not",
    'User guide: The meaning of "public"',
    ...statusIs("{pr}", "true"),
    ask("PUT {aw}?acl", { headers: { "x-amz-acl": "authenticated-read" } }),
    ...statusIs("{aw}", "true"),
    ...statusIs("{b}", "false"),
  ),
];

function statusIs(bucket: string, isPublic: string): Step[] {
  return [see(`GET ${bucket}?policyStatus`, { xml: { IsPublic: isPublic } })];
}

export const policies = area("policies", [...documents, ...allows, ...status]);
