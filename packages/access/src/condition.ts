import { isSameAddress } from "./address.ts";
import { matches, matchesWith, substituted, type VariableLookup } from "./pattern.ts";
import type { Condition, ConditionOperator } from "./policy-document.ts";

/** What is known of a request: values by key, as `contextKey` writes it. */
export type RequestContext = ReadonlyMap<string, readonly string[]>;

/** Whether one value of the request goes with one value of the condition. */
type Test = (given: string, wanted: string, lookup: VariableLookup) => boolean;

interface OperatorRow {
  readonly test: Test;
  /** True when no value of the condition goes with the request's. */
  readonly isNegated: boolean;
}

const equalsText: Test = (given, wanted, lookup) => given === substituted(wanted, lookup);
const equalsAnyCase: Test = (given, wanted, lookup) =>
  given.toLowerCase() === substituted(wanted, lookup)?.toLowerCase();
const isLike: Test = (given, wanted, lookup) => matchesWith(wanted, given, lookup);
const equalsBool: Test = (given, wanted) => given.toLowerCase() === wanted.toLowerCase();

const number = (compare: (given: number, wanted: number) => boolean): Test =>
  compared(numberFrom, compare);
const date = (compare: (given: number, wanted: number) => boolean): Test =>
  compared(timeFrom, compare);

const is = (test: Test): OperatorRow => ({ test, isNegated: false });
const isNot = (test: Test): OperatorRow => ({ test, isNegated: true });

const OPERATORS: Readonly<Record<Exclude<ConditionOperator, "Null">, OperatorRow>> = {
  StringEquals: is(equalsText),
  StringNotEquals: isNot(equalsText),
  StringEqualsIgnoreCase: is(equalsAnyCase),
  StringNotEqualsIgnoreCase: isNot(equalsAnyCase),
  StringLike: is(isLike),
  StringNotLike: isNot(isLike),
  NumericEquals: is(number((given, wanted) => given === wanted)),
  NumericNotEquals: isNot(number((given, wanted) => given === wanted)),
  NumericLessThan: is(number((given, wanted) => given < wanted)),
  NumericLessThanEquals: is(number((given, wanted) => given <= wanted)),
  NumericGreaterThan: is(number((given, wanted) => given > wanted)),
  NumericGreaterThanEquals: is(number((given, wanted) => given >= wanted)),
  DateEquals: is(date((given, wanted) => given === wanted)),
  DateNotEquals: isNot(date((given, wanted) => given === wanted)),
  DateLessThan: is(date((given, wanted) => given < wanted)),
  DateLessThanEquals: is(date((given, wanted) => given <= wanted)),
  DateGreaterThan: is(date((given, wanted) => given > wanted)),
  DateGreaterThanEquals: is(date((given, wanted) => given >= wanted)),
  Bool: is(equalsBool),
  BinaryEquals: is((given, wanted) => given === wanted),
  IpAddress: is(isSameAddress),
  NotIpAddress: isNot(isSameAddress),
  ArnEquals: is(isLikeArn),
  ArnLike: is(isLikeArn),
  ArnNotEquals: isNot(isLikeArn),
  ArnNotLike: isNot(isLikeArn),
};

/** Whether a condition holds for a request. */
export function holds(
  condition: Condition,
  context: RequestContext,
  lookup: VariableLookup,
): boolean {
  const { operator, quantifier, ifExists, key, values } = condition;
  const given = context.get(key) ?? [];
  if (operator === "Null") {
    const isAbsent = given.length === 0;
    return values.some((value) => (value.toLowerCase() === "true") === isAbsent);
  }
  const { test, isNegated } = OPERATORS[operator];
  const goes = (one: string) => values.some((value) => test(one, value, lookup)) !== isNegated;
  if (given.length === 0)
    return ifExists || quantifier === "all" || (isNegated && quantifier === "one");
  if (quantifier === "all") return given.every(goes);
  // A negated test of a key with many values is one of all of them.
  if (quantifier === "one" && isNegated) return given.every(goes);
  return given.some(goes);
}

function compared(
  read: (text: string) => number,
  compare: (given: number, wanted: number) => boolean,
): Test {
  return (given, wanted) => {
    const [one, other] = [read(given), read(wanted)];
    return !Number.isNaN(one) && !Number.isNaN(other) && compare(one, other);
  };
}

/** NaN when it is none. */
export function numberFrom(text: string): number {
  return /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/u.test(text) ? Number(text) : Number.NaN;
}

/** Milliseconds of an ISO 8601 time or of seconds since the epoch; NaN when it is neither. */
export function timeFrom(text: string): number {
  if (/^\d{1,12}$/u.test(text) && text.length !== 4) return Number(text) * 1000;
  return /^\d{4}(?:-|$)/u.test(text) ? Date.parse(text) : Number.NaN;
}

const ARN_PARTS = 6;

/** ARNs are compared part by part, so that "*" does not reach over a colon; the last part has what colons are left. */
function isLikeArn(given: string, wanted: string, lookup: VariableLookup): boolean {
  // What a variable puts in is text: with a mark of patterns in it, it is nothing that an ARN has.
  const plain: VariableLookup = (name) => {
    const value = lookup(name);
    return value !== undefined && /[*?]/u.test(value) ? undefined : value;
  };
  const pattern = substituted(wanted, plain);
  if (pattern === undefined) return false;
  const [one, other] = [arnParts(given), arnParts(pattern)];
  if (one.length !== ARN_PARTS || other.length !== ARN_PARTS) {
    return pattern === "*" || pattern === given;
  }
  return other.every((part, at) => matches(part, one[at] ?? ""));
}

function arnParts(arn: string): readonly string[] {
  const parts = arn.split(":");
  return parts.length <= ARN_PARTS
    ? parts
    : [...parts.slice(0, ARN_PARTS - 1), parts.slice(ARN_PARTS - 1).join(":")];
}
