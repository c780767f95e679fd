import type { KvReader } from "@cairnfs/kv/kv-store";
import type { Counting } from "../check/counting.ts";
import { snapshotScanner } from "../check/scanner.ts";
import { storeStages } from "../check/store-check.ts";
import { DEFAULT_NAMESPACE_SETTINGS } from "./settings.ts";

/**
 * Reads the whole namespace in one snapshot and says, in words, what in it contradicts something else: none when all is
 * well. These are the findings of a check, without what has to be asked of nodes.
 */
export async function checkInvariants(reader: KvReader): Promise<string[]> {
  const scanner = snapshotScanner(reader, undefined);
  const counting: Counting = { paged: scanner, exact: (body) => body(scanner), kv: undefined };
  const stages = storeStages({
    counting,
    nodes: undefined,
    nowMs: () => 0,
    settings: DEFAULT_NAMESPACE_SETTINGS,
    runMutation: undefined,
    isLossKnown: () => false,
  });
  const violations: string[] = [];
  for (const stage of stages) {
    for await (const { finding } of stage.run()) {
      violations.push(`${finding.kind}: ${finding.subject}: ${finding.message}`);
    }
  }
  return violations;
}
