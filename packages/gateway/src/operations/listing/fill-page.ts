/** Items of a listing, and where it goes on; undefined at its end. */
export interface ListingPage<Item, Place> {
  readonly items: readonly Item[];
  readonly next: Place | undefined;
}

/**
 * One reply's worth of a listing. Pages of the cluster may have less than they were asked for, so that some are read until there are `limit`
 * items or no more. Of nothing that is asked for nothing is left out.
 */
export async function fillPage<Item, Place>(
  limit: number,
  start: Place,
  readPage: (place: Place, limit: number) => Promise<ListingPage<Item, Place>>,
): Promise<ListingPage<Item, Place>> {
  if (limit === 0) return { items: [], next: undefined };
  const items: Item[] = [];
  let next: Place | undefined = start;
  while (next !== undefined && items.length < limit) {
    const page: ListingPage<Item, Place> = await readPage(next, limit - items.length);
    items.push(...page.items);
    next = page.next;
  }
  return { items, next };
}
