import { type SortedCursor, SortedMap } from "../sorted-map.ts";
import type { Written } from "../view.ts";

/** What a commit made of a key, and what it was before. */
interface Version {
  readonly sequence: number;
  readonly written: Written;
  older: Version | undefined;
}

interface Row {
  newest: Version | undefined;
}

/**
 * What the last commits wrote, with the number of each: a reader of commit N finds the state after N, whatever comes
 * later. Cursors must be done with before the next commit is added.
 */
export class Memtable {
  readonly #rows = new Map<string, Row>();
  /** The rows in order, but for the newest keys. */
  readonly #order = new SortedMap<Row>();
  /** Keys that are sorted in when somebody asks for a range. */
  #unordered: string[] = [];

  get isEmpty(): boolean {
    return this.#rows.size === 0;
  }

  /**
   * Adds what commit `sequence`, which is the newest, wrote at `key`. Readers are of commit `oldestRead` or later: what
   * none of them can find is let go.
   */
  add(
    key: string,
    written: Written,
    commit: { readonly sequence: number; readonly oldestRead: number },
  ): void {
    const { sequence, oldestRead } = commit;
    const row = this.#rows.get(key);
    if (row === undefined) {
      const made: Row = { newest: { sequence, written, older: undefined } };
      this.#rows.set(key, made);
      this.#unordered.push(key);
      return;
    }
    const before = row.newest;
    if (before !== undefined && before.sequence <= oldestRead) before.older = undefined;
    const older = before?.sequence === sequence ? before.older : before;
    row.newest = { sequence, written, older };
  }

  /** What is at `key` after commit `sequence`, as far as it is in here. */
  get(key: string, sequence: number): Written | undefined {
    return versionOf(this.#rows.get(key), sequence)?.written;
  }

  /** Over the keys of [start, end) that have been written by commit `sequence`. */
  cursor(range: MemtableRange, sequence: number): SortedCursor<Written> {
    const { start, end, isReverse } = range;
    if (this.#unordered.length > 0) this.#orderAll();
    return new MemtableCursor(this.#order.cursor(start, end, isReverse), sequence);
  }

  /** Over all keys, in any order. */
  *values(sequence: number): Generator<readonly [string, Written], void, undefined> {
    for (const [key, row] of this.#rows) {
      const version = versionOf(row, sequence);
      if (version !== undefined) yield [key, version.written];
    }
  }

  /** Takes back what commits after `sequence` wrote. */
  undo(sequence: number): void {
    for (const row of this.#rows.values()) row.newest = versionOf(row, sequence);
  }

  /** Adds all that `newer`, which begins where this one ends, has beyond it. */
  join(newer: Memtable): void {
    for (const [key, row] of newer.#rows) {
      const versions: Version[] = [];
      for (let version = row.newest; version !== undefined; version = version.older)
        versions.push(version);
      for (const { sequence, written } of versions.toReversed()) {
        const last = this.#rows.get(key)?.newest?.sequence;
        if (last === undefined || sequence > last)
          this.add(key, written, { sequence, oldestRead: -1 });
      }
    }
  }

  #orderAll(): void {
    for (const key of this.#unordered) {
      const row = this.#rows.get(key);
      if (row !== undefined) this.#order.set(key, row);
    }
    this.#unordered = [];
  }
}

export interface MemtableRange {
  readonly start: string;
  readonly end: string;
  readonly isReverse: boolean;
}

function versionOf(row: Row | undefined, sequence: number): Version | undefined {
  let version = row?.newest;
  while (version !== undefined && version.sequence > sequence) version = version.older;
  return version;
}

class MemtableCursor implements SortedCursor<Written> {
  key: string | undefined;
  value: Written | undefined;
  readonly #rows: SortedCursor<Row>;
  readonly #sequence: number;

  constructor(rows: SortedCursor<Row>, sequence: number) {
    this.#rows = rows;
    this.#sequence = sequence;
    this.#settle();
  }

  advance(): void {
    this.#rows.advance();
    this.#settle();
  }

  close(): void {
    this.#rows.close();
    this.#settle();
  }

  #settle(): void {
    for (; this.#rows.key !== undefined; this.#rows.advance()) {
      const version = versionOf(this.#rows.value, this.#sequence);
      if (version === undefined) continue;
      this.key = this.#rows.key;
      this.value = version.written;
      return;
    }
    this.key = undefined;
    this.value = undefined;
  }
}
