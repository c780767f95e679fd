import { present } from "@cairnfs/base/assert";
import { CairnError } from "@cairnfs/base/errors";
import { requireBucket } from "../buckets/read-bucket.ts";
import { ChunkBatch } from "../chunks/chunk-batch.ts";
import { contents } from "../keyspace.ts";
import type { NewPart } from "../namespace/compose.ts";
import { COMPOSITE_DEPTH_MAX, NO_BYTES, NO_PARTS } from "../namespace/content.ts";
import { addOwner } from "../namespace/content-owners.ts";
import type { FileEntry } from "../namespace/entry.ts";
import { contentId, domainId } from "../namespace/ids.ts";
import type { Mutation } from "../namespace/mutation.ts";
import { type PlacedChunk, readChunkMap } from "../namespace/read-chunk-map.ts";
import { appendRows } from "../uploads/append-chunks.ts";
import type { MultipartName } from "./find-multipart.ts";
import type { UploadedPart } from "./multipart-record.ts";
import { putPart } from "./put-part.ts";

export interface PartRange {
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}

export interface CopyPart extends MultipartName {
  readonly partNumber: number;
  readonly source: FileEntry;
  /** All of the source where it is absent. */
  readonly range: PartRange | undefined;
  /** What is said of the part, encoded. */
  readonly object: Uint8Array;
}

/** So many chunks a range has at most that becomes a part by metadata alone. */
const RANGE_CHUNKS_MAX = 4_096;

/** Makes what a file shows, or a range of it, a part by metadata alone; `conflictingState` where that cannot be. */
export async function copyPart(mutation: Mutation, request: CopyPart): Promise<UploadedPart> {
  const { source, object, partNumber } = request;
  const range = checkRange(source, request.range);
  const isInline = source.chunkCount === 0 && source.sizeBytes > 0;
  if (isInline) throw sendBytes("lives in its inode");
  const isWhole = range.lengthBytes === source.sizeBytes;
  const part = isWhole
    ? await sharedContent(mutation, source)
    : await rangeContent(mutation, request, range);
  return putPart(mutation, request, partNumber, { ...part, object });
}

function checkRange({ sizeBytes }: FileEntry, range: PartRange | undefined): PartRange {
  if (range === undefined) return { offsetBytes: 0, lengthBytes: sizeBytes };
  const { offsetBytes, lengthBytes } = range;
  if (lengthBytes > 0 && offsetBytes + lengthBytes <= sizeBytes) return range;
  throw new CairnError(
    "rangeNotSatisfiable",
    `${lengthBytes} bytes at ${offsetBytes} are not in a source of ${sizeBytes}`,
    { details: { sizeBytes } },
  );
}

function sendBytes(why: string): CairnError {
  return new CairnError("conflictingState", `the source ${why}: send its bytes`);
}

type Copied = Omit<NewPart, "object">;

/** The content of the source itself, with one more owner. */
async function sharedContent({ tx }: Mutation, source: FileEntry): Promise<Copied> {
  const { contentId: id, sizeBytes, chunkCount } = source;
  const content = await contents.get(tx, id);
  const { depth } = present(content, `content ${id} is gone and yet shown`);
  if (depth >= COMPOSITE_DEPTH_MAX) throw sendBytes(`is made of parts ${depth} deep`);
  await addOwner(tx, id);
  return { contentId: id, sizeBytes, chunkCount, depth };
}

/** A new content that refers to the chunks of the range. */
async function rangeContent(
  mutation: Mutation,
  request: CopyPart,
  range: PartRange,
): Promise<Copied> {
  const { tx } = mutation;
  const mapped = await chunksOf(mutation, request.source, range);
  const domain = domainId((await requireBucket(tx, request.bucket)).entry.inodeId);
  const ids = mapped.map((chunk) => chunk.chunkId);
  const batch = await ChunkBatch.load(tx, domain, ids);
  for (const id of ids) {
    // Who shows the source refers to them: only damage has it otherwise.
    if (batch.get(id)?.state !== "live") throw sendBytes(`lacks chunk ${id}`);
    batch.addReference(id);
  }
  batch.flush();
  const made = contentId(mutation.nextId());
  await appendRows(tx, made, { sizeBytes: 0, chunkCount: 0 }, mapped);
  const { lengthBytes: sizeBytes } = range;
  const chunkCount = mapped.length;
  const plain = { owners: 1, goneAtMs: 0, sha256: NO_BYTES, inlineBytes: undefined, ...NO_PARTS };
  contents.put(tx, made, { ...plain, domainId: domain, sizeBytes, chunkCount });
  return { contentId: made, sizeBytes, chunkCount, depth: 0 };
}

/** The chunks that make exactly this range. */
async function chunksOf(
  { tx }: Mutation,
  { contentId: id }: FileEntry,
  { offsetBytes, lengthBytes }: PartRange,
): Promise<readonly PlacedChunk[]> {
  const page = { offsetBytes, limit: RANGE_CHUNKS_MAX };
  const endBytes = offsetBytes + lengthBytes;
  const found = await readChunkMap(tx, id, page);
  const mapped = found.filter((chunk) => chunk.offsetBytes < endBytes);
  const last = mapped.at(-1);
  const isExact =
    mapped[0]?.offsetBytes === offsetBytes &&
    last !== undefined &&
    last.offsetBytes + last.lengthBytes === endBytes;
  if (isExact) return mapped;
  throw sendBytes(`has no chunks that begin at ${offsetBytes} and end at ${endBytes}`);
}
