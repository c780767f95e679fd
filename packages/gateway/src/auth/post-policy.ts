import { S3Error } from "../s3/errors.ts";
import type { FormFields } from "./post-form.ts";

/** A form that is checked by its policy. */
export interface PostForm {
  readonly fields: FormFields;
  readonly bucket: string;
  readonly nowMs: number;
}

/** How long the file may be; what is not in it is `EntityTooSmall` and `EntityTooLarge`. */
export interface LengthRange {
  readonly bytesMin: number;
  readonly bytesMax: number;
}

interface PostPolicy {
  readonly expiresMs: number;
  readonly conditions: readonly PostCondition[];
  readonly length: LengthRange;
}

interface PostCondition {
  readonly test: "eq" | "starts-with";
  readonly field: string;
  readonly value: string;
  /** As it stands in the policy. */
  readonly shown: string;
}

const EXPIRATION = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:?\d{2})$/u;
const CONDITIONS_MAX = 1000;
/** Fields that are no part of what a policy allows. */
const FREE_FIELDS: ReadonlySet<string> = new Set([
  "awsaccesskeyid",
  "file",
  "policy",
  "signature",
  "x-amz-signature",
]);

/**
 * Refuses a form that its policy does not allow: one that has expired, whose conditions are not met, or with a field that no condition
 * is about. `policy` is what stands in the field of that name.
 */
export function checkPostPolicy(policy: string, form: PostForm): LengthRange {
  const { expiresMs, conditions, length } = parsePostPolicy(policy);
  if (form.nowMs > expiresMs) throw denied("Policy expired.");
  const fields = new Map(form.fields).set("bucket", form.bucket);
  for (const condition of conditions) {
    if (!isMet(condition, fields.get(condition.field))) {
      throw denied(`Policy Condition failed: ${condition.shown}`);
    }
  }
  const allowed = new Set(conditions.map(({ field }) => field));
  for (const name of fields.keys()) {
    if (FREE_FIELDS.has(name) || name.startsWith("x-ignore-") || allowed.has(name)) continue;
    throw denied(`Extra input fields: ${name}`);
  }
  return length;
}

function isMet({ field, test, value }: PostCondition, given: string | undefined): boolean {
  if (given === undefined) return test === "starts-with" && value === "";
  if (field === "content-type" && test === "starts-with") {
    // Commas make it a list, and every type in it is held to the condition.
    return given.split(",").every((type) => type.trim().startsWith(value));
  }
  // A dollar may be escaped, and some clients escape it on both sides.
  const values = value.includes("\\$") ? [value, value.replaceAll("\\$", "$")] : [value];
  return values.some((wanted) => (test === "eq" ? given === wanted : given.startsWith(wanted)));
}

function parsePostPolicy(policy: string): PostPolicy {
  const document = jsonFrom(policy);
  const { expiration, conditions } = document;
  if (expiration === undefined) throw invalid("Policy missing expiration.");
  const expiresMs =
    typeof expiration === "string" && EXPIRATION.test(expiration)
      ? Date.parse(expiration)
      : Number.NaN;
  if (Number.isNaN(expiresMs)) throw invalid(`Invalid 'expiration' value: '${shown(expiration)}'`);
  if (conditions === undefined) throw invalid("Policy missing conditions.");
  if (!Array.isArray(conditions) || conditions.length > CONDITIONS_MAX) {
    throw invalid("Invalid 'conditions' value: must be a List.");
  }
  let length: LengthRange = { bytesMin: 0, bytesMax: Number.MAX_SAFE_INTEGER };
  const tests: PostCondition[] = [];
  for (const condition of conditions as readonly unknown[]) {
    const found = conditionFrom(condition);
    if ("bytesMin" in found) length = found;
    else tests.push(found);
  }
  return { expiresMs, conditions: tests, length };
}

function jsonFrom(policy: string): Readonly<Record<string, unknown>> {
  if (!/^[A-Za-z0-9+/\s]*={0,2}\s*$/u.test(policy)) throw invalid("invalid Base64 encoding.");
  const text = Buffer.from(policy, "base64").toString("utf8");
  if (text === "") throw invalid("Expecting '{' but found End-of-Input");
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    throw invalid("Invalid JSON.", cause);
  }
  if (!isObject(document)) throw invalid("Invalid JSON.");
  return document;
}

function conditionFrom(given: unknown): PostCondition | LengthRange {
  if (Array.isArray(given)) return listed(given as readonly unknown[]);
  if (!isObject(given)) throw invalid("Invalid condition test: must be a List or Object.");
  const [pair, ...more] = Object.entries(given);
  if (pair === undefined || more.length > 0) {
    throw invalid(
      "Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.",
    );
  }
  const [name, value] = pair;
  if (typeof value !== "string") throw invalid("Invalid Simple-Condition: value must be a string.");
  return {
    test: "eq",
    field: name.toLowerCase(),
    value,
    shown: listShown(["eq", `$${name}`, value]),
  };
}

function listed(given: readonly unknown[]): PostCondition | LengthRange {
  const [operation, field, value] = given;
  if (typeof operation !== "string") {
    throw invalid("Invalid Condition: missing operation identifier.");
  }
  const test = operation.toLowerCase();
  if (test !== "eq" && test !== "starts-with" && test !== "content-length-range") {
    throw invalid(`Invalid Condition: unknown operation '${operation}'.`);
  }
  if (given.length !== 3) throw invalid(`Invalid ${test}: wrong number of arguments.`);
  if (test === "content-length-range") {
    const [bytesMin, bytesMax] = [sizeFrom(field), sizeFrom(value)];
    if (bytesMin > bytesMax) throw invalid("Invalid content-length-range: the range is empty.");
    return { bytesMin, bytesMax };
  }
  if (typeof field !== "string" || !field.startsWith("$") || typeof value !== "string") {
    throw invalid(`Invalid ${test}: arguments must be a field and a string.`);
  }
  return { test, field: field.slice(1).toLowerCase(), value, shown: listShown(given) };
}

function listShown(list: readonly unknown[]): string {
  return `[${list.map((one) => JSON.stringify(one)).join(", ")}]`;
}

function sizeFrom(given: unknown): number {
  const size = typeof given === "string" && /^\d+$/u.test(given) ? Number(given) : given;
  if (typeof size === "number" && Number.isSafeInteger(size) && size >= 0) return size;
  throw invalid(`Invalid content-length-range: '${shown(given)}' is no size.`);
}

function isObject(given: unknown): given is Readonly<Record<string, unknown>> {
  return typeof given === "object" && given !== null && !Array.isArray(given);
}

function shown(given: unknown): string {
  return typeof given === "string" ? given : JSON.stringify(given);
}

function invalid(fact: string, cause?: unknown): S3Error {
  return new S3Error("InvalidPolicyDocument", { message: `Invalid Policy: ${fact}`, cause });
}

function denied(fact: string): S3Error {
  return new S3Error("AccessDenied", { message: `Invalid according to Policy: ${fact}` });
}
