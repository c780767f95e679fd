import { create } from "@bufbuild/protobuf";
import { LifecycleRuleSchema } from "@cairnfs/protocol/gen/cairn/v1/buckets_pb";
import { expect, test } from "vitest";
import { DAY_MS, hasPassed, isExpired, type LifecycleSubject, prefixesOf } from "./rules.ts";

type RuleFields = Parameters<typeof create<typeof LifecycleRuleSchema>>[1];

const MIDNIGHT_MS = 20_000 * DAY_MS;
const HOUR_MS = DAY_MS / 24;

function rule(fields: RuleFields) {
  return create(LifecycleRuleSchema, { isEnabled: true, ...fields });
}

function subject(fields: Partial<LifecycleSubject>): LifecycleSubject {
  const file = { sizeBytes: 100, tags: () => ({ kind: "log", toString: "x" }) };
  return {
    key: "logs/a",
    file,
    modifiedMs: MIDNIGHT_MS,
    noncurrent: undefined,
    isOnly: true,
    ...fields,
  };
}

/** Whether it has expired so many days after the midnight at which it was made. */
function expired(fields: RuleFields, what: Partial<LifecycleSubject>, days = 100): boolean {
  const times = { nowMs: MIDNIGHT_MS + days * DAY_MS, dayMs: DAY_MS };
  return isExpired([rule(fields)], subject(what), times);
}

test("days end at midnight in UTC, unless they were made shorter", () => {
  const madeMs = MIDNIGHT_MS + 10.5 * HOUR_MS;
  const times = (nowMs: number) => ({ nowMs, dayMs: DAY_MS });
  expect(hasPassed(madeMs, 3, times(MIDNIGHT_MS + 4 * DAY_MS - 1))).toBe(false);
  expect(hasPassed(madeMs, 3, times(MIDNIGHT_MS + 4 * DAY_MS))).toBe(true);
  expect(hasPassed(MIDNIGHT_MS, 3, times(MIDNIGHT_MS + 3 * DAY_MS))).toBe(true);
  expect(hasPassed(1_000, 3, { nowMs: 3_999, dayMs: 1_000 })).toBe(false);
  expect(hasPassed(1_000, 3, { nowMs: 4_000, dayMs: 1_000 })).toBe(true);
});

test("the newest version expires after days or from a date on", () => {
  expect(expired({ expireDays: 5 }, {}, 4)).toBe(false);
  expect(expired({ expireDays: 5 }, {}, 5)).toBe(true);
  const atMs = BigInt(MIDNIGHT_MS + 7 * DAY_MS);
  expect(expired({ expireAtMs: atMs }, {}, 6)).toBe(false);
  expect(expired({ expireAtMs: atMs }, {}, 7)).toBe(true);
  expect(expired({ noncurrentDays: 1 }, {})).toBe(false);
});

test("a rule applies to what has its prefix, its tags and its size", () => {
  const days = { expireDays: 1 };
  expect(expired({ ...days, prefix: "logs/" }, {})).toBe(true);
  expect(expired({ ...days, prefix: "log/" }, {})).toBe(false);
  expect(expired({ ...days, tags: { kind: "log" } }, {})).toBe(true);
  expect(expired({ ...days, tags: { kind: "log", other: "x" } }, {})).toBe(false);
  expect(expired({ ...days, tags: { valueOf: "x" } }, {})).toBe(false);
  expect(expired({ ...days, sizeGreaterThan: 99n, sizeLessThan: 101n }, {})).toBe(true);
  expect(expired({ ...days, sizeGreaterThan: 100n }, {})).toBe(false);
  expect(expired({ ...days, sizeLessThan: 100n }, {})).toBe(false);
});

test("noncurrent versions go by when they became so, and the newest of them may stay", () => {
  const noncurrent = (newer: number) => ({ noncurrent: { sinceMs: MIDNIGHT_MS, newer } });
  expect(expired({ noncurrentDays: 5 }, noncurrent(0), 4)).toBe(false);
  expect(expired({ noncurrentDays: 5 }, noncurrent(0), 5)).toBe(true);
  expect(expired({ noncurrentDays: 5, noncurrentKeep: 2 }, noncurrent(1))).toBe(false);
  expect(expired({ noncurrentDays: 5, noncurrentKeep: 2 }, noncurrent(2))).toBe(true);
  expect(expired({ noncurrentKeep: 2 }, noncurrent(2), 0)).toBe(true);
  expect(expired({ expireDays: 1 }, noncurrent(0))).toBe(false);
  expect(expired({ noncurrentDays: 5 }, { ...noncurrent(0), file: undefined })).toBe(true);
});

test("a delete marker expires when nothing is behind it", () => {
  const marker = { file: undefined };
  expect(expired({ expireDeleteMarkers: true }, marker, 0)).toBe(true);
  expect(expired({ expireDeleteMarkers: true }, { ...marker, isOnly: false })).toBe(false);
  expect(expired({ expireDays: 5 }, marker, 4)).toBe(false);
  expect(expired({ expireDays: 5 }, marker, 5)).toBe(true);
  expect(expired({ expireDays: 5, sizeLessThan: 10n }, marker, 5)).toBe(false);
  expect(expired({ expireDeleteMarkers: true }, {})).toBe(false);
});

test("prefixes that begin with another one are not walked twice", () => {
  const rules = ["b/c", "a/", "b/", "a/x", "c"].map((prefix) => rule({ prefix }));
  expect(prefixesOf(rules).map(String)).toEqual(["a/", "b/", "c"]);
  expect(prefixesOf([...rules, rule({ prefix: "" })]).map(String)).toEqual([""]);
});
