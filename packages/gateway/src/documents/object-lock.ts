import { S3Error } from "../s3/errors.ts";
import {
  allowOnly,
  malformed,
  optionalInteger,
  optionalTime,
  optionalWord,
  readDocument,
  requiredChild,
  requiredWord,
  timeOf,
} from "../xml/fields.ts";
import { childOf } from "../xml/read.ts";

const MODES = ["GOVERNANCE", "COMPLIANCE"] as const;
/** As S3 writes how firmly a version is kept. */
export type RetentionWord = (typeof MODES)[number];

/** How long new versions of a bucket are kept; one of the two is 0. */
export interface BucketRetention {
  readonly mode: RetentionWord;
  readonly days: number;
  readonly years: number;
}

/** Until when a version is kept, and how firmly. */
export interface ObjectRetention {
  readonly mode: RetentionWord;
  readonly untilMs: number;
}

const MAX_DAYS = 36_500;
const MAX_YEARS = 100;

/** The default retention that an `ObjectLockConfiguration` document asks for, if it asks for one. */
export function readObjectLock(document: string): BucketRetention | undefined {
  const root = readDocument(document, "ObjectLockConfiguration");
  allowOnly(root, "ObjectLockEnabled", "Rule");
  requiredWord(root, "ObjectLockEnabled", ["Enabled"] as const);
  const rule = childOf(root, "Rule");
  if (rule === undefined) return undefined;
  allowOnly(rule, "DefaultRetention");
  const retention = requiredChild(rule, "DefaultRetention");
  allowOnly(retention, "Mode", "Days", "Years");
  const mode = requiredWord(retention, "Mode", MODES);
  const days = optionalInteger(retention, "Days");
  const years = optionalInteger(retention, "Years");
  if ((days === undefined) === (years === undefined)) throw malformed();
  requirePeriod(days, MAX_DAYS);
  requirePeriod(years, MAX_YEARS);
  return { mode, days: days ?? 0, years: years ?? 0 };
}

function requirePeriod(period: number | undefined, max: number): void {
  if (period !== undefined && (period <= 0 || period > max)) {
    throw new S3Error("InvalidRetentionPeriod");
  }
}

/** The elements inside `ObjectLockConfiguration`. */
export function objectLockXml(retention: BucketRetention | undefined): string {
  const enabled = "<ObjectLockEnabled>Enabled</ObjectLockEnabled>";
  if (retention === undefined) return enabled;
  const { mode, days, years } = retention;
  const period = days > 0 ? `<Days>${days}</Days>` : `<Years>${years}</Years>`;
  return `${enabled}<Rule><DefaultRetention><Mode>${mode}</Mode>${period}</DefaultRetention></Rule>`;
}

/** What a `Retention` document asks for; an empty one asks for none. */
export function readRetention(document: string, nowMs: number): ObjectRetention | undefined {
  const root = readDocument(document, "Retention");
  allowOnly(root, "Mode", "RetainUntilDate");
  const mode = optionalWord(root, "Mode", MODES);
  const untilMs = optionalTime(root, "RetainUntilDate");
  if (mode === undefined && untilMs === undefined) return undefined;
  if (mode === undefined || untilMs === undefined) throw malformed();
  requireFuture(untilMs, nowMs);
  return { mode, untilMs };
}

function requireFuture(untilMs: number, nowMs: number): void {
  if (untilMs <= nowMs) {
    throw new S3Error("InvalidArgument", {
      message: "The retain until date must be in the future!",
    });
  }
}

/** The elements inside `Retention`. */
export function retentionXml({ mode, untilMs }: ObjectRetention): string {
  const until = new Date(untilMs).toISOString();
  return `<Mode>${mode}</Mode><RetainUntilDate>${until}</RetainUntilDate>`;
}

/** Whether a `LegalHold` document switches it on. */
export function readLegalHold(document: string): boolean {
  const root = readDocument(document, "LegalHold");
  allowOnly(root, "Status");
  return requiredWord(root, "Status", ["ON", "OFF"] as const) === "ON";
}

/** What the headers `x-amz-object-lock-*` of a write ask for. */
export interface LockHeaders {
  readonly retention: ObjectRetention | undefined;
  readonly hasLegalHold: boolean | undefined;
}

/** Reads them by a look-up of lower-case header names. */
export function readLockHeaders(
  header: (name: string) => string | undefined,
  nowMs: number,
): LockHeaders {
  const mode = header("x-amz-object-lock-mode");
  const until = header("x-amz-object-lock-retain-until-date");
  const hold = header("x-amz-object-lock-legal-hold");
  if ((mode === undefined) !== (until === undefined)) {
    throw new S3Error("InvalidArgument", {
      message:
        "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied",
    });
  }
  if (hold !== undefined && hold !== "ON" && hold !== "OFF") {
    throw new S3Error("InvalidArgument", { message: "Legal Hold must be either of 'ON' or 'OFF'" });
  }
  return {
    retention:
      mode === undefined || until === undefined ? undefined : retentionOf(mode, until, nowMs),
    hasLegalHold: hold === undefined ? undefined : hold === "ON",
  };
}

function retentionOf(word: string, until: string, nowMs: number): ObjectRetention {
  const mode = MODES.find((candidate) => candidate === word);
  if (mode === undefined) {
    throw new S3Error("InvalidArgument", { message: "Unknown wormMode directive." });
  }
  const untilMs = headerTime(until);
  requireFuture(untilMs, nowMs);
  return { mode, untilMs };
}

function headerTime(text: string): number {
  try {
    return timeOf(text.trim());
  } catch (cause) {
    if (!(cause instanceof S3Error)) throw cause;
    throw new S3Error("InvalidArgument", {
      message: "The retain until date must be provided in ISO 8601 format",
      cause,
    });
  }
}
