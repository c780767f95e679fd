import type { Lifecycle, LifecycleRule } from "@cairnfs/protocol/gen/cairn/v1/buckets_pb";

export const DAY_MS = 86_400_000;

/** What rules look at. */
export interface LifecycleSubject {
  readonly key: string;
  /** Of a delete marker: undefined, as it has no tags either. */
  readonly file:
    | { readonly sizeBytes: number; tags(): Readonly<Record<string, string>> }
    | undefined;
  readonly modifiedMs: number;
  /** Absent of the newest version of the key. */
  readonly noncurrent:
    | {
        /** When a newer version took its place. */
        readonly sinceMs: number;
        /** How many noncurrent versions of the key are newer than this one. */
        readonly newer: number;
      }
    | undefined;
  /** The key has no other version. */
  readonly isOnly: boolean;
}

export interface LifecycleTimes {
  readonly nowMs: number;
  /** How long a day lasts. */
  readonly dayMs: number;
}

/** Whether the rules let go of a version, or let a newest one expire. */
export function isExpired(
  rules: readonly LifecycleRule[],
  subject: LifecycleSubject,
  times: LifecycleTimes,
): boolean {
  return rules.some((rule) => appliesTo(rule, subject) && hasExpired(rule, subject, times));
}

function hasExpired(
  rule: LifecycleRule,
  subject: LifecycleSubject,
  times: LifecycleTimes,
): boolean {
  const { noncurrent, file, isOnly } = subject;
  if (noncurrent !== undefined) {
    const { noncurrentDays, noncurrentKeep } = rule;
    if (noncurrentDays === undefined && noncurrentKeep === undefined) return false;
    if (noncurrent.newer < (noncurrentKeep ?? 0)) return false;
    return noncurrentDays === undefined || hasPassed(noncurrent.sinceMs, noncurrentDays, times);
  }
  // A delete marker that stands before other versions is what hides them.
  if (file === undefined && !isOnly) return false;
  if (file === undefined && rule.expireDeleteMarkers) return true;
  if (rule.expireDays !== undefined) return hasPassed(subject.modifiedMs, rule.expireDays, times);
  return rule.expireAtMs !== undefined && Number(rule.expireAtMs) <= times.nowMs;
}

/** Whether so many days have passed, to the end of the day in UTC; days that were made shorter have no end to wait for. */
export function hasPassed(
  sinceMs: number,
  days: number,
  { nowMs, dayMs }: LifecycleTimes,
): boolean {
  const dueMs = sinceMs + days * dayMs;
  return nowMs >= (dayMs === DAY_MS ? Math.ceil(dueMs / DAY_MS) * DAY_MS : dueMs);
}

function appliesTo(rule: LifecycleRule, { key, file }: LifecycleSubject): boolean {
  if (!key.startsWith(rule.prefix)) return false;
  const { sizeGreaterThan, sizeLessThan } = rule;
  const wanted = Object.entries(rule.tags);
  const asksForFile =
    wanted.length > 0 || sizeGreaterThan !== undefined || sizeLessThan !== undefined;
  if (!asksForFile) return true;
  if (file === undefined) return false;
  if (sizeGreaterThan !== undefined && file.sizeBytes <= sizeGreaterThan) return false;
  if (sizeLessThan !== undefined && file.sizeBytes >= sizeLessThan) return false;
  if (wanted.length === 0) return true;
  const tags = file.tags();
  return wanted.every(([name, value]) => Object.hasOwn(tags, name) && tags[name] === value);
}

/** The rules that are in force and say something of versions, and those that do of open uploads. */
export function rulesInForce({ rules }: Lifecycle): {
  readonly versions: readonly LifecycleRule[];
  readonly uploads: readonly LifecycleRule[];
} {
  const inForce = rules.filter((rule) => rule.isEnabled);
  return {
    versions: inForce.filter(
      (rule) =>
        rule.expireDays !== undefined ||
        rule.expireAtMs !== undefined ||
        rule.expireDeleteMarkers ||
        rule.noncurrentDays !== undefined ||
        rule.noncurrentKeep !== undefined,
    ),
    uploads: inForce.filter((rule) => rule.abortUploadsDays !== undefined),
  };
}

/** The prefixes of rules, in byte order, without those that begin with another of them. */
export function prefixesOf(rules: readonly LifecycleRule[]): readonly Buffer[] {
  const sorted = [...new Set(rules.map((rule) => rule.prefix))]
    .map((prefix) => Buffer.from(prefix))
    .sort((a, b) => Buffer.compare(a, b));
  const kept: Buffer[] = [];
  for (const prefix of sorted) {
    const last = kept.at(-1);
    if (last === undefined || !prefix.subarray(0, last.byteLength).equals(last)) kept.push(prefix);
  }
  return kept;
}
