import type { KvReader } from "@cairnfs/kv/kv-store";
import { contentParts } from "../keyspace.ts";
import type { ContentRecord, PartRow } from "./content.ts";
import type { ContentId } from "./ids.ts";

const PAGE_PARTS = 64;

/** A part of a composite, with its number and where it starts. */
export interface PlacedPart extends PartRow {
  readonly number: number;
  readonly offsetBytes: number;
}

export type CompositeRecord = Pick<ContentRecord, "partsOf" | "sizeBytes">;

/** The parts of a composite from the one that holds `offsetBytes` on, in order; none of a content that is no composite. */
export async function* partsFrom(
  reader: KvReader,
  { partsOf, sizeBytes }: CompositeRecord,
  offsetBytes: number,
): AsyncGenerator<PlacedPart, void, undefined> {
  if (partsOf === undefined) return;
  // From the start on there may be empty parts before the first byte.
  const start = offsetBytes === 0 ? undefined : await lastBefore(reader, partsOf, offsetBytes + 1);
  const from = start?.key ?? ([partsOf, 0, 0] as const);
  const page = { within: [partsOf], from, limit: PAGE_PARTS } as const;
  for await (const { key, value } of contentParts.scan(reader, page)) {
    const [, offset, number] = key;
    // Others may have appended after what this content shows.
    if (offset + value.sizeBytes > sizeBytes) return;
    yield { ...value, offsetBytes: offset, number };
  }
}

/** At most `limit` parts of a composite, those with numbers above `afterNumber`. */
export async function partsAfterNumber(
  reader: KvReader,
  content: CompositeRecord,
  { afterNumber, limit }: { readonly afterNumber: number; readonly limit: number },
): Promise<PlacedPart[]> {
  const { partsOf } = content;
  if (partsOf === undefined) return [];
  const offsetBytes = await offsetOfNumber(reader, partsOf, afterNumber, content.sizeBytes);
  const parts: PlacedPart[] = [];
  for await (const part of partsFrom(reader, content, offsetBytes)) {
    if (part.number <= afterNumber) continue;
    if (parts.length === limit) break;
    parts.push(part);
  }
  return parts;
}

/**
 * An offset at or before which the part after number `number` begins, with few parts between them. Numbers ascend with offsets,
 * so that halving finds it: a part by its number costs a few reads, however many there are.
 */
async function offsetOfNumber(
  reader: KvReader,
  partsOf: ContentId,
  number: number,
  sizeBytes: number,
): Promise<number> {
  let low = 0;
  let high = sizeBytes;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    const found = await lastBefore(reader, partsOf, middle + 1);
    if (found === undefined) return 0;
    const [, offset, at] = found.key;
    if (at === number) return offset;
    if (at > number) high = offset - 1;
    else low = middle;
  }
  return Math.max(0, low);
}

/** The last part that begins before `offsetBytes`. */
export function lastBefore(reader: KvReader, partsOf: ContentId, offsetBytes: number) {
  return contentParts.first(reader, {
    within: [partsOf],
    before: [partsOf, offsetBytes, 0],
    reverse: true,
  });
}
