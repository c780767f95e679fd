import { CairnError } from "@cairnfs/base/errors";
import type { Candidate, NodeSelector, SelectionRequest } from "./selector.ts";

/**
 * A selector of a user's own, held to its promise: an answer of the wrong count, with a node twice or one that may not be
 * chosen is refused as `internal`, naming `origin`. The copies of a chunk never depend on a mistake in it.
 */
export function checkedSelector(selector: NodeSelector, origin: string): NodeSelector {
  const known = new WeakMap<readonly Candidate[], ReadonlySet<number>>();
  return {
    name: selector.name,
    select(candidates, request) {
      const chosen: unknown = selector.select(candidates, request);
      const numbers =
        known.get(candidates) ?? new Set(candidates.map((candidate) => candidate.nodeNumber));
      known.set(candidates, numbers);
      const fault = faultOf(chosen, numbers, request);
      if (fault !== undefined) {
        throw new CairnError("internal", `the placement module ${origin} ${fault}`);
      }
      // Just checked: an array of known numbers.
      return chosen as readonly number[];
    },
  };
}

function faultOf(
  chosen: unknown,
  known: ReadonlySet<number>,
  request: SelectionRequest,
): string | undefined {
  if (!Array.isArray(chosen)) return "did not return an array of node numbers";
  if (chosen.length !== request.count) {
    return `returned ${chosen.length} nodes where ${request.count} were asked for`;
  }
  const seen = new Set<unknown>();
  for (const nodeNumber of chosen) {
    if (!known.has(nodeNumber)) return `returned ${String(nodeNumber)}, which is no candidate`;
    if (seen.has(nodeNumber)) return `returned node ${nodeNumber} twice`;
    if (
      request.excluded.has(nodeNumber) ||
      request.holders.some((holder) => holder.nodeNumber === nodeNumber)
    ) {
      return `returned node ${nodeNumber}, which is not to be chosen`;
    }
    seen.add(nodeNumber);
  }
  return undefined;
}
