import {
  checkLinearizable,
  type Operation,
  type SequentialModel,
} from "@cairnfs/testkit/history/linearizable";
import { type HistoryEntry, isReading, type KnownOutcome } from "../history/operation.ts";
import {
  EMPTY_STATE,
  isAllowed,
  type ModelRules,
  type ModelState,
  perform,
  stateKey,
} from "./namespace-model.ts";

/** So many states are looked at; a history that needs more is left undecided. */
const STATES_MAX = 300_000;

export type HistoryVerdict =
  | { readonly kind: "linearizable" }
  | { readonly kind: "undecided" }
  /** No order explains the history; in the longest one that was found, these come next. */
  | { readonly kind: "impossible"; readonly stuck: readonly HistoryEntry[] };

/**
 * Whether some order of the operations, in which each takes place between its beginning and its end, explains what
 * every one of them was told. Operations whose outcome is unknown take place at any time after their beginning, or never.
 */
export function checkHistory(history: readonly HistoryEntry[], rules: ModelRules): HistoryVerdict {
  const operations = history.flatMap((entry) => operationOf(entry) ?? []);
  const verdict = checkLinearizable(operations, namespaceModel(rules), STATES_MAX);
  if (verdict.kind !== "violated") return verdict;
  return { kind: "impossible", stuck: verdict.stuckAt.map(({ input }) => input) };
}

/** The entry as the search has it; undefined when it says nothing. */
function operationOf(entry: HistoryEntry): Operation<HistoryEntry, KnownOutcome> | undefined {
  const { operation, invokedAt, endedAt, outcome } = entry;
  if (outcome.status !== "unknown") {
    return { input: entry, invokedAt, returnedAt: endedAt, output: outcome };
  }
  if (isReading(operation.action)) return undefined;
  return { input: entry, invokedAt, returnedAt: undefined, output: undefined };
}

function namespaceModel(
  rules: ModelRules,
): SequentialModel<ModelState, HistoryEntry, KnownOutcome> {
  return {
    initial: EMPTY_STATE,
    step(state, { operation }, outcome) {
      const verdict = perform(state, operation.action, rules);
      // Where an operation of unknown outcome is refused it has no effect: it might as well never take place.
      const isPossible = outcome === undefined ? !verdict.isRefused : isAllowed(verdict, outcome);
      return isPossible ? verdict.state : undefined;
    },
    keyOf: stateKey,
  };
}
