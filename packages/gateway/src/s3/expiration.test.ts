import type { LifecycleRule } from "@cairnfs/client/objects/lifecycle-rules";
import { expect, test } from "vitest";
import { expirationHeaders } from "./expiration.ts";

const NOON_MS = Date.UTC(2026, 0, 1, 12);
const entry = { modifiedMs: NOON_MS, sizeBytes: 10, object: undefined };

function said(...rules: Partial<LifecycleRule>[]): string | undefined {
  const lifecycle = rules.map((rule) => ({
    id: "rule",
    isEnabled: true,
    prefix: "",
    tags: {},
    ...rule,
  }));
  return expirationHeaders({ lifecycle }, "logs/a", entry)["x-amz-expiration"];
}

test("an object expires at the midnight after its days", () => {
  expect(said({ expireDays: 1 })).toBe(
    'expiry-date="Sat, 03 Jan 2026 00:00:00 GMT", rule-id="rule"',
  );
});

test("the rule that comes first is told, by its id as a URL has it", () => {
  const soon = Date.UTC(2026, 0, 2);
  expect(said({ expireDays: 9 }, { id: "a b", expireAtMs: soon })).toBe(
    'expiry-date="Fri, 02 Jan 2026 00:00:00 GMT", rule-id="a%20b"',
  );
});

test("rules that are off, for other objects or of other things are not told", () => {
  const others: Partial<LifecycleRule>[] = [
    { isEnabled: false },
    { prefix: "data/" },
    { tags: { a: "1" } },
    { sizeGreaterThan: 10 },
    { sizeLessThan: 10 },
  ];
  for (const rule of others) expect(said({ expireDays: 1, ...rule })).toBeUndefined();
  expect(said({ noncurrentDays: 1 })).toBeUndefined();
  expect(
    said({ expireDays: 1, prefix: "logs/", sizeGreaterThan: 9, sizeLessThan: 11 }),
  ).toBeDefined();
});
