import { expect, test } from "vitest";
import { parseUserPolicy } from "./check-policy.ts";
import { type AccessRequest, type AccessRules, type Decision, decide } from "./decide.ts";
import { parsePolicy } from "./parse-policy.ts";
import { contextKey } from "./policy-document.ts";
import type { Principal } from "./principal.ts";

const ALICE = { kind: "user", id: "a".repeat(64), name: "alice", isRoot: false } as const;
const BOB = { kind: "user", id: "b".repeat(64), name: "bob", isRoot: false } as const;
const ROOT = { kind: "user", id: "0".repeat(64), name: "root", isRoot: true } as const;
const NOBODY = { kind: "anonymous" } as const;
const OBJECT = "arn:aws:s3:::photos/2026/a.jpg";

interface Asked {
  readonly principal?: Principal;
  readonly action?: string;
  readonly resource?: string;
  readonly context?: Readonly<Record<string, string | readonly string[]>>;
}

function request(asked: Asked): AccessRequest {
  const { principal = ALICE, action = "s3:GetObject", resource = OBJECT, context = {} } = asked;
  return {
    principal,
    action,
    resource,
    context: new Map(
      Object.entries(context).map(([key, value]) => [
        contextKey(key),
        typeof value === "string" ? [value] : value,
      ]),
    ),
  };
}

function bucketPolicy(...statements: readonly object[]): AccessRules {
  const document = JSON.stringify({ Version: "2012-10-17", Statement: statements });
  return { identityPolicies: [], resourcePolicy: parsePolicy(document) };
}

function userPolicy(...statements: readonly object[]): AccessRules {
  const document = JSON.stringify({ Version: "2012-10-17", Statement: statements });
  return { identityPolicies: [parseUserPolicy(document)] };
}

const READ = {
  Sid: "read",
  Effect: "Allow",
  Principal: "*",
  Action: "s3:GetObject",
  Resource: "arn:aws:s3:::photos/*",
};

function isAllowed(asked: Asked, rules: AccessRules): boolean {
  return decide(request(asked), rules).effect === "allow";
}

function withCondition(condition: object, asked: Asked): boolean {
  return isAllowed(asked, bucketPolicy({ ...READ, Condition: condition }));
}

test("nothing is allowed that nobody allows, but to root", () => {
  const rules = { identityPolicies: [] };
  expect(decide(request({}), rules)).toEqual({
    effect: "deny",
    reason: "nothingAllows",
    statementId: undefined,
  } satisfies Decision);
  expect(decide(request({ principal: ROOT }), rules)).toMatchObject({
    effect: "allow",
    reason: "root",
  });
});

test("a statement that denies wins over all that allow, whatever their order", () => {
  const deny = { ...READ, Sid: "no", Effect: "Deny" };
  for (const statements of [
    [READ, deny],
    [deny, READ],
  ]) {
    expect(decide(request({}), bucketPolicy(...statements))).toEqual({
      effect: "deny",
      reason: "explicitDeny",
      statementId: "no",
    });
  }
  const { Principal: _, ...allowAll } = { ...READ, Action: "*", Resource: "*" };
  const rules = { ...bucketPolicy(deny), ...userPolicy(allowAll) };
  expect(isAllowed({}, { ...rules, resourcePolicy: bucketPolicy(deny).resourcePolicy })).toBe(
    false,
  );
  const denied = userPolicy({ ...allowAll, Effect: "Deny" });
  const grants = [{ grantee: { kind: "everyone" }, actions: ["s3:*"] } as const];
  expect(isAllowed({}, { ...denied, grants })).toBe(false);
  expect(isAllowed({ principal: NOBODY }, { ...denied, grants })).toBe(true);
});

test("root is bound by what a bucket's policy denies, and can always mend it", () => {
  const rules = bucketPolicy({
    ...READ,
    Effect: "Deny",
    Action: "s3:*",
    Resource: ["arn:aws:s3:::photos", "arn:aws:s3:::photos/*"],
  });
  expect(isAllowed({ principal: ROOT }, rules)).toBe(false);
  const resource = "arn:aws:s3:::photos";
  for (const action of ["s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy"]) {
    expect(isAllowed({ principal: ROOT, action, resource }, rules)).toBe(true);
    expect(isAllowed({ principal: ALICE, action, resource }, rules)).toBe(false);
  }
});

