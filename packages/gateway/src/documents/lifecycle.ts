import { S3Error } from "../s3/errors.ts";
import {
  allowOnly,
  malformed,
  optionalFlag,
  optionalInteger,
  optionalText,
  optionalTime,
  readDocument,
  requiredWord,
  textOf,
} from "../xml/fields.ts";
import { childOf, type XmlElement } from "../xml/read.ts";
import { renderElement } from "./stored.ts";
import { readTagSet } from "./tagging.ts";

/** What happens to which objects of a bucket when they have become old. */
export interface LifecycleRule {
  readonly id: string;
  readonly isEnabled: boolean;
  readonly prefix: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly sizeGreaterThan: number | undefined;
  readonly sizeLessThan: number | undefined;
  readonly expireDays: number | undefined;
  readonly expireAtMs: number | undefined;
  readonly expireDeleteMarkers: boolean;
  readonly noncurrentDays: number | undefined;
  readonly noncurrentKeep: number | undefined;
  readonly abortUploadsDays: number | undefined;
  /** The element of the rule as it came, as UTF-8. */
  readonly source: Uint8Array;
}

const MAX_RULES = 1_000;
const MAX_ID_LENGTH = 255;
const MAX_DAYS = 2_147_483_647;
const MAX_NONCURRENT_KEEP = 100;
const MAX_TAGS = 50;
const DAY_MS = 86_400_000;

/** The rules of a `LifecycleConfiguration` document; rules without an id get one of `newId`. */
export function readLifecycle(document: string, newId: () => string): readonly LifecycleRule[] {
  const root = readDocument(document, "LifecycleConfiguration");
  allowOnly(root, "Rule");
  if (root.children.length === 0 || root.children.length > MAX_RULES) throw malformed();
  const rules = root.children.map((rule) => readRule(rule, newId));
  if (new Set(rules.map((rule) => rule.id)).size < rules.length) {
    throw refused("Rule ID must be unique. Found same ID for more than one rule");
  }
  return rules;
}

function readRule(rule: XmlElement, newId: () => string): LifecycleRule {
  allowOnly(rule, ...RULE_ELEMENTS);
  const id = optionalText(rule, "ID") || newId();
  if (id.length > MAX_ID_LENGTH) throw refused("ID length should not exceed allowed limit of 255");
  const isEnabled = requiredWord(rule, "Status", ["Enabled", "Disabled"] as const) === "Enabled";
  const scope = readScope(rule);
  const actions = readActions(rule);
  refuseMismatch(scope, actions);
  return { id, isEnabled, ...scope, ...actions, source: sourceOf(rule, id) };
}

const RULE_ELEMENTS = [
  "ID",
  "Status",
  "Prefix",
  "Filter",
  "Expiration",
  "NoncurrentVersionExpiration",
  "AbortIncompleteMultipartUpload",
  "Transition",
  "NoncurrentVersionTransition",
];

function sourceOf(rule: XmlElement, id: string): Uint8Array {
  const idElement: XmlElement = { name: "ID", attributes: {}, children: [], text: id };
  const children = [idElement, ...rule.children.filter((child) => child.name !== "ID")];
  return Buffer.from(renderElement({ ...rule, children }));
}

type Scope = Pick<LifecycleRule, "prefix" | "tags" | "sizeGreaterThan" | "sizeLessThan">;

function readScope(rule: XmlElement): Scope {
  const prefix = optionalText(rule, "Prefix");
  const filter = childOf(rule, "Filter");
  if ((prefix === undefined) === (filter === undefined)) throw malformed();
  if (filter === undefined) return { ...EVERYTHING, prefix: prefix ?? "" };
  allowOnly(filter, "Prefix", "Tag", "ObjectSizeGreaterThan", "ObjectSizeLessThan", "And");
  const and = childOf(filter, "And");
  const outside = filter.children.filter((child) => child !== and);
  if (and === undefined) return readTerms(filter);
  allowOnly(and, "Prefix", "Tag", "ObjectSizeGreaterThan", "ObjectSizeLessThan");
  if (and.children.length < 2) throw malformed();
  return both(readTerms({ ...filter, children: outside }), readTerms(and));
}

/** Clients also put terms side by side, or beside an `And`: all of them hold then. */
function both(one: Scope, other: Scope): Scope {
  const [short, long] =
    one.prefix.length < other.prefix.length
      ? [one.prefix, other.prefix]
      : [other.prefix, one.prefix];
  if (!long.startsWith(short)) throw malformed();
  return {
    prefix: long,
    tags: { ...one.tags, ...other.tags },
    sizeGreaterThan: other.sizeGreaterThan ?? one.sizeGreaterThan,
    sizeLessThan: other.sizeLessThan ?? one.sizeLessThan,
  };
}

const EVERYTHING: Scope = {
  prefix: "",
  tags: {},
  sizeGreaterThan: undefined,
  sizeLessThan: undefined,
};

function readTerms(element: XmlElement): Scope {
  const tags = element.children.filter((child) => child.name === "Tag");
  const sizeGreaterThan = optionalInteger(element, "ObjectSizeGreaterThan");
  const sizeLessThan = optionalInteger(element, "ObjectSizeLessThan");
  if ((sizeGreaterThan ?? 0) < 0 || (sizeLessThan ?? 1) < 1) {
    throw new S3Error("InvalidRequest", { message: "Object size must be a positive integer" });
  }
  if (
    sizeGreaterThan !== undefined &&
    sizeLessThan !== undefined &&
    sizeLessThan <= sizeGreaterThan
  ) {
    throw new S3Error("InvalidRequest", {
      message: "'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'.",
    });
  }
  return {
    prefix: optionalText(element, "Prefix") ?? "",
    tags: readTagSet({ ...element, text: "", children: tags }, MAX_TAGS),
    sizeGreaterThan,
    sizeLessThan,
  };
}

