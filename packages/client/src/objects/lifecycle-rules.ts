import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  LifecycleRule as LifecycleRuleMessage,
  LifecycleRuleSchema,
} from "@cairnfs/protocol/gen/cairn/v1/buckets_pb";
import { count } from "../entry.ts";

/** What happens to objects of a bucket when they have become old. */
export interface LifecycleRule {
  readonly id: string;
  readonly isEnabled: boolean;
  /** Which objects: those whose key begins so, */
  readonly prefix: string;
  /** that have all these tags, */
  readonly tags: Readonly<Record<string, string>>;
  /** and are of such a size. */
  readonly sizeGreaterThan?: number | undefined;
  readonly sizeLessThan?: number | undefined;
  /** From its last change on, or from this moment on, the current version expires. */
  readonly expireDays?: number | undefined;
  readonly expireAtMs?: number | undefined;
  /** Delete markers go that are all there is of their key. */
  readonly expireDeleteMarkers?: boolean | undefined;
  /** How long a version stays that is not the current one any more, */
  readonly noncurrentDays?: number | undefined;
  /** and how many of them stay at least. */
  readonly noncurrentKeep?: number | undefined;
  readonly abortUploadsDays?: number | undefined;
  /** How the door that set the rule wants to remember it. */
  readonly source?: Uint8Array | undefined;
}

export function rulesFromWire(rules: readonly LifecycleRuleMessage[]): LifecycleRule[] {
  return rules.map((rule) => ({
    id: rule.id,
    isEnabled: rule.isEnabled,
    prefix: rule.prefix,
    tags: rule.tags,
    sizeGreaterThan: countIfGiven(rule.sizeGreaterThan),
    sizeLessThan: countIfGiven(rule.sizeLessThan),
    expireDays: rule.expireDays,
    expireAtMs: countIfGiven(rule.expireAtMs),
    expireDeleteMarkers: rule.expireDeleteMarkers,
    noncurrentDays: rule.noncurrentDays,
    noncurrentKeep: rule.noncurrentKeep,
    abortUploadsDays: rule.abortUploadsDays,
    source: rule.source,
  }));
}

export function rulesToWire(
  rules: readonly LifecycleRule[],
): MessageInitShape<typeof LifecycleRuleSchema>[] {
  return rules.map((rule) => ({
    id: rule.id,
    isEnabled: rule.isEnabled,
    prefix: rule.prefix,
    tags: { ...rule.tags },
    ...(rule.sizeGreaterThan !== undefined && { sizeGreaterThan: BigInt(rule.sizeGreaterThan) }),
    ...(rule.sizeLessThan !== undefined && { sizeLessThan: BigInt(rule.sizeLessThan) }),
    ...(rule.expireDays !== undefined && { expireDays: rule.expireDays }),
    ...(rule.expireAtMs !== undefined && { expireAtMs: BigInt(rule.expireAtMs) }),
    expireDeleteMarkers: rule.expireDeleteMarkers ?? false,
    ...(rule.noncurrentDays !== undefined && { noncurrentDays: rule.noncurrentDays }),
    ...(rule.noncurrentKeep !== undefined && { noncurrentKeep: rule.noncurrentKeep }),
    ...(rule.abortUploadsDays !== undefined && { abortUploadsDays: rule.abortUploadsDays }),
    ...(rule.source !== undefined && { source: rule.source }),
  }));
}

function countIfGiven(value: bigint | undefined): number | undefined {
  return value === undefined ? undefined : count(value);
}
