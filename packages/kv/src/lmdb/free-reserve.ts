import type { Database, RootDatabase } from "lmdb";

/** The databases that it takes. */
export interface ReserveParts {
  readonly root: RootDatabase;
  readonly reserve: Database<Uint8Array, Uint8Array>;
}

/** At first so few pages that what lies around free is enough to let go of them; then always twice as many. */
const FIRST_PAGES = 4;
const PAGES_MAX = 256;

/** How many pages each transaction frees, one after the other. */
export function* reserveSteps(): Generator<number, never, undefined> {
  for (let pages = FIRST_PAGES; ; pages = Math.min(pages * 2, PAGES_MAX)) yield pages;
}

/**
 * Frees some pages of the reserve in a transaction of its own; true when that were all. On a full disk a transaction needs pages that
 * are free already, even to free others; what it frees can be used by those after the next one, if nobody reads a state from before.
 */
export function freeReservePages({ root, reserve }: ReserveParts, pages: number): boolean {
  return root.transactionSync(() => {
    const keys = [...reserve.getKeys({ limit: pages })].map((key) =>
      Buffer.from(key as Uint8Array),
    );
    for (const key of keys) reserve.removeSync(key);
    return keys.length < pages;
  });
}
