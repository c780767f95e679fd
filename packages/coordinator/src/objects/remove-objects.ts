import { type CairnError, hasReason, type Reason } from "@cairnfs/base/errors";
import type { Mutation } from "../namespace/mutation.ts";
import { type RemovedObject, type RemoveObject, removeObject } from "./remove-object.ts";

/** Of each object of several: that it was removed, or why it was not. */
export type RemovedOrNot = { readonly removed: RemovedObject } | { readonly failure: CairnError };

/** What one object may be refused for. Anything else is about all of them. */
const REFUSALS = [
  "preconditionFailed",
  "pathExists",
  "objectLocked",
  "conflictingState",
] as const satisfies readonly Reason[];

/**
 * Removes objects in one transaction, each on its own: one that is refused has changed nothing and keeps no other from going.
 */
export async function removeObjects(
  mutation: Mutation,
  requests: readonly RemoveObject[],
): Promise<readonly RemovedOrNot[]> {
  const outcomes: RemovedOrNot[] = [];
  for (const request of requests) {
    try {
      outcomes.push({ removed: await removeObject(mutation, request) });
    } catch (error) {
      if (!hasReason(error, ...REFUSALS)) throw error;
      outcomes.push({ failure: error });
    }
  }
  return outcomes;
}
