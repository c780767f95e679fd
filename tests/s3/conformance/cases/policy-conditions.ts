import { area, ask, denied, put, type Row, row, see } from "../support/case.ts";
import { arn, putPolicy, type Statement, tagging } from "../support/documents.ts";
import { SSE_C } from "./encryption.ts";

const EXAMPLES = "User guide: Examples of Amazon S3 bucket policies using condition keys";
const KEYS = "Service authorization reference: Condition keys for Amazon S3";
const alt = { as: "alt" } as const;
const anonymous = { as: "anonymous" } as const;

/** A statement that lets everyone do this to the objects of {b} under a condition. */
function under(action: string | readonly string[], condition: unknown): Statement {
  return { Action: action, Resource: arn("{b}/*"), Condition: condition };
}

const conditions: readonly Row[] = [
  row(
    "Listing may be allowed by prefix, delimiter and page",
    `${EXAMPLES}: s3:prefix, s3:delimiter, s3:max-keys`,
    put("{b}/home/a", "x"),
    putPolicy("{b}", {
      Action: "s3:ListBucket",
      Resource: arn("{b}"),
      Condition: {
        StringEquals: { "s3:prefix": ["", "home/"], "s3:delimiter": "/" },
        NumericLessThanEquals: { "s3:max-keys": "10" },
      },
    }),
    ask("GET {b}?prefix=home%2F&delimiter=%2F&max-keys=10", alt),
    denied("GET {b}?prefix=other%2F&delimiter=%2F&max-keys=10", alt),
    denied("GET {b}?prefix=home%2F&max-keys=10", alt),
    denied("GET {b}?prefix=home%2F&delimiter=%2F&max-keys=11", alt),
  ),
  row(
    "By the address that asks",
    `${KEYS}: aws:SourceIp`,
    put("{b}/foo", "x"),
    putPolicy(
      "{b}",
      under("s3:GetObject", { IpAddress: { "aws:SourceIp": ["127.0.0.0/8", "::1/128"] } }),
    ),
    ask("GET {b}/foo", anonymous, { status: [200, 403] }),
    putPolicy("{b}", under("s3:GetObject", { IpAddress: { "aws:SourceIp": "10.0.0.0/32" } })),
    denied("GET {b}/foo", anonymous),
  ),
  row(
    "By the page that refers, where it is told, or if it is",
    `${KEYS}: aws:Referer; IAM user guide: ...IfExists`,
    put("{b}/foo", "x"),
    putPolicy(
      "{b}",
      under("s3:GetObject", { StringLike: { "aws:Referer": "http://www.example.com/*" } }),
    ),
    ask("GET {b}/foo", { ...alt, headers: { referer: "http://www.example.com/index.html" } }),
    denied("GET {b}/foo", { ...alt, headers: { referer: "http://example.com" } }),
    denied("GET {b}/foo", alt),
    putPolicy(
      "{b}",
      under("s3:GetObject", { StringLikeIfExists: { "aws:Referer": "http://www.example.com/*" } }),
    ),
    ask("GET {b}/foo", { ...alt, headers: { referer: "http://www.example.com/" } }),
    denied("GET {b}/foo", { ...alt, headers: { referer: "http://example.com" } }),
    ask("GET {b}/foo", alt),
  ),
  row(
    "By tags that the object has",
    `${KEYS}: s3:ExistingObjectTag`,
    put("{b}/public", "x", { "x-amz-tagging": "security=public&foo=bar" }),
    put("{b}/private", "x", { "x-amz-tagging": "security=private" }),
    put("{b}/other", "x", { "x-amz-tagging": "security1=public" }),
    putPolicy(
      "{b}",
      under(["s3:GetObject", "s3:PutObjectTagging", "s3:GetObjectAcl"], {
        StringEquals: { "s3:ExistingObjectTag/security": "public" },
      }),
    ),
    ask("GET {b}/public", alt),
    ask("GET {b}/public?acl", alt),
    denied("GET {b}/public?tagging", alt),
    denied("GET {b}/private", alt),
    denied("GET {b}/other", alt),
    ask("PUT {b}/public?tagging", { ...alt, body: tagging({ security: "private" }) }),
    denied("PUT {b}/public?tagging", { ...alt, body: tagging({ security: "public" }) }),
  ),
  row(
    "By tags that are to be set",
    `${KEYS}: s3:RequestObjectTag`,
    putPolicy(
      "{b}",
      under("s3:PutObject", { StringEquals: { "s3:RequestObjectTag/security": "public" } }),
      { Action: "s3:PutObjectTagging", Resource: arn("{b}/*") },
    ),
    denied("PUT {b}/foo", { ...alt, body: "x" }),
    ask("PUT {b}/foo", { ...alt, body: "x", headers: { "x-amz-tagging": "security=public" } }),
  ),
  row(
    "By the source of a copy",
    `${KEYS}: s3:x-amz-copy-source`,
    put("{b2}/public/foo", "x"),
    put("{b2}/private/foo", "x"),
    putPolicy("{b2}", { Action: "s3:GetObject", Resource: arn("{b2}/*") }),
    putPolicy(
      "{b}",
      under("s3:PutObject", { StringLike: { "s3:x-amz-copy-source": "{b2}/public/*" } }),
    ),
    ask("PUT {b}/foo", { ...alt, headers: { "x-amz-copy-source": "{b2}/public/foo" } }),
    denied("PUT {b}/foo2", { ...alt, headers: { "x-amz-copy-source": "{b2}/private/foo" } }),
    ask("GET {b}/foo", alt, { body: "x" }),
  ),
  row(
    "By what a copy does with metadata",
    `${KEYS}: s3:x-amz-metadata-directive`,
    put("{b2}/foo", "x"),
    putPolicy("{b2}", { Action: "s3:GetObject", Resource: arn("{b2}/*") }),
    putPolicy(
      "{b}",
      under("s3:PutObject", { StringEquals: { "s3:x-amz-metadata-directive": "COPY" } }),
    ),
    ask("PUT {b}/foo", {
      ...alt,
      headers: { "x-amz-copy-source": "{b2}/foo", "x-amz-metadata-directive": "COPY" },
    }),
    denied("PUT {b}/foo2", { ...alt, headers: { "x-amz-copy-source": "{b2}/foo" } }),
  ),
  row(
    "By the ACL that comes with an object",
    `${KEYS}: s3:x-amz-acl, s3:x-amz-grant-full-control`,
    putPolicy(
      "{b}",
      { Action: ["s3:PutObject", "s3:PutObjectAcl"], Resource: arn("{b}/*") },
      { Effect: "Deny", ...under("s3:PutObject", { StringLike: { "s3:x-amz-acl": "public*" } }) },
    ),
    ask("PUT {b}/private", { ...alt, body: "x" }),
    denied("PUT {b}/public", { ...alt, body: "x", headers: { "x-amz-acl": "public-read" } }),
    putPolicy(
      "{b}",
      under(["s3:PutObject", "s3:PutObjectAcl"], {
        StringEquals: { "s3:x-amz-grant-full-control": "id={main}" },
      }),
    ),
    ask("PUT {b}/granted", {
      ...alt,
      body: "x",
      headers: { "x-amz-grant-full-control": "id={main}" },
    }),
    denied("PUT {b}/other", { ...alt, body: "x" }),
    see("GET {b}/granted?acl", { xml: { "AccessControlList/Grant/Grantee/ID": "{main}" } }),
  ),
  row(
    "By how it is encrypted, also where it is not",
    `${KEYS}: s3:x-amz-server-side-encryption`,
    putPolicy(
      "{b}",
      deny({ Null: { "s3:x-amz-server-side-encryption": "true" } }),
      deny({ StringNotEquals: { "s3:x-amz-server-side-encryption": "AES256" } }),
    ),
    denied("PUT {b}/foo", { body: "x" }),
    denied("PUT {b}/foo", { body: "x", headers: { "x-amz-server-side-encryption": "AES192" } }),
    denied("PUT {b}/foo", { body: "x", headers: { "x-amz-server-side-encryption": "aws:kms" } }),
    ask("PUT {b}/foo", { body: "x", headers: { "x-amz-server-side-encryption": "AES256" } }),
  ),
  row(
    "By the customer's algorithm",
    `${KEYS}: s3:x-amz-server-side-encryption-customer-algorithm`,
    putPolicy(
      "{b}",
      deny({ Null: { "s3:x-amz-server-side-encryption-customer-algorithm": "true" } }),
    ),
    denied("PUT {b}/foo", { body: "x" }),
    ask("PUT {b}/foo", { body: "x", headers: SSE_C }),
  ),
];

function deny(condition: unknown): Statement {
  return { Effect: "Deny", ...under("s3:PutObject", condition) };
}

export const policyConditions = area("conditions of policies", conditions);