type Actions = Pick<
  LifecycleRule,
  | "expireDays"
  | "expireAtMs"
  | "expireDeleteMarkers"
  | "noncurrentDays"
  | "noncurrentKeep"
  | "abortUploadsDays"
>;

function readActions(rule: XmlElement): Actions {
  const actions = {
    ...readExpiration(childOf(rule, "Expiration")),
    ...readNoncurrent(childOf(rule, "NoncurrentVersionExpiration")),
    abortUploadsDays: readAbort(childOf(rule, "AbortIncompleteMultipartUpload")),
  };
  const transitions = rule.children.filter((child) => child.name.endsWith("Transition"));
  for (const transition of transitions) refuseTransition(transition);
  const hasAction =
    actions.expireDeleteMarkers ||
    [actions.expireDays, actions.expireAtMs, actions.noncurrentDays, actions.abortUploadsDays].some(
      (value) => value !== undefined,
    );
  if (!hasAction) {
    throw new S3Error("InvalidRequest", {
      message: "At least one action needs to be specified in a rule",
    });
  }
  return actions;
}

function readExpiration(
  element: XmlElement | undefined,
): Pick<Actions, "expireDays" | "expireAtMs" | "expireDeleteMarkers"> {
  if (element === undefined) {
    return { expireDays: undefined, expireAtMs: undefined, expireDeleteMarkers: false };
  }
  allowOnly(element, "Days", "Date", "ExpiredObjectDeleteMarker");
  if (element.children.length !== 1) throw malformed();
  const expireDays = optionalInteger(element, "Days");
  const expireAtMs = optionalTime(element, "Date");
  requireDays(expireDays, "Expiration action");
  requireMidnight(expireAtMs);
  const expireDeleteMarkers = optionalFlag(element, "ExpiredObjectDeleteMarker") ?? false;
  return { expireDays, expireAtMs, expireDeleteMarkers };
}

function readNoncurrent(
  element: XmlElement | undefined,
): Pick<Actions, "noncurrentDays" | "noncurrentKeep"> {
  if (element === undefined) return { noncurrentDays: undefined, noncurrentKeep: undefined };
  allowOnly(element, "NoncurrentDays", "NewerNoncurrentVersions");
  const noncurrentDays = optionalInteger(element, "NoncurrentDays");
  const noncurrentKeep = optionalInteger(element, "NewerNoncurrentVersions");
  if (noncurrentDays === undefined) throw malformed();
  requireDays(noncurrentDays, "NoncurrentVersionExpiration action");
  if (
    noncurrentKeep !== undefined &&
    (noncurrentKeep < 1 || noncurrentKeep > MAX_NONCURRENT_KEEP)
  ) {
    throw refused(
      "'NewerNoncurrentVersions' for NoncurrentVersionExpiration action must be a positive integer between 1 and 100",
    );
  }
  return { noncurrentDays, noncurrentKeep };
}

function readAbort(element: XmlElement | undefined): number | undefined {
  if (element === undefined) return undefined;
  allowOnly(element, "DaysAfterInitiation");
  const days = optionalInteger(element, "DaysAfterInitiation");
  if (days === undefined) throw malformed();
  requireDays(days, "AbortIncompleteMultipartUpload action");
  return days;
}

function requireDays(days: number | undefined, action: string): void {
  if (days === undefined) return;
  if (days > MAX_DAYS) throw malformed();
  if (days <= 0) throw refused(`'Days' for ${action} must be a positive integer`);
}

function requireMidnight(timeMs: number | undefined): void {
  if (timeMs !== undefined && timeMs % DAY_MS !== 0) {
    throw refused("'Date' must be at midnight GMT");
  }
}

/** There is one storage class: what would move objects to another is not taken and then left undone. */
function refuseTransition(element: XmlElement): never {
  allowOnly(element, "Days", "Date", "StorageClass", "NoncurrentDays", "NewerNoncurrentVersions");
  const days = optionalInteger(element, "Days") ?? optionalInteger(element, "NoncurrentDays");
  if ((days ?? 0) < 0) throw refused("'Days' in Transition action must be nonnegative");
  requireMidnight(optionalTime(element, "Date"));
  const storageClass = childOf(element, "StorageClass");
  if (storageClass === undefined || textOf(storageClass) === "") throw malformed();
  throw new S3Error("NotImplemented", {
    message: "Transitions to other storage classes are not implemented.",
  });
}

function refuseMismatch(scope: Scope, actions: Actions): void {
  const hasTags = Object.keys(scope.tags).length > 0;
  const hasSize = scope.sizeGreaterThan !== undefined || scope.sizeLessThan !== undefined;
  if (hasTags && actions.expireDeleteMarkers) {
    throw new S3Error("InvalidRequest", {
      message: "ExpiredObjectDeleteMarker cannot be specified with Tags.",
    });
  }
  if (actions.abortUploadsDays === undefined) return;
  if (hasTags) {
    throw new S3Error("InvalidRequest", {
      message: "AbortIncompleteMultipartUpload cannot be specified with Tags.",
    });
  }
  if (hasSize) {
    throw new S3Error("InvalidRequest", {
      message: "AbortIncompleteMultipartUpload cannot be specified with Object Size.",
    });
  }
}

function refused(message: string): S3Error {
  return new S3Error("InvalidArgument", { message });
}
