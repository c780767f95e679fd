import type { BucketDetails, FileEntry } from "@cairnfs/client";

const DAY_MS = 86_400_000;

type Expiring = Pick<FileEntry, "modifiedMs" | "sizeBytes" | "object">;

/** When the current version at a key expires by the rules of its bucket, and by which of them: nothing when none is for it. */
export function expirationHeaders(
  { lifecycle }: Pick<BucketDetails, "lifecycle">,
  key: string,
  entry: Expiring,
): Readonly<Record<string, string>> {
  let soonest: { readonly atMs: number; readonly id: string } | undefined;
  for (const rule of lifecycle) {
    const atMs = expiresAt(rule, entry);
    if (atMs === undefined || !isFor(rule, key, entry)) continue;
    if (soonest === undefined || atMs < soonest.atMs) soonest = { atMs, id: rule.id };
  }
  if (soonest === undefined) return {};
  const date = new Date(soonest.atMs).toUTCString();
  const id = encodeURIComponent(soonest.id);
  return { "x-amz-expiration": `expiry-date="${date}", rule-id="${id}"` };
}

type Rule = BucketDetails["lifecycle"][number];

function expiresAt({ expireDays, expireAtMs }: Rule, entry: Expiring): number | undefined {
  if (expireDays === undefined) return expireAtMs;
  return afterDays(entry.modifiedMs, expireDays);
}

/** When so many days after a time have passed as lifecycles count them: at the midnight in UTC that follows. */
export function afterDays(timeMs: number, days: number): number {
  return Math.ceil((timeMs + days * DAY_MS) / DAY_MS) * DAY_MS;
}

function isFor(rule: Rule, key: string, { sizeBytes, object }: Expiring): boolean {
  const { sizeGreaterThan = -1, sizeLessThan = Number.POSITIVE_INFINITY } = rule;
  return (
    rule.isEnabled &&
    key.startsWith(rule.prefix) &&
    sizeBytes > sizeGreaterThan &&
    sizeBytes < sizeLessThan &&
    Object.entries(rule.tags).every(([name, value]) => object?.tags[name] === value)
  );
}
