import { describe, expect, test } from "vitest";
import { parseBucketPolicy, parseUserPolicy } from "./check-policy.ts";

const STATEMENT = {
  Effect: "Allow",
  Principal: "*",
  Action: "s3:GetObject",
  Resource: "arn:aws:s3:::photos/*",
};

const NO_SUCH_CONDITION =
  "Conditions do not apply to combination of actions and resources in statement";

function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    expect(error).toMatchObject({ reason: "malformedPolicy" });
    return (error as Error).message;
  }
  return "";
}

function bucket(changes: object, rest: object = { Version: "2012-10-17" }): string {
  const statement = { ...STATEMENT, ...changes };
  const text = JSON.stringify({ ...rest, Statement: [statement] });
  return refusal(() => parseBucketPolicy(text, "photos"));
}

test("a sound policy is taken apart", () => {
  const text = JSON.stringify({
    Version: "2012-10-17",
    Id: "an id",
    Statement: {
      Sid: "one",
      Effect: "Deny",
      NotPrincipal: {
        AWS: ["arn:aws:iam::000000000000:user/alice"],
        CanonicalUser: "c".repeat(64),
      },
      Action: ["s3:PutObject", "s3:*"],
      NotResource: "arn:aws:s3:::photos/free/*",
      Condition: {
        "ForAnyValue:StringLikeIfExists": { "s3:RequestObjectTagKeys": ["a*", "b"] },
        NumericLessThan: { "S3:Object-Lock-Remaining-Retention-Days": 10 },
      },
    },
  });
  expect(parseBucketPolicy(text, "photos")).toEqual({
    version: "2012-10-17",
    statements: [
      {
        sid: "one",
        effect: "deny",
        principals: {
          isNot: true,
          isEveryone: false,
          users: ["arn:aws:iam::000000000000:user/alice"],
          userIds: ["c".repeat(64)],
        },
        actions: { isNot: false, patterns: ["s3:PutObject", "s3:*"] },
        resources: { isNot: true, patterns: ["arn:aws:s3:::photos/free/*"] },
        conditions: [
          {
            operator: "StringLike",
            quantifier: "any",
            ifExists: true,
            key: "s3:requestobjecttagkeys",
            values: ["a*", "b"],
          },
          {
            operator: "NumericLessThan",
            quantifier: "one",
            ifExists: false,
            key: "s3:object-lock-remaining-retention-days",
            values: ["10"],
          },
        ],
      },
    ],
  });
  expect(parseBucketPolicy(JSON.stringify({ Statement: [STATEMENT] }), "photos").version).toBe(
    "2008-10-17",
  );
});

