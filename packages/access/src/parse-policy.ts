import { malformed } from "./malformed.ts";
import { parseConditions } from "./parse-conditions.ts";
import type {
  PolicyDocument,
  PolicyVersion,
  PrincipalSet,
  Statement,
  StringSet,
} from "./policy-document.ts";
import { isUserPattern } from "./principal.ts";

/** As AWS has it for policies of buckets. */
export const POLICY_BYTES_MAX = 20 * 1024;

const DOCUMENT_FIELDS: ReadonlySet<string> = new Set(["Version", "Id", "Statement"]);
const STATEMENT_FIELDS: ReadonlySet<string> = new Set([
  "Sid",
  "Effect",
  "Principal",
  "NotPrincipal",
  "Action",
  "NotAction",
  "Resource",
  "NotResource",
  "Condition",
]);

type Fields = ReadonlyMap<string, unknown>;

/**
 * Takes a policy document apart; `malformedPolicy` says what is wrong with it. What its actions and resources mean is for
 * `checkBucketPolicy` and `checkUserPolicy`.
 */
export function parsePolicy(text: string): PolicyDocument {
  if (Buffer.byteLength(text) > POLICY_BYTES_MAX) {
    throw malformed("Policy exceeds the maximum allowed document size.");
  }
  if (!text.startsWith("{")) {
    throw malformed("Policies must be valid JSON and the first byte must be '{'");
  }
  const fields = fieldsOf(json(text));
  refuseUnknown(fields, DOCUMENT_FIELDS);
  textOf(fields, "Id");
  return { version: versionOf(fields), statements: statementsOf(fields) };
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw malformed("This policy contains invalid Json", cause);
  }
}

function versionOf(fields: Fields): PolicyVersion {
  const version = fields.get("Version") ?? "2008-10-17";
  if (version === "2012-10-17" || version === "2008-10-17") return version;
  throw malformed("The policy must contain a valid version string");
}

function statementsOf(fields: Fields): readonly Statement[] {
  const given = fields.get("Statement");
  if (given === undefined) throw malformed("Missing required field Statement");
  const list: readonly unknown[] = Array.isArray(given) ? given : [given];
  if (list.length === 0) throw malformed("Could not parse the policy: Statement is empty!");
  const statements = list.map((statement) => statementFrom(fieldsOf(statement)));
  const sids = statements.flatMap(({ sid }) => (sid === undefined || sid === "" ? [] : [sid]));
  if (new Set(sids).size < sids.length) {
    throw malformed("Statement IDs (SID) in a single policy must be unique.");
  }
  return statements;
}

function statementFrom(fields: Fields): Statement {
  refuseUnknown(fields, STATEMENT_FIELDS);
  return {
    sid: textOf(fields, "Sid"),
    effect: effectOf(fields),
    principals: principalsOf(fields),
    actions: setOf(fields, "Action"),
    resources: setOf(fields, "Resource"),
    conditions: fields.has("Condition") ? parseConditions(fields.get("Condition")) : [],
  };
}

function effectOf(fields: Fields): "allow" | "deny" {
  const effect = fields.get("Effect");
  if (effect === "Allow") return "allow";
  if (effect === "Deny") return "deny";
  if (effect === undefined) throw malformed("Missing required field Effect");
  throw malformed(
    `Invalid effect: ${typeof effect === "string" ? effect : JSON.stringify(effect)}`,
  );
}

function setOf(fields: Fields, name: "Action" | "Resource"): StringSet {
  const [is, isNot] = [fields.get(name), fields.get(`Not${name}`)];
  if (is === undefined && isNot === undefined) throw malformed(`Missing required field ${name}`);
  if (is !== undefined && isNot !== undefined) {
    throw malformed(`${name} and Not${name} cannot be used together in one statement`);
  }
  const patterns = textsFrom(is ?? isNot, `Policy has invalid ${name.toLowerCase()}`);
  return { isNot: isNot !== undefined, patterns };
}

function principalsOf(fields: Fields): PrincipalSet | undefined {
  const [is, isNot] = [fields.get("Principal"), fields.get("NotPrincipal")];
  if (is === undefined && isNot === undefined) return undefined;
  if (is !== undefined && isNot !== undefined) throw invalidPrincipal();
  return { isNot: isNot !== undefined, ...namedPrincipals(is ?? isNot) };
}

function namedPrincipals(given: unknown): Omit<PrincipalSet, "isNot"> {
  if (given === "*") return { isEveryone: true, users: [], userIds: [] };
  // A list without a kind is one of users.
  if (Array.isArray(given)) return namedPrincipals({ AWS: given });
  if (!isObject(given)) throw invalidPrincipal();
  const kinds = Object.entries(given);
  if (kinds.length === 0) throw invalidPrincipal();
  const users: string[] = [];
  const userIds: string[] = [];
  for (const [kind, value] of kinds) {
    const names = textsFrom(value, INVALID_PRINCIPAL);
    if (names.length === 0) throw invalidPrincipal();
    if (kind === "AWS") users.push(...names);
    else if (kind === "CanonicalUser") userIds.push(...names);
    // Services and foreign identities are nobody here.
    else if (kind !== "Service" && kind !== "Federated") throw invalidPrincipal();
  }
  if (!users.every(isUserPattern)) throw invalidPrincipal();
  return { isEveryone: users.includes("*"), users, userIds };
}

const INVALID_PRINCIPAL = "Invalid principal in policy";

function invalidPrincipal() {
  return malformed(INVALID_PRINCIPAL);
}

/** One text or a list of them. */
function textsFrom(given: unknown, refusal: string): readonly string[] {
  const list: readonly unknown[] = Array.isArray(given) ? given : [given];
  const texts = list.filter((one) => typeof one === "string");
  if (texts.length < list.length || texts.length === 0) throw malformed(refusal);
  return texts;
}

function textOf(fields: Fields, name: string): string | undefined {
  const value = fields.get(name);
  if (value === undefined || typeof value === "string") return value;
  throw malformed(`Field ${name} must be a string`);
}

function fieldsOf(given: unknown): Fields {
  if (!isObject(given)) throw malformed("This policy contains invalid Json");
  return new Map(Object.entries(given));
}

function isObject(given: unknown): given is object {
  return typeof given === "object" && given !== null && !Array.isArray(given);
}

function refuseUnknown(fields: Fields, known: ReadonlySet<string>): void {
  for (const name of fields.keys()) {
    if (!known.has(name)) throw malformed(`Unknown field ${name}`);
  }
}
