import { holds, type RequestContext } from "./condition.ts";
import { matches, matchesWith, type VariableLookup } from "./pattern.ts";
import { contextKey, type PolicyDocument, type Statement } from "./policy-document.ts";
import { isAmong, type Principal } from "./principal.ts";

/** What somebody wants to do. */
export interface AccessRequest {
  readonly principal: Principal;
  /** "s3:GetObject". */
  readonly action: string;
  /** "arn:aws:s3:::bucket/key". */
  readonly resource: string;
  readonly context: RequestContext;
}

/** What is decided by. */
export interface AccessRules {
  /** Of the user who asks. */
  readonly identityPolicies: readonly PolicyDocument[];
  /** Of the bucket. */
  readonly resourcePolicy?: PolicyDocument | undefined;
  /** What is allowed beside policies. */
  readonly grants?: readonly Grant[] | undefined;
}

/** Somebody may do something to the resource that is asked for: an entry of an access control list, or ownership. */
export interface Grant {
  readonly grantee: Grantee;
  /** Patterns as in policies: "s3:GetObject", "s3:*". */
  readonly actions: readonly string[];
}

export type Grantee =
  | { readonly kind: "everyone" }
  | { readonly kind: "users" }
  | { readonly kind: "user"; readonly id: string };

export type DecisionReason =
  | "root"
  | "explicitDeny"
  | "resourcePolicy"
  | "identityPolicy"
  | "grant"
  | "nothingAllows";

export interface Decision {
  readonly effect: "allow" | "deny";
  readonly reason: DecisionReason;
  /** The Sid of the statement that decided, where it has one. */
  readonly statementId: string | undefined;
}

/** Root may do these whatever a policy says: otherwise nobody could mend one. */
const ALWAYS_OF_ROOT: ReadonlySet<string> = new Set([
  "s3:getbucketpolicy",
  "s3:putbucketpolicy",
  "s3:deletebucketpolicy",
]);

/**
 * Whether a request is allowed. A statement that denies it wins over all that allow it; nothing is allowed that nobody allows. The root
 * user may do everything but what the resource's policy denies, and may always change that policy.
 */
export function decide(request: AccessRequest, rules: AccessRules): Decision {
  const { principal, action } = request;
  const isRoot = principal.kind === "user" && principal.isRoot;
  if (isRoot && ALWAYS_OF_ROOT.has(action.toLowerCase())) return allowed("root");
  const lookup = variablesOf(request.context);
  const { resourcePolicy } = rules;
  const identityPolicies = principal.kind === "user" && !isRoot ? rules.identityPolicies : [];
  const byResource =
    resourcePolicy === undefined ? NO_RULING : ruling(resourcePolicy, request, lookup);
  const byIdentity = identityPolicies.map((policy) => ruling(policy, request, lookup));
  for (const { denial } of [byResource, ...byIdentity]) {
    if (denial !== undefined) {
      return { effect: "deny", reason: "explicitDeny", statementId: denial.sid };
    }
  }
  if (isRoot) return allowed("root");
  if (byResource.allowance !== undefined)
    return allowed("resourcePolicy", byResource.allowance.sid);
  const allowance = byIdentity.find((one) => one.allowance !== undefined)?.allowance;
  if (allowance !== undefined) return allowed("identityPolicy", allowance.sid);
  const isGranted = rules.grants?.some((grant) => isGrantFor(grant, request)) === true;
  if (isGranted) return allowed("grant");
  return { effect: "deny", reason: "nothingAllows", statementId: undefined };
}

interface Ruling {
  readonly denial: Statement | undefined;
  readonly allowance: Statement | undefined;
}

const NO_RULING: Ruling = { denial: undefined, allowance: undefined };

function ruling(policy: PolicyDocument, request: AccessRequest, lookup: VariableLookup): Ruling {
  const variables = policy.version === "2012-10-17" ? lookup : undefined;
  let allowance: Statement | undefined;
  for (const statement of policy.statements) {
    if (statement.effect === "allow" && allowance !== undefined) continue;
    if (!applies(statement, request, variables)) continue;
    if (statement.effect === "deny") return { denial: statement, allowance: undefined };
    allowance = statement;
  }
  return { denial: undefined, allowance };
}

function applies(
  statement: Statement,
  request: AccessRequest,
  variables: VariableLookup | undefined,
): boolean {
  const { principals, actions, resources, conditions } = statement;
  if (principals !== undefined && !isAmong(request.principal, principals)) return false;
  const isAction = actions.patterns.some((pattern) => isActionOf(pattern, request.action));
  if (isAction === actions.isNot) return false;
  const { resource, context } = request;
  const isResource = resources.patterns.some((pattern) =>
    variables === undefined
      ? matches(pattern, resource)
      : matchesWith(pattern, resource, variables),
  );
  if (isResource === resources.isNot) return false;
  return conditions.every((condition) => holds(condition, context, variables ?? asText));
}

/** Where variables are not known, "${" is text: nothing is put in its place. */
const asText: VariableLookup = (name) => `\${${name}}`;

function isActionOf(pattern: string, action: string): boolean {
  return pattern === action || matches(pattern.toLowerCase(), action.toLowerCase());
}

function isGrantFor({ grantee, actions }: Grant, { principal, action }: AccessRequest): boolean {
  if (grantee.kind !== "everyone" && principal.kind !== "user") return false;
  if (grantee.kind === "user" && principal.kind === "user" && principal.id !== grantee.id) {
    return false;
  }
  return actions.some((pattern) => isActionOf(pattern, action));
}

function variablesOf(context: RequestContext): VariableLookup {
  return (name) => {
    const values = context.get(contextKey(name));
    // Of many values none is the one.
    return values?.length === 1 ? values[0] : undefined;
  };
}

function allowed(reason: DecisionReason, statementId?: string): Decision {
  return { effect: "allow", reason, statementId };
}
