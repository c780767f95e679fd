import { levelsOf } from "./actions.ts";
import { mayHaveKey } from "./condition-actions.ts";
import { malformed } from "./malformed.ts";
import { parsePolicy } from "./parse-policy.ts";
import { matches } from "./pattern.ts";
import type { PolicyDocument, Statement } from "./policy-document.ts";

const S3_RESOURCE = "arn:aws:s3:::";

/** A policy of the bucket: who may do what to it and to what is in it. `malformedPolicy` says what is wrong. */
export function parseBucketPolicy(text: string, bucket: string): PolicyDocument {
  const policy = parsePolicy(text);
  for (const statement of policy.statements) {
    if (statement.principals === undefined) throw malformed("Missing required field Principal");
    if (statement.principals.isNot && statement.effect === "allow") {
      throw malformed("Allow with NotPrincipal is not allowed.");
    }
    checkActions(statement);
    checkConditions(statement);
    checkBucketResources(statement, bucket);
  }
  return policy;
}

/** A policy of a user: what it may do. `malformedPolicy` says what is wrong. */
export function parseUserPolicy(text: string): PolicyDocument {
  const policy = parsePolicy(text);
  for (const statement of policy.statements) {
    if (statement.principals !== undefined) {
      throw malformed("Policy document should not specify a principal.");
    }
    checkActions(statement);
    for (const resource of statement.resources.patterns) {
      if (resource !== "*" && !resource.startsWith("arn:")) throw invalidResource();
    }
  }
  return policy;
}

function checkActions({ actions }: Statement): void {
  for (const pattern of actions.patterns) {
    const isOfOthers = /^[a-z0-9-]+:/iu.test(pattern) && !/^s3:/iu.test(pattern);
    if (isOfOthers || levelsOf(pattern).size === 0) throw malformed("Policy has invalid action");
  }
}

function checkBucketResources({ actions, resources }: Statement, bucket: string): void {
  const levels = new Set<string>(
    resources.patterns.map((pattern) => levelOfResource(pattern, bucket)),
  );
  if (actions.isNot || resources.isNot) return;
  for (const pattern of actions.patterns) {
    const applies = [...levelsOf(pattern)].some((level) => levels.has(level) || levels.has("both"));
    if (!applies) throw malformed("Action does not apply to any resource(s) in statement");
  }
}

/** A condition on what requests for an action never have is a mistake: it would never hold, or always. */
function checkConditions({ actions, conditions }: Statement): void {
  if (actions.isNot) return;
  for (const condition of conditions) {
    if (actions.patterns.every((pattern) => mayHaveKey(pattern, condition))) continue;
    throw malformed("Conditions do not apply to combination of actions and resources in statement");
  }
}

/** Whether a resource is the bucket itself, or objects of it; one of another bucket is refused. */
function levelOfResource(pattern: string, bucket: string): "bucket" | "object" | "both" {
  if (pattern === "*") return "both";
  if (!pattern.startsWith(S3_RESOURCE)) throw invalidResource();
  const path = pattern.slice(S3_RESOURCE.length);
  const slash = path.indexOf("/");
  const name = slash === -1 ? path : path.slice(0, slash);
  if (name === "" || !matches(name, bucket)) throw invalidResource();
  if (slash !== -1) return "object";
  // A "*" goes over a "/" as well.
  return name.includes("*") ? "both" : "bucket";
}

function invalidResource() {
  return malformed("Policy has invalid resource");
}
