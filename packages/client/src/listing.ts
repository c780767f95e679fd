import type { ListResponse } from "@cairnfs/protocol/gen/cairn/v1/coordinator_pb";
import type { ListPage } from "./client-options.ts";
import { childPath, entryFromWire, type FileEntry } from "./entry.ts";

/** Fetches the page after this key, or the first. */
export type FetchPage = (after: string | undefined) => Promise<ListPage>;

/**
 * The pages of a listing, in order. The next one is on its way while its predecessor is used, from the second on: who wants
 * no more than the first costs nobody a second.
 */
export async function* listPages(
  fetch: FetchPage,
  after: string | undefined,
): AsyncGenerator<ListPage, void, undefined> {
  let page = await fetch(after);
  yield page;
  let next = followed(fetch, page);
  while (next !== undefined) {
    page = await next;
    next = followed(fetch, page);
    yield page;
  }
}

/** A page of the directory at `path` as the wire has it. */
export function pageFromWire(path: string, { entries, nextAfter }: ListResponse): ListPage {
  return {
    entries: entries.map((entry) => entryFromWire(entry, childPath(path, entry.name))),
    nextAfter: nextAfter === "" ? undefined : nextAfter,
  };
}

function followed(fetch: FetchPage, page: ListPage): Promise<ListPage> | undefined {
  if (page.nextAfter === undefined) return undefined;
  const next = fetch(page.nextAfter);
  // Who leaves before this page does not hear of its failure; who comes to it does.
  next.catch(() => undefined);
  return next;
}

/** Single entries of pages. What is here already costs no more than one promise. */
export class EntryListing implements AsyncGenerator<FileEntry, void, undefined> {
  readonly #pages: AsyncGenerator<ListPage, void, undefined>;
  #entries: readonly FileEntry[] = [];
  #at = 0;
  /** The turn of whoever asked last, while somebody waits for a page. */
  #waiting: Promise<unknown> | undefined;

  constructor(pages: AsyncGenerator<ListPage, void, undefined>) {
    this.#pages = pages;
  }

  next(): Promise<IteratorResult<FileEntry, void>> {
    if (this.#waiting === undefined) {
      const value = this.#entries[this.#at];
      if (value !== undefined) {
        this.#at += 1;
        return Promise.resolve({ done: false, value });
      }
    }
    return this.#inTurn(() => this.#nextOfPages());
  }

  return(): Promise<IteratorResult<FileEntry, void>> {
    return this.#inTurn(async () => {
      this.#entries = [];
      await this.#pages.return();
      return { done: true, value: undefined };
    });
  }

  throw(error: unknown): Promise<IteratorResult<FileEntry, void>> {
    return this.#inTurn(async () => {
      this.#entries = [];
      await this.#pages.return();
      throw error;
    });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  async #nextOfPages(): Promise<IteratorResult<FileEntry, void>> {
    for (;;) {
      const value = this.#entries[this.#at];
      if (value !== undefined) {
        this.#at += 1;
        return { done: false, value };
      }
      const page = await this.#pages.next();
      if (page.done === true) return { done: true, value: undefined };
      this.#entries = page.value.entries;
      this.#at = 0;
    }
  }

  /** Those who ask before they are answered are answered in order. */
  #inTurn<T>(take: () => Promise<T>): Promise<T> {
    const before = this.#waiting;
    const turn = before === undefined ? take() : before.then(take, take);
    const isOver = () => {
      if (this.#waiting === turn) this.#waiting = undefined;
    };
    this.#waiting = turn;
    turn.then(isOver, isOver);
    return turn;
  }
}
