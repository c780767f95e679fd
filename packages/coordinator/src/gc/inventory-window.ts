import type { KvReader } from "@cairnfs/kv/kv-store";
import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import type { ChunkRecord } from "../chunks/chunk-record.ts";
import { chunks } from "../keyspace.ts";

/** Bounds of what a window keeps in memory. */
const ROWS_MAX = 65_536;
const COPIES_MAX = 262_144;

/**
 * A stretch of the chunk records, in the order of ids, and of each node that is asked which copies they name. Read once
 * for all nodes; what has changed since is looked up before anything is done about it.
 */
export class InventoryWindow {
  /** The stretch begins behind this id; undefined for the very first. */
  readonly after: ChunkId | undefined;
  readonly #named: ReadonlyMap<number, ChunkId[]>;
  #reached: ChunkId | undefined;
  #isLast = false;
  #rows = 0;
  #copies = 0;

  constructor(after: ChunkId | undefined, nodeNumbers: Iterable<number>) {
    this.after = after;
    this.#reached = after;
    this.#named = new Map([...nodeNumbers].map((nodeNumber) => [nodeNumber, []]));
  }

  /** Whether all that belongs into it was read. */
  get isFull(): boolean {
    return this.#isLast || this.#rows >= ROWS_MAX || this.#copies >= COPIES_MAX;
  }

  /** The last id of the stretch; undefined where it goes on to the end of all. */
  get end(): ChunkId | undefined {
    return this.#isLast ? undefined : this.#reached;
  }

  /** Reads on by at most `limit` records, and gives them. */
  async extend(
    reader: KvReader,
    limit: number,
  ): Promise<readonly { readonly key: ChunkId; readonly value: ChunkRecord }[]> {
    const after = this.#reached;
    const rows = await chunks.page(reader, after === undefined ? { limit } : { after, limit });
    for (const { key, value } of rows) {
      if (!isKept(value)) continue;
      for (const nodeNumber of value.nodeNumbers) {
        const named = this.#named.get(nodeNumber);
        if (named === undefined) continue;
        named.push(key);
        this.#copies += 1;
      }
    }
    this.#rows += rows.length;
    this.#reached = rows.at(-1)?.key ?? after;
    this.#isLast = rows.length < limit;
    return rows;
  }

  /** The copies of a node that records name, in the order of ids: those after `after` and up to `end`. */
  namedOf(nodeNumber: number, after: ChunkId | undefined, end: ChunkId | undefined): ChunkId[] {
    const named = this.#named.get(nodeNumber) ?? [];
    const from = after === undefined ? 0 : firstAfter(named, after);
    return named.slice(from, end === undefined ? named.length : firstAfter(named, end));
  }
}

/** Whether copies of the chunk are to be there. */
export function isKept(record: ChunkRecord): boolean {
  return record.state === "live" || record.state === "garbage";
}

/** The index of the first id after `id`. */
function firstAfter(ids: readonly ChunkId[], id: ChunkId): number {
  let low = 0;
  let high = ids.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ids[middle] ?? id) <= id) low = middle + 1;
    else high = middle;
  }
  return low;
}
