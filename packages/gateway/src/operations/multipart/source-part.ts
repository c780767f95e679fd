import { hasReason } from "@cairnfs/base/errors";
import type { FileEntry } from "@cairnfs/client";
import type { ObjectPart } from "@cairnfs/client/objects/multiparts";
import type { RequestedRange } from "../../s3/byte-range.ts";
import type { GatewayParts } from "../../s3/operation.ts";

/**
 * The part that an object in parts was made of which is exactly this range, if there is one: whoever copies a large object range by range
 * mostly takes the ranges that it was uploaded in.
 */
export async function partOfRange(
  { client }: Pick<GatewayParts, "client">,
  entry: FileEntry,
  { firstByte, lastByte }: RequestedRange,
  signal: AbortSignal,
): Promise<ObjectPart | undefined> {
  const count = entry.object?.partCount ?? 0;
  if (count === 0) return undefined;
  const lengthBytes = lastByte - firstByte + 1;
  const isLast = lastByte === entry.sizeBytes - 1;
  // Parts are as long as each other, but for the last.
  const number = isLast ? count : Math.floor(firstByte / lengthBytes) + 1;
  try {
    const page = { afterNumber: number - 1, limit: 1, signal };
    const { parts } = await client.multiparts.objectPartsPage(entry, page);
    return parts.find((part) => part.offsetBytes === firstByte && part.sizeBytes === lengthBytes);
  } catch (error) {
    // It was put again meanwhile, and has long been something else.
    if (hasReason(error, "contentNotFound")) return undefined;
    throw error;
  }
}
