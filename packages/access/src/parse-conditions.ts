import { parseRange } from "./address.ts";
import { numberFrom, timeFrom } from "./condition.ts";
import { malformed } from "./malformed.ts";
import {
  CONDITION_OPERATORS,
  type Condition,
  type ConditionOperator,
  contextKey,
} from "./policy-document.ts";

const OPERATORS: ReadonlyMap<string, ConditionOperator> = new Map(
  CONDITION_OPERATORS.map((operator) => [operator, operator]),
);

/** Keys that AWS knows of S3 and of all services; those that end with "/" go on with the name of a tag. */
const KEYS: ReadonlySet<string> = new Set(
  [
    "aws:CurrentTime",
    "aws:EpochTime",
    "aws:MultiFactorAuthAge",
    "aws:MultiFactorAuthPresent",
    "aws:PrincipalAccount",
    "aws:PrincipalArn",
    "aws:PrincipalIsAWSService",
    "aws:PrincipalOrgID",
    "aws:PrincipalOrgPaths",
    "aws:PrincipalServiceName",
    "aws:PrincipalServiceNamesList",
    "aws:PrincipalTag/",
    "aws:PrincipalType",
    "aws:Referer",
    "aws:RequestedRegion",
    "aws:RequestTag/",
    "aws:ResourceAccount",
    "aws:ResourceOrgID",
    "aws:ResourceTag/",
    "aws:SecureTransport",
    "aws:SourceAccount",
    "aws:SourceArn",
    "aws:SourceIdentity",
    "aws:SourceIp",
    "aws:SourceOrgID",
    "aws:SourceOwner",
    "aws:SourceVpc",
    "aws:SourceVpce",
    "aws:TagKeys",
    "aws:TokenIssueTime",
    "aws:UserAgent",
    "aws:userid",
    "aws:username",
    "aws:ViaAWSService",
    "aws:VpcSourceIp",
    "s3:AccessGrantsInstanceArn",
    "s3:AccessPointNetworkOrigin",
    "s3:authType",
    "s3:BucketTag/",
    "s3:DataAccessPointAccount",
    "s3:DataAccessPointArn",
    "s3:delimiter",
    "s3:ExistingObjectTag/",
    "s3:if-match",
    "s3:if-none-match",
    "s3:InventoryAccessibleOptionalFields",
    "s3:LocationConstraint",
    "s3:max-keys",
    "s3:object-lock-legal-hold",
    "s3:object-lock-mode",
    "s3:object-lock-remaining-retention-days",
    "s3:object-lock-retain-until-date",
    "s3:ObjectCreationOperation",
    "s3:prefix",
    "s3:RequestObjectTag/",
    "s3:RequestObjectTagKeys",
    "s3:ResourceAccount",
    "s3:signatureAge",
    "s3:signatureversion",
    "s3:TlsVersion",
    "s3:VersionId",
    "s3:versionid",
    "s3:x-amz-acl",
    "s3:x-amz-content-sha256",
    "s3:x-amz-copy-source",
    "s3:x-amz-grant-full-control",
    "s3:x-amz-grant-read",
    "s3:x-amz-grant-read-acp",
    "s3:x-amz-grant-write",
    "s3:x-amz-grant-write-acp",
    "s3:x-amz-metadata-directive",
    "s3:x-amz-object-ownership",
    "s3:x-amz-server-side-encryption",
    "s3:x-amz-server-side-encryption-aws-kms-key-id",
    "s3:x-amz-server-side-encryption-customer-algorithm",
    "s3:x-amz-storage-class",
    "s3:x-amz-website-redirect-location",
  ].map((key) => key.toLowerCase()),
);

/** Takes what stands in "Condition" apart: operators, of each its keys, of each their values. */
export function parseConditions(given: unknown): readonly Condition[] {
  return Object.entries(objectFrom(given)).flatMap(([name, tests]) => {
    const { quantifier, operator, ifExists } = operatorFrom(name);
    return Object.entries(objectFrom(tests)).map(([key, value]): Condition => {
      const values = valuesFrom(value);
      if (!isKnownKey(key)) throw malformed("Policy has an invalid condition key");
      for (const one of values) checkValue(operator, key, one);
      return { operator, quantifier, ifExists, key: contextKey(key), values };
    });
  });
}

function operatorFrom(name: string): Pick<Condition, "quantifier" | "operator" | "ifExists"> {
  const found = /^(?:For(All|Any)Value(?:s)?:)?(\w+?)(IfExists)?$/u.exec(name);
  const [, quantifier, base = "", suffix] = found ?? [];
  const operator = OPERATORS.get(base);
  if (operator === undefined || (operator === "Null" && suffix !== undefined)) {
    throw malformed(`Invalid Condition type : ${name}`);
  }
  return {
    quantifier: quantifier === undefined ? "one" : quantifier === "All" ? "all" : "any",
    operator,
    ifExists: suffix !== undefined,
  };
}

function isKnownKey(name: string): boolean {
  const at = name.indexOf("/");
  if (at === -1) return KEYS.has(name.toLowerCase());
  return at + 1 < name.length && KEYS.has(name.slice(0, at + 1).toLowerCase());
}

function checkValue(operator: ConditionOperator, key: string, value: string): void {
  if (value.includes("${")) return;
  const isAddress = operator.endsWith("IpAddress") || key.toLowerCase() === "aws:sourceip";
  if (isAddress && parseRange(value) === undefined) {
    throw malformed("Invalid IP address in Conditions");
  }
  if (isValueOf(operator, value)) return;
  throw malformed(`Invalid value for condition ${operator} of ${key}: ${value}`);
}

function isValueOf(operator: ConditionOperator, value: string): boolean {
  if (operator.startsWith("Numeric")) return !Number.isNaN(numberFrom(value));
  if (operator.startsWith("Date")) return !Number.isNaN(timeFrom(value));
  if (operator === "Bool" || operator === "Null") return /^(?:true|false)$/iu.test(value);
  return true;
}

/** One value or a list; numbers and truth values count as the texts that they are written as. */
function valuesFrom(given: unknown): readonly string[] {
  const list: readonly unknown[] = Array.isArray(given) ? given : [given];
  const values = list.flatMap((value) =>
    typeof value === "string" || typeof value === "number" || typeof value === "boolean"
      ? [String(value)]
      : [],
  );
  if (values.length < list.length || values.length === 0) {
    throw malformed("Policy has an invalid condition value");
  }
  return values;
}

function objectFrom(given: unknown): object {
  if (typeof given === "object" && given !== null && !Array.isArray(given)) return given;
  throw malformed("Policy has an invalid condition");
}