test("principals are named by ARN, id or name", () => {
  const forms: readonly unknown[] = [
    { AWS: "arn:aws:iam::000000000000:user/alice" },
    { AWS: "arn:aws:iam:::user/alice" },
    { AWS: `arn:aws:iam::123456789012:user/team/${ALICE.id}` },
    { AWS: `arn:aws:iam::${ALICE.id}:root` },
    { AWS: ["nobody", "alice"] },
    { AWS: ALICE.id },
    { CanonicalUser: ALICE.id },
  ];
  for (const Principal of forms) {
    const rules = bucketPolicy({ ...READ, Principal });
    expect(isAllowed({ principal: ALICE }, rules), JSON.stringify(Principal)).toBe(true);
    expect(isAllowed({ principal: BOB }, rules), JSON.stringify(Principal)).toBe(false);
    expect(isAllowed({ principal: NOBODY }, rules), JSON.stringify(Principal)).toBe(false);
  }
  for (const Principal of ["*", { AWS: "*" }, { AWS: ["alice", "*"] }]) {
    expect(isAllowed({ principal: NOBODY }, bucketPolicy({ ...READ, Principal }))).toBe(true);
  }
  const services = bucketPolicy({ ...READ, Principal: { Service: "logging.s3.amazonaws.com" } });
  expect(isAllowed({ principal: ALICE }, services)).toBe(false);
});

test("what is left out by NotPrincipal, NotAction and NotResource is not meant", () => {
  const { Principal: _p, Action: _a, Resource: _r, ...rest } = READ;
  const others = bucketPolicy(
    { ...READ },
    {
      Sid: "others",
      Effect: "Deny",
      NotPrincipal: { AWS: "alice" },
      Action: "s3:*",
      Resource: "arn:aws:s3:::photos/*",
    },
  );
  expect(isAllowed({ principal: ALICE }, others)).toBe(true);
  expect(isAllowed({ principal: BOB }, others)).toBe(false);
  expect(isAllowed({ principal: NOBODY }, others)).toBe(false);

  const notDelete = userPolicy({ ...rest, NotAction: "s3:Delete*", Resource: "*" });
  expect(isAllowed({}, notDelete)).toBe(true);
  expect(isAllowed({ action: "s3:DeleteObject" }, notDelete)).toBe(false);

  const notSecret = userPolicy({
    ...rest,
    Action: "*",
    NotResource: "arn:aws:s3:::photos/secret/*",
  });
  expect(isAllowed({}, notSecret)).toBe(true);
  expect(isAllowed({ resource: "arn:aws:s3:::photos/secret/x" }, notSecret)).toBe(false);
});

test("actions are the same in any case, resources are not; both have wildcards", () => {
  const rules = bucketPolicy({
    ...READ,
    Action: ["S3:getobj*", "s3:?utObject"],
    Resource: "arn:aws:s3:::photos/20??/*.jpg",
  });
  expect(isAllowed({ action: "s3:GetObjectTagging" }, rules)).toBe(true);
  expect(isAllowed({ action: "s3:PutObject" }, rules)).toBe(true);
  expect(isAllowed({ action: "s3:PutObjectAcl" }, rules)).toBe(false);
  expect(isAllowed({ resource: "arn:aws:s3:::photos/2026/b/c.jpg" }, rules)).toBe(true);
  expect(isAllowed({ resource: "arn:aws:s3:::photos/2026/A.JPG" }, rules)).toBe(false);
  expect(isAllowed({ resource: "arn:aws:s3:::photos/26/a.jpg" }, rules)).toBe(false);
});

