/** A policy in the language of AWS IAM, checked and taken apart. */
export interface PolicyDocument {
  readonly version: PolicyVersion;
  readonly statements: readonly Statement[];
}

/** Only the later one knows variables. */
export type PolicyVersion = "2008-10-17" | "2012-10-17";

/** One rule: who may, or may not, do what to what, under which conditions. */
export interface Statement {
  readonly sid: string | undefined;
  readonly effect: "allow" | "deny";
  /** Absent in policies of users. */
  readonly principals: PrincipalSet | undefined;
  readonly actions: StringSet;
  readonly resources: StringSet;
  /** All of them must hold. */
  readonly conditions: readonly Condition[];
}

/** What is named, or with `isNot` all but that. */
export interface StringSet {
  readonly isNot: boolean;
  readonly patterns: readonly string[];
}

/** Who is named, or with `isNot` all but those. */
export interface PrincipalSet {
  readonly isNot: boolean;
  readonly isEveryone: boolean;
  /** Under "AWS": ARNs of users, their ids, their names. */
  readonly users: readonly string[];
  /** Under "CanonicalUser": ids. */
  readonly userIds: readonly string[];
}

/** One test of a condition: of one key of the request. */
export interface Condition {
  readonly operator: ConditionOperator;
  readonly quantifier: "one" | "any" | "all";
  /** True also of a request that does not have the key. */
  readonly ifExists: boolean;
  /** As `contextKey` writes it. */
  readonly key: string;
  readonly values: readonly string[];
}

export const CONDITION_OPERATORS = [
  "StringEquals",
  "StringNotEquals",
  "StringEqualsIgnoreCase",
  "StringNotEqualsIgnoreCase",
  "StringLike",
  "StringNotLike",
  "NumericEquals",
  "NumericNotEquals",
  "NumericLessThan",
  "NumericLessThanEquals",
  "NumericGreaterThan",
  "NumericGreaterThanEquals",
  "DateEquals",
  "DateNotEquals",
  "DateLessThan",
  "DateLessThanEquals",
  "DateGreaterThan",
  "DateGreaterThanEquals",
  "Bool",
  "BinaryEquals",
  "IpAddress",
  "NotIpAddress",
  "ArnEquals",
  "ArnLike",
  "ArnNotEquals",
  "ArnNotLike",
  "Null",
] as const;
export type ConditionOperator = (typeof CONDITION_OPERATORS)[number];

/** The name of a condition's key as it is compared: in lower case, but for what comes after "/", which is the name of a tag. */
export function contextKey(name: string): string {
  const at = name.indexOf("/");
  return at === -1 ? name.toLowerCase() : `${name.slice(0, at).toLowerCase()}${name.slice(at)}`;
}