describe("a document is refused in AWS's words", () => {
  test.each([
    ["", "Policies must be valid JSON and the first byte must be '{'"],
    ["[]", "Policies must be valid JSON and the first byte must be '{'"],
    ["{", "This policy contains invalid Json"],
    ["{}", "Missing required field Statement"],
    ['{"Statement":[]}', "Could not parse the policy: Statement is empty!"],
    ['{"Statement":[1]}', "This policy contains invalid Json"],
    ['{"Statement":[null]}', "This policy contains invalid Json"],
    ['{"Version":"2020-01-01","Statement":[]}', "The policy must contain a valid version string"],
    ['{"Statements":[]}', "Unknown field Statements"],
    ['{"Id":5,"Statement":[]}', "Field Id must be a string"],
    [`{"Id":"${"x".repeat(20_480)}"}`, "Policy exceeds the maximum allowed document size."],
  ])("%j", (text, message) => {
    expect(refusal(() => parseBucketPolicy(text, "photos"))).toBe(message);
  });

  test.each<readonly [changes: object, message: string]>([
    [{ Effect: undefined }, "Missing required field Effect"],
    [{ Effect: "allow" }, "Invalid effect: allow"],
    [{ Principal: undefined }, "Missing required field Principal"],
    [{ Principal: "alice" }, "Invalid principal in policy"],
    [{ Principal: {} }, "Invalid principal in policy"],
    [{ Principal: { AWS: [] } }, "Invalid principal in policy"],
    [{ Principal: { AWS: "arn:aws:iam::1:user/*" } }, "Invalid principal in policy"],
    [{ Principal: { AWS: "arn:aws:s3:::photos" } }, "Invalid principal in policy"],
    [{ Principal: { User: "alice" } }, "Invalid principal in policy"],
    [{ NotPrincipal: "*" }, "Invalid principal in policy"],
    [
      { Principal: undefined, NotPrincipal: { AWS: "alice" } },
      "Allow with NotPrincipal is not allowed.",
    ],
    [{ Action: undefined }, "Missing required field Action"],
    [{ Action: [] }, "Policy has invalid action"],
    [{ Action: 5 }, "Policy has invalid action"],
    [{ Action: "s3:GetNothing" }, "Policy has invalid action"],
    [{ Action: "GetObject" }, "Policy has invalid action"],
    [{ Action: "iam:*" }, "Policy has invalid action"],
    [{ Action: ["s3:GetObject", "s3:Frobnicate"] }, "Policy has invalid action"],
    [{ NotAction: "s3:*" }, "Action and NotAction cannot be used together in one statement"],
    [{ Resource: undefined }, "Missing required field Resource"],
    [{ Resource: "photos/*" }, "Policy has invalid resource"],
    [{ Resource: "arn:aws:s3:::others/*" }, "Policy has invalid resource"],
    [{ Resource: "arn:aws:s3:::" }, "Policy has invalid resource"],
    [{ Resource: "arn:aws:s3:::photos" }, "Action does not apply to any resource(s) in statement"],
    [{ Action: "s3:ListBucket" }, "Action does not apply to any resource(s) in statement"],
    [
      { Action: ["s3:GetObject", "s3:ListBucket"] },
      "Action does not apply to any resource(s) in statement",
    ],
    [{ Nothing: 1 }, "Unknown field Nothing"],
    [{ Sid: 1 }, "Field Sid must be a string"],
    [{ Condition: { Null: { "aws:SourceIp": "true" } } }, "Invalid IP address in Conditions"],
    [{ Condition: { StringEquals: { "s3:prefix": "a" } } }, NO_SUCH_CONDITION],
    [{ Condition: { StringEquals: { "s3:VersionId": "a" } } }, NO_SUCH_CONDITION],
    [
      {
        Action: ["s3:GetObject", "s3:PutObject"],
        Condition: { StringEquals: { "s3:x-amz-acl": "private" } },
      },
      NO_SUCH_CONDITION,
    ],
    [{ Condition: { StringEquals: { "s3:RequestObjectTag/a": "b" } } }, NO_SUCH_CONDITION],
    [{ Condition: [] }, "Policy has an invalid condition"],
    [{ Condition: { StringIs: { "s3:prefix": "a" } } }, "Invalid Condition type : StringIs"],
    [
      { Condition: { NullIfExists: { "s3:prefix": "true" } } },
      "Invalid Condition type : NullIfExists",
    ],
    [{ Condition: { StringEquals: "a" } }, "Policy has an invalid condition"],
    [{ Condition: { StringEquals: { "s3:nothing": "a" } } }, "Policy has an invalid condition key"],
    [
      { Condition: { StringEquals: { "s3:ExistingObjectTag/": "a" } } },
      "Policy has an invalid condition key",
    ],
    [{ Condition: { StringEquals: { "s3:prefix": {} } } }, "Policy has an invalid condition value"],
    [{ Condition: { StringEquals: { "s3:prefix": [] } } }, "Policy has an invalid condition value"],
    [
      { Condition: { NumericEquals: { "s3:max-keys": "ten" } } },
      "Invalid value for condition NumericEquals of s3:max-keys: ten",
    ],
    [
      { Condition: { IpAddress: { "aws:SourceIp": "10.0.0.0/33" } } },
      "Invalid IP address in Conditions",
    ],
    [
      { Condition: { DateLessThan: { "aws:CurrentTime": "soon" } } },
      "Invalid value for condition DateLessThan of aws:CurrentTime: soon",
    ],
    [
      { Condition: { Bool: { "aws:SecureTransport": "yes" } } },
      "Invalid value for condition Bool of aws:SecureTransport: yes",
    ],
  ])("a statement with %j", (changes, message) => {
    expect(bucket(changes)).toBe(message);
  });

  test("two statements with one Sid", () => {
    const twice = [1, 2].map(() => ({ ...STATEMENT, Sid: "a" }));
    const text = JSON.stringify({ Statement: twice });
    expect(refusal(() => parseBucketPolicy(text, "photos"))).toContain("must be unique");
  });
});

test.each<readonly [changes: object]>([
  [{ Action: "*" }],
  [{ Principal: ["*"] }],
  [{ Action: "s3:*", Condition: { StringEquals: { "s3:prefix": "a" } } }],
  [{ Action: "s3:PutObject", Condition: { StringEquals: { "s3:x-amz-acl": "private" } } }],
  [{ Action: "s3:GetObjectVersion", Condition: { StringEquals: { "s3:VersionId": "a" } } }],
  [{ Action: "s3:*" }],
  [{ Action: "S3:GETOBJECT*" }],
  [{ Resource: "*" }],
  [{ Resource: "arn:aws:s3:::*" }],
  [{ Resource: "arn:aws:s3:::*/*" }],
  [{ Resource: "arn:aws:s3:::pho*" }],
  [
    {
      Action: ["s3:GetObject", "s3:ListBucket"],
      Resource: ["arn:aws:s3:::photos", "arn:aws:s3:::photos/*"],
    },
  ],
  [{ Principal: { AWS: ["alice", "123456789012", "*"] } }],
  [{ Principal: { Service: "s3.amazonaws.com" } }],
])("a statement with %j is sound", (changes) => {
  expect(bucket(changes)).toBe("");
});

test("a user's policy is about any resource and names nobody", () => {
  const { Principal: _, ...statement } = STATEMENT;
  const user = (changes: object) =>
    refusal(() => parseUserPolicy(JSON.stringify({ Statement: { ...statement, ...changes } })));
  for (const Resource of ["*", "arn:aws:s3:::*", `arn:aws:s3:::photos/\${aws:username}/*`]) {
    expect(user({ Resource })).toBe("");
  }
  expect(user({ Resource: "photos" })).toBe("Policy has invalid resource");
  expect(user({ Principal: "*" })).toBe("Policy document should not specify a principal.");
  expect(user({ Action: "s3:Frobnicate" })).toBe("Policy has invalid action");
});