test("variables stand for what the request has, as text and never as a pattern", () => {
  const home = { ...READ, Resource: `arn:aws:s3:::photos/\${aws:username}/*` };
  const own = bucketPolicy(home);
  const context = { "aws:username": "alice" };
  expect(isAllowed({ resource: "arn:aws:s3:::photos/alice/x", context }, own)).toBe(true);
  expect(isAllowed({ resource: "arn:aws:s3:::photos/bob/x", context }, own)).toBe(false);
  expect(isAllowed({ resource: "arn:aws:s3:::photos/alice/x" }, own)).toBe(false);
  const greedy = { "aws:username": "*" };
  expect(isAllowed({ resource: "arn:aws:s3:::photos/bob/x", context: greedy }, own)).toBe(false);
  expect(isAllowed({ resource: "arn:aws:s3:::photos/*/x", context: greedy }, own)).toBe(true);

  const literal = bucketPolicy({ ...READ, Resource: `arn:aws:s3:::photos/\${*}\${?}\${$}` });
  expect(isAllowed({ resource: "arn:aws:s3:::photos/*?$" }, literal)).toBe(true);
  expect(isAllowed({ resource: "arn:aws:s3:::photos/abc" }, literal)).toBe(false);
  const fallback = bucketPolicy({
    ...READ,
    Resource: `arn:aws:s3:::photos/\${aws:username, 'guest'}/*`,
  });
  expect(isAllowed({ resource: "arn:aws:s3:::photos/guest/x" }, fallback)).toBe(true);

  const document = JSON.stringify({ Version: "2008-10-17", Statement: [home] });
  const old = { identityPolicies: [], resourcePolicy: parsePolicy(document) };
  expect(isAllowed({ resource: "arn:aws:s3:::photos/alice/x", context }, old)).toBe(false);
  const verbatim = `arn:aws:s3:::photos/\${aws:username}/x`;
  expect(isAllowed({ resource: verbatim, context }, old)).toBe(true);
});

test.each<readonly [operator: string, wanted: unknown, given: string | undefined, holds: boolean]>([
  ["StringEquals", "public-read", "public-read", true],
  ["StringEquals", ["a", "b"], "b", true],
  ["StringEquals", "a", "A", false],
  ["StringEquals", "a", undefined, false],
  ["StringEqualsIfExists", "a", undefined, true],
  ["StringEqualsIfExists", "a", "b", false],
  ["StringNotEquals", "a", "b", true],
  ["StringNotEquals", ["a", "b"], "b", false],
  ["StringNotEquals", "a", undefined, true],
  ["StringEqualsIgnoreCase", "ABC", "abc", true],
  ["StringNotEqualsIgnoreCase", "ABC", "abc", false],
  ["StringLike", "photos/*", "photos/a/b", true],
  ["StringLike", "photos/?", "photos/ab", false],
  ["StringNotLike", "photos/*", "private", true],
  ["Null", "true", undefined, true],
  ["Null", "true", "x", false],
  ["Null", false, "x", true],
  ["Null", "false", undefined, false],
])("%s of %j and %j is %j", (operator, wanted, given, holds) => {
  const context = given === undefined ? {} : { "s3:prefix": given };
  expect(withCondition({ [operator]: { "s3:prefix": wanted } }, { context })).toBe(holds);
});

test.each<readonly [operator: string, key: string, wanted: unknown, given: string, holds: boolean]>(
  [
    ["NumericEquals", "s3:max-keys", "10", "10.0", true],
    ["NumericNotEquals", "s3:max-keys", "10", "10", false],
    ["NumericLessThan", "s3:max-keys", "10", "10", false],
    ["NumericLessThanEquals", "s3:max-keys", 10, "10", true],
    ["NumericGreaterThan", "s3:max-keys", "10", "9", false],
    ["NumericGreaterThanEquals", "s3:max-keys", "10", "11", true],
    ["NumericLessThan", "s3:max-keys", "10", "few", false],
    ["DateGreaterThan", "aws:CurrentTime", "2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z", true],
    ["DateLessThan", "aws:CurrentTime", "2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z", false],
    ["DateLessThan", "aws:EpochTime", "1800000000", "1790000000", true],
    ["DateEquals", "aws:CurrentTime", "1767225600", "2026-01-01T00:00:00Z", true],
    ["Bool", "aws:SecureTransport", "true", "TRUE", true],
    ["Bool", "aws:SecureTransport", true, "false", false],
    ["IpAddress", "aws:SourceIp", "10.0.0.0/8", "10.200.1.2", true],
    ["IpAddress", "aws:SourceIp", "10.0.0.0/8", "11.0.0.1", false],
    ["IpAddress", "aws:SourceIp", "10.1.0.0/20", "10.1.16.0", false],
    ["IpAddress", "aws:SourceIp", "192.0.2.7", "192.0.2.7", true],
    ["IpAddress", "aws:SourceIp", "192.0.2.0/24", "::ffff:192.0.2.9", true],
    ["IpAddress", "aws:SourceIp", "2001:db8::/33", "2001:db8:7fff::1", true],
    ["IpAddress", "aws:SourceIp", "2001:db8::/33", "2001:db8:8000::1", false],
    ["IpAddress", "aws:SourceIp", "0.0.0.0/0", "2001:db8::1", false],
    ["NotIpAddress", "aws:SourceIp", ["10.0.0.0/8", "192.0.2.0/24"], "192.0.2.1", false],
    ["ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:user/a*", "arn:aws:iam::1:user/alice", true],
    ["ArnEquals", "aws:PrincipalArn", "arn:aws:*:user/alice", "arn:aws:iam::1:user/alice", false],
    ["ArnNotLike", "aws:PrincipalArn", "arn:aws:iam::1:user/b*", "arn:aws:iam::1:user/alice", true],
  ],
)("%s on %s of %j and %j is %j", (operator, key, wanted, given, holds) => {
  const context = { [key]: given };
  expect(withCondition({ [operator]: { [key]: wanted } }, { context })).toBe(holds);
});

