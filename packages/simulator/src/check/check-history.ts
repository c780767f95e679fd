import type { HistoryEntry } from "../history/operation.ts";
import { isReading } from "../history/operation.ts";
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
  /** No order explains the history; so many of its operations can be explained, and these come next. */
  | {
      readonly kind: "impossible";
      readonly explained: number;
      readonly stuck: readonly HistoryEntry[];
    };

interface Frame {
  readonly state: ModelState;
  /** Which entries are in the order so far. */
  readonly taken: bigint;
  readonly done: number;
  readonly candidates: readonly number[];
  next: number;
}

/**
 * Whether some order of the operations, in which each takes place between its beginning and its end, explains what
 * every one of them was told (Wing and Gong's search, with the states it has been in remembered). Operations whose outcome is
 * unknown take place at any time after their beginning, or never.
 */
export function checkHistory(history: readonly HistoryEntry[], rules: ModelRules): HistoryVerdict {
  const entries = history
    .filter((entry) => entry.outcome.status !== "unknown" || !isReading(entry.operation.action))
    .map((entry) =>
      entry.outcome.status === "unknown" ? { ...entry, endedAt: Number.POSITIVE_INFINITY } : entry,
    )
    .sort((one, other) => one.invokedAt - other.invokedAt);
  const wanted = entries.filter((entry) => entry.outcome.status !== "unknown").length;
  const seen = new Set<string>();
  let best: Frame = frameOf(entries, EMPTY_STATE, 0n, 0);
  const stack: Frame[] = [best];
  for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
    if (frame.done === wanted) return { kind: "linearizable" };
    const index = frame.candidates[frame.next];
    if (index === undefined) {
      stack.pop();
      continue;
    }
    frame.next += 1;
    const entry = entries[index];
    if (entry === undefined) continue;
    const verdict = perform(frame.state, entry.operation.action, rules);
    const isUnknown = entry.outcome.status === "unknown";
    if (!isAllowed(verdict, entry.outcome)) continue;
    // It has no effect here, so that it might as well never take place.
    if (isUnknown && verdict.isRefused) continue;
    const taken = frame.taken | (1n << BigInt(index));
    const key = `${taken.toString(36)}|${stateKey(verdict.state)}`;
    if (seen.has(key)) continue;
    if (seen.size >= STATES_MAX) return { kind: "undecided" };
    seen.add(key);
    const next = frameOf(entries, verdict.state, taken, frame.done + (isUnknown ? 0 : 1));
    if (next.done > best.done) best = next;
    stack.push(next);
  }
  const stuck = best.candidates.flatMap((index) => entries[index] ?? []);
  return { kind: "impossible", explained: best.done, stuck };
}

/** Who may come next: those that began before any that is not in the order yet had ended. Known outcomes are tried first. */
function frameOf(
  entries: readonly HistoryEntry[],
  state: ModelState,
  taken: bigint,
  done: number,
): Frame {
  let earliestEnd = Number.POSITIVE_INFINITY;
  for (const [index, entry] of entries.entries()) {
    if ((taken >> BigInt(index)) & 1n) continue;
    if (entry.invokedAt > earliestEnd) break;
    earliestEnd = Math.min(earliestEnd, entry.endedAt);
  }
  const candidates: number[] = [];
  for (const [index, entry] of entries.entries()) {
    if (entry.invokedAt > earliestEnd) break;
    if (((taken >> BigInt(index)) & 1n) === 0n) candidates.push(index);
  }
  const endOf = (index: number) => entries[index]?.endedAt ?? 0;
  candidates.sort((one, other) => endOf(one) - endOf(other) || one - other);
  return { state, taken, done, candidates, next: 0 };
}
