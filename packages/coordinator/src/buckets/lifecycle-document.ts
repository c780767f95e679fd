import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { CairnError } from "@cairnfs/base/errors";
import { type Lifecycle, LifecycleSchema } from "@cairnfs/protocol/gen/cairn/v1/buckets_pb";

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
    if (Buffer.byteLength(rule.id) > RULE_ID_BYTES_MAX) {
      throw refused(`the id of a rule has more than ${RULE_ID_BYTES_MAX} bytes`);
    }
    if (ids.has(rule.id)) throw refused(`two rules have the id ${JSON.stringify(rule.id)}`);
    ids.add(rule.id);
    if (Buffer.byteLength(rule.prefix) > RULE_PREFIX_BYTES_MAX) {
      throw refused(`the prefix of a rule has more than ${RULE_PREFIX_BYTES_MAX} bytes`);
    }
    const { expireDays, expireAtMs } = rule;
    if (expireDays !== undefined && expireAtMs !== undefined) {
      throw refused(`the rule ${JSON.stringify(rule.id)} has days and a date`);
    }
    for (const days of [expireDays, rule.noncurrentDays, rule.abortUploadsDays]) {
      if (days === 0) throw refused(`the rule ${JSON.stringify(rule.id)} has 0 days`);
    }
  }
  const bytes = toBinary(LifecycleSchema, lifecycle);
  if (bytes.byteLength > LIFECYCLE_BYTES_MAX) {
    throw refused(`it has ${bytes.byteLength} bytes, expected at most ${LIFECYCLE_BYTES_MAX}`);
  }
  return bytes;
}

/** What `encodeLifecycle` encoded. */
export function decodeLifecycle(bytes: Uint8Array): Lifecycle {
  return fromBinary(LifecycleSchema, bytes);
}

function refused(message: string): CairnError {
  return new CairnError("invalidArgument", `the lifecycle is not valid: ${message}`);
}
