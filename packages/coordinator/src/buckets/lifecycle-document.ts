import { CairnError } from "@cairnfs/base/errors";
import {
  type Lifecycle,
  type LifecycleRule,
  LifecycleSchema,
} from "@cairnfs/protocol/gen/cairn/v1/buckets_pb";
import { decoderOf, encodeMessage, joinParts } from "@cairnfs/protocol/rpc/codec";

export const LIFECYCLE_RULES_MAX = 1_000;
export const LIFECYCLE_BYTES_MAX = 1024 * 1024;
export const RULE_ID_BYTES_MAX = 255;
export const RULE_PREFIX_BYTES_MAX = 1_024;

/** The lifecycle as it is stored; `invalidArgument` when a rule breaks the rules. */
export function encodeLifecycle(lifecycle: Lifecycle): Uint8Array {
  const { rules } = lifecycle;
  if (rules.length > LIFECYCLE_RULES_MAX) {
    throw refused(`it has ${rules.length} rules, expected at most ${LIFECYCLE_RULES_MAX}`);
  }
  const ids = new Set<string>();
  for (const rule of rules) {
    if (ids.has(rule.id)) throw refused(`two rules have the id ${JSON.stringify(rule.id)}`);
    ids.add(rule.id);
    checkRule(rule);
  }
  const bytes = joinParts(encodeMessage(LifecycleSchema, lifecycle));
  if (bytes.byteLength > LIFECYCLE_BYTES_MAX) {
    throw refused(`it has ${bytes.byteLength} bytes, expected at most ${LIFECYCLE_BYTES_MAX}`);
  }
  return bytes;
}

function checkRule(rule: LifecycleRule): void {
  const { id, prefix, expireDays, expireAtMs, noncurrentDays, abortUploadsDays } = rule;
  if (Buffer.byteLength(id) > RULE_ID_BYTES_MAX) {
    throw refused(`the id of a rule has more than ${RULE_ID_BYTES_MAX} bytes`);
  }
  if (Buffer.byteLength(prefix) > RULE_PREFIX_BYTES_MAX) {
    throw refused(`the prefix of a rule has more than ${RULE_PREFIX_BYTES_MAX} bytes`);
  }
  if (expireDays !== undefined && expireAtMs !== undefined) {
    throw refused(`the rule ${JSON.stringify(id)} has days and a date`);
  }
  if ([expireDays, noncurrentDays, abortUploadsDays].includes(0)) {
    throw refused(`the rule ${JSON.stringify(id)} has 0 days`);
  }
}

/** What `encodeLifecycle` encoded. */
export const decodeLifecycle: (bytes: Uint8Array) => Lifecycle = decoderOf(
  LifecycleSchema,
  "internal",
);

function refused(message: string): CairnError {
  return new CairnError("invalidArgument", `the lifecycle is not valid: ${message}`);
}
