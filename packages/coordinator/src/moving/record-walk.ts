import type { Clock } from "@cairnfs/base/clock";
import type { KvStore } from "@cairnfs/kv/kv-store";
import type { Row } from "@cairnfs/kv/table";
import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import type { ChunkRecord } from "../chunks/chunk-record.ts";
import { chunks } from "../keyspace.ts";

const PAGE_ROWS = 512;
/** Between pages others have their turn. */
const PAGE_PAUSE_MS = 2;

/** All chunk records in pages, each page of one moment, with how far the walk has come: 0 to 1. */
export async function* walkRecords(
  { kv, clock }: { readonly kv: KvStore; readonly clock: Clock },
  signal: AbortSignal,
): AsyncGenerator<
  { readonly rows: readonly Row<ChunkId, ChunkRecord>[]; readonly share: number },
  void,
  undefined
> {
  let after: ChunkId | undefined;
  for (;;) {
    signal.throwIfAborted();
    const page = after === undefined ? { limit: PAGE_ROWS } : { after, limit: PAGE_ROWS };
    const rows = await kv.read((reader) => chunks.page(reader, page));
    after = rows.at(-1)?.key;
    const isLast = after === undefined || rows.length < PAGE_ROWS;
    yield { rows, share: isLast ? 1 : shareOf(after) };
    if (isLast) return;
    await clock.sleep(PAGE_PAUSE_MS, signal);
  }
}

/** Where an id stands among all: ids are hashes, and evenly spread. */
export function shareOf(id: ChunkId | undefined): number {
  return id === undefined ? 0 : Number.parseInt(id.slice(0, 8), 16) / 2 ** 32;
}
