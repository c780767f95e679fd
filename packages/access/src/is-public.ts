import { parseRange } from "./address.ts";
import type { Condition, PolicyDocument, Statement } from "./policy-document.ts";

/** Keys of which a fixed value makes a statement one for some and not for all. */
const NARROWING: ReadonlySet<string> = new Set(
  [
    "aws:PrincipalAccount",
    "aws:PrincipalArn",
    "aws:PrincipalOrgID",
    "aws:SourceAccount",
    "aws:SourceArn",
    "aws:SourceIp",
    "aws:SourceOwner",
    "aws:SourceVpc",
    "aws:SourceVpce",
    "aws:userid",
    "aws:username",
    "s3:DataAccessPointAccount",
    "s3:DataAccessPointArn",
    "s3:x-amz-server-side-encryption-aws-kms-key-id",
  ].map((key) => key.toLowerCase()),
);

const POSITIVE: ReadonlySet<string> = new Set([
  "StringEquals",
  "StringEqualsIgnoreCase",
  "StringLike",
  "ArnEquals",
  "ArnLike",
  "IpAddress",
]);

/** Below so many bits a range of addresses is as good as all. */
const PREFIX_BITS_MIN = 8;

/** Whether a policy allows something to everybody, as AWS judges it. */
export function isPublic(policy: PolicyDocument): boolean {
  return policy.statements.some(isPublicStatement);
}

function isPublicStatement({ effect, principals, conditions }: Statement): boolean {
  if (effect === "deny" || principals === undefined) return false;
  if (!principals.isEveryone && !principals.isNot) return false;
  return !conditions.some(isNarrowing);
}

function isNarrowing(condition: Condition): boolean {
  const { operator, key, values, ifExists, quantifier } = condition;
  if (!NARROWING.has(key) || !POSITIVE.has(operator) || ifExists || quantifier === "all") {
    return false;
  }
  if (operator === "IpAddress") {
    return values.every((value) => (parseRange(value)?.bits ?? 0) >= PREFIX_BITS_MIN);
  }
  return values.every((value) => !/[*?]|\$\{/u.test(value));
}
