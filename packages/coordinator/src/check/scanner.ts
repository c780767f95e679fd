import type { Clock } from "@cairnfs/base/clock";
import type { Awaitable, KvReader, KvStore } from "@cairnfs/kv/kv-store";
import type { Row, RowRange, Table } from "@cairnfs/kv/table";

/** So many rows are read at once, unless a scanner says otherwise. */
export const PAGE_ROWS = 1_000;

/** How the rows of the store are read: a page at a time. */
export interface Scanner {
  /** So many rows make a page. */
  readonly pageRows: number;
  /** Runs `body` on one snapshot. */
  read<T>(body: (reader: KvReader) => Awaitable<T>): Promise<T>;
  /** Has been given after each page, with the number of its rows: the moment for others to have their turn. */
  pause(rows: number): Promise<void>;
}

/** How a scan goes on beside other work. */
export interface Pace {
  readonly clock: Clock;
  /** After each page; 0 does not pause at all. */
  readonly pauseMs: number;
  readonly signal: AbortSignal;
  readonly pageRows: number;
  /** Hears how many rows were read. */
  readonly onRows: (rows: number) => void;
}

/** Reads each page in a snapshot of its own. */
export function pagedScanner(kv: KvStore, pace: Pace): Scanner {
  const { pageRows } = pace;
  return { pageRows, read: (body) => kv.read(body), pause: (rows) => pauseOf(pace, rows) };
}

/** Reads all in the one snapshot of `reader`. */
export function snapshotScanner(reader: KvReader, pace: Pace | undefined): Scanner {
  return {
    pageRows: pace?.pageRows ?? PAGE_ROWS,
    read: async (body) => body(reader),
    pause: async (rows) => {
      if (pace !== undefined) await pauseOf(pace, rows);
    },
  };
}

async function pauseOf({ clock, pauseMs, signal, onRows }: Pace, rows: number): Promise<void> {
  onRows(rows);
  signal.throwIfAborted();
  if (pauseMs > 0) await clock.sleep(pauseMs, signal);
}

/** The rows of a range, page by page. `look` sees each page in the snapshot that it was read in; its outcome is what is given. */
export async function* pagesOf<K, V, T>(
  scanner: Scanner,
  table: Table<K, V>,
  range: RowRange<K>,
  look: (rows: readonly Row<K, V>[], reader: KvReader) => Awaitable<T>,
): AsyncGenerator<T, void, undefined> {
  let after: { readonly after: K } | undefined;
  for (;;) {
    const page = { ...range, ...after, limit: scanner.pageRows };
    const { rows, outcome } = await scanner.read(async (reader) => {
      const found = await table.page(reader, page);
      return { rows: found, outcome: await look(found, reader) };
    });
    yield outcome;
    await scanner.pause(rows.length);
    const last = rows.at(-1);
    if (last === undefined || rows.length < scanner.pageRows) return;
    after = { after: last.key };
  }
}

/** Looks at every row of a range. */
export async function forEachRow<K, V>(
  scanner: Scanner,
  table: Table<K, V>,
  range: RowRange<K>,
  visit: (row: Row<K, V>, reader: KvReader) => Awaitable<void>,
): Promise<void> {
  const pages = pagesOf(scanner, table, range, async (rows, reader) => {
    for (const row of rows) {
      const visited = visit(row, reader);
      if (visited instanceof Promise) await visited;
    }
  });
  for await (const _ of pages);
}
