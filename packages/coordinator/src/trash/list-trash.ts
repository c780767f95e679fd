import { CairnError } from "@cairnfs/base/errors";
import type { KvReader } from "@cairnfs/kv/kv-store";
import type { RowRange } from "@cairnfs/kv/table";
import { trash, trashPathKey, trashPaths } from "../keyspace.ts";
import { type TrashId, trashId } from "../namespace/ids.ts";
import { isAtOrBelow } from "../namespace/path.ts";
import type { TrashRecord } from "./trash-record.ts";

export interface TrashPage {
  /** What was removed at or below this path. */
  readonly path: string;
  /** Where the page begins: `nextAfter` of the one before; empty starts. */
  readonly after: Uint8Array;
  /** So many rows are looked at, at most. */
  readonly limit: number;
}

export interface TrashListing {
  readonly items: readonly (readonly [TrashId, TrashRecord])[];
  /** Empty when there is no more. */
  readonly nextAfter: Uint8Array;
}

const END = new Uint8Array(0);
const FIRST = trashId(0);

/** Items by path, of one path the oldest first. A page that is not the last may have fewer than were looked at. */
export async function listTrash(reader: KvReader, page: TrashPage): Promise<TrashListing> {
  const { limit } = page;
  const after = page.after.byteLength === 0 ? {} : { after: cursorFrom(page.after) };
  const rows = await trashPaths.page(reader, { ...rangeOf(page.path), ...after, limit });
  const keys = rows.map(({ key }) => key);
  const records = await trash.getMany(
    reader,
    keys.map(([, id]) => id),
  );
  const items: (readonly [TrashId, TrashRecord])[] = [];
  for (const [at, [, id]] of keys.entries()) {
    const record = records[at];
    if (record !== undefined && isAtOrBelow(record.path, page.path)) items.push([id, record]);
  }
  const last = keys.at(-1);
  const isLast = last === undefined || keys.length < limit;
  return { items, nextAfter: isLast ? END : trashPaths.keyOf(last) };
}

/** The rows of a path and what is below it; siblings like "/a-b", which sort between the two, are among them. */
function rangeOf(path: string): RowRange<readonly [string, TrashId]> {
  if (path === "/") return {};
  const key = trashPathKey(path);
  if (trashPathKey(`${path}/`) === key) return { within: [key] };
  // "0" comes next after "/" in the order of bytes.
  return { from: [key, FIRST], before: [`${path}0`, FIRST] };
}

function cursorFrom(bytes: Uint8Array): readonly [string, TrashId] {
  try {
    return trashPaths.keyFrom(bytes);
  } catch (cause) {
    throw new CairnError("invalidArgument", "after is not what a page of the trash ended with", {
      cause,
    });
  }
}
