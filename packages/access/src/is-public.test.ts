import { expect, test } from "vitest";
import { parseBucketPolicy } from "./check-policy.ts";
import { isPublic } from "./is-public.ts";

function isPublicWith(changes: object): boolean {
  const statement = {
    Effect: "Allow",
    Principal: "*",
    Action: "s3:GetObject",
    Resource: "arn:aws:s3:::photos/*",
    ...changes,
  };
  return isPublic(parseBucketPolicy(JSON.stringify({ Statement: [statement] }), "photos"));
}

test.each<readonly [changes: object, expected: boolean]>([
  [{}, true],
  [{ Principal: { AWS: "*" } }, true],
  [{ Principal: { AWS: "alice" } }, false],
  [{ Effect: "Deny" }, false],
  [{ Condition: { IpAddress: { "aws:SourceIp": "10.0.0.0/8" } } }, false],
  [{ Condition: { IpAddress: { "aws:SourceIp": ["10.0.0.0/8", "0.0.0.0/0"] } } }, true],
  [{ Condition: { NotIpAddress: { "aws:SourceIp": "10.0.0.0/8" } } }, true],
  [{ Condition: { StringEquals: { "aws:SourceVpc": "vpc-1" } } }, false],
  [{ Condition: { StringLike: { "aws:SourceVpc": "vpc-*" } } }, true],
  [{ Condition: { StringEqualsIfExists: { "aws:SourceVpc": "vpc-1" } } }, true],
  [{ Condition: { "ForAllValues:StringEquals": { "aws:SourceVpc": "vpc-1" } } }, true],
  [{ Condition: { StringEquals: { "aws:userid": "x" } } }, false],
  [{ Condition: { StringEquals: { "aws:Referer": "https://example.org" } } }, true],
  [{ Condition: { Bool: { "aws:SecureTransport": "true" } } }, true],
])("an allowing statement with %j is public: %j", (changes, expected) => {
  expect(isPublicWith(changes)).toBe(expected);
});
