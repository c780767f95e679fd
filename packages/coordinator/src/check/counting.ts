import type { KvStore } from "@cairnfs/kv/kv-store";
import type { Found } from "./finding.ts";
import type { Scanner } from "./scanner.ts";

/**
 * How what has to be counted over the whole store is counted: first page by page, which finds suspects only, since others write
 * in between; then the suspects alone, in one snapshot, which says what is true.
 */
export interface Counting {
  readonly paged: Scanner;
  /** Runs `body` with a scanner that sees one snapshot throughout. It takes room on the disk while it lasts. */
  exact<T>(body: (scanner: Scanner) => Promise<T>): Promise<T>;
  /** Where to mend; without it nothing is mended. */
  readonly kv: KvStore | undefined;
}

/** So many things are counted at a time, each with a few words in memory; the store is read once for each such pass. */
export const WINDOW_ROWS = 200_000;
/** So many suspects are counted in one snapshot. */
export const SUSPECTS_MAX = 20_000;

/** One pass after the other over windows of what there is to count. */
export interface CountingCheck<Id> {
  /** The next ids, at most so many, after the one given: what `suspectsOf` looks at. Fewer than asked for: there are no more. */
  window(scanner: Scanner, after: Id | undefined, limit: number): Promise<readonly Id[]>;
  /** Those of the ids that look wrong. */
  suspectsOf(scanner: Scanner, ids: readonly Id[]): Promise<readonly Id[]>;
  /** What is wrong with these, in the one snapshot of the scanner. */
  verdictsOf(scanner: Scanner, ids: readonly Id[]): Promise<readonly Found[]>;
}

/** Runs a check window by window. */
export async function* countingFindings<Id>(
  counting: Counting,
  check: CountingCheck<Id>,
): AsyncGenerator<Found, void, undefined> {
  let after: Id | undefined;
  for (;;) {
    const ids = await check.window(counting.paged, after, WINDOW_ROWS);
    const suspects = ids.length === 0 ? [] : await check.suspectsOf(counting.paged, ids);
    for (let at = 0; at < suspects.length; at += SUSPECTS_MAX) {
      const some = suspects.slice(at, at + SUSPECTS_MAX);
      yield* await counting.exact((scanner) => check.verdictsOf(scanner, some));
    }
    after = ids.at(-1);
    if (after === undefined || ids.length < WINDOW_ROWS) return;
  }
}