test("of a key with many values all, any or none must go with the condition", () => {
  const tags = (...values: readonly string[]) => ({
    context: { "s3:RequestObjectTagKeys": values },
  });
  const all = { "ForAllValues:StringEquals": { "s3:RequestObjectTagKeys": ["a", "b"] } };
  expect(withCondition(all, tags("a", "b"))).toBe(true);
  expect(withCondition(all, tags("a", "c"))).toBe(false);
  expect(withCondition(all, tags())).toBe(true);
  const any = { "ForAnyValue:StringEquals": { "s3:RequestObjectTagKeys": ["a", "b"] } };
  expect(withCondition(any, tags("c", "b"))).toBe(true);
  expect(withCondition(any, tags("c"))).toBe(false);
  expect(withCondition(any, tags())).toBe(false);
  const other = { "ForAnyValue:StringNotEquals": { "s3:RequestObjectTagKeys": "a" } };
  expect(withCondition(other, tags("a", "c"))).toBe(true);
  expect(withCondition(other, tags("a"))).toBe(false);
  expect(withCondition(other, tags())).toBe(false);
});

test("all conditions of a statement must hold, and keys are the same in any case but tags", () => {
  const both = {
    StringEquals: { "S3:ExistingObjectTag/Color": "red", "aws:username": "alice" },
    Bool: { "aws:securetransport": "true" },
  };
  const context = {
    "s3:ExistingObjectTag/Color": "red",
    "aws:username": "alice",
    "aws:SecureTransport": "true",
  };
  expect(withCondition(both, { context })).toBe(true);
  expect(withCondition(both, { context: { ...context, "aws:SecureTransport": "false" } })).toBe(
    false,
  );
  const { "s3:ExistingObjectTag/Color": _, ...without } = context;
  const lower = { ...without, "s3:ExistingObjectTag/color": "red" };
  expect(withCondition(both, { context: lower })).toBe(false);
});

test("grants allow what no policy denies", () => {
  const rules = (grantee: object): AccessRules =>
    ({ identityPolicies: [], grants: [{ grantee, actions: ["s3:Get*"] }] }) as AccessRules;
  expect(isAllowed({ principal: NOBODY }, rules({ kind: "everyone" }))).toBe(true);
  expect(isAllowed({ principal: NOBODY }, rules({ kind: "users" }))).toBe(false);
  expect(isAllowed({ principal: BOB }, rules({ kind: "users" }))).toBe(true);
  expect(isAllowed({ principal: BOB }, rules({ kind: "user", id: ALICE.id }))).toBe(false);
  expect(isAllowed({ principal: ALICE }, rules({ kind: "user", id: ALICE.id }))).toBe(true);
  const put = { principal: ALICE, action: "s3:PutObject" };
  expect(isAllowed(put, rules({ kind: "everyone" }))).toBe(false);
});
