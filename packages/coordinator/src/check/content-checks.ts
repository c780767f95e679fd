import type { KvReader, KvTransaction } from "@cairnfs/kv/kv-store";
import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import { changeChunk } from "../chunks/change-chunk.ts";
import type { ChunkRecord } from "../chunks/chunk-record.ts";
import { chunkMap, chunks, contentParts, contents, TOMB_KIND, tombstones } from "../keyspace.ts";
import type { UploadedPart } from "../multipart/multipart-record.ts";
import { multipartParts, multiparts } from "../multipart/multipart-tables.ts";
import {
  type ContentRecord,
  type MappedChunk,
  type PartRow,
  ROW_CHUNKS_MAX,
} from "../namespace/content.ts";
import { dropOwner } from "../namespace/content-owners.ts";
import { partsFrom } from "../namespace/content-parts.ts";
import { type ContentId, contentId, type DomainId } from "../namespace/ids.ts";
import type { NamespaceSettings } from "../namespace/settings.ts";
import type { Wrong } from "./finding.ts";
import { type RowCheck, rowCheck } from "./row-checks.ts";

export type ContentCheckSettings = Pick<
  NamespaceSettings,
  "contentGraceMs" | "defaultReplicationFactor"
>;

/**
 * What can be said of contents, their chunk maps and tombstones, one by one. While `isLossKnown` says that contents were lost, what
 * may be left of them is not taken away.
 */
export function contentChecks(
  settings: ContentCheckSettings,
  isLossKnown: () => boolean,
): readonly RowCheck[] {
  return [
    rowCheck(contents, lookAtContent),
    rowCheck(tombstones, lookAtTombstone),
    rowCheck(chunkMap, (reader, key, row) =>
      lookAtMapRow(reader, key, row, { settings, isLossKnown }),
    ),
    rowCheck(contentParts, (reader, key, row) => lookAtPart(reader, key, row, isLossKnown)),
    rowCheck(multipartParts, (reader, key, row) => lookAtUploaded(reader, key, row, isLossKnown)),
  ];
}

async function lookAtContent(
  reader: KvReader,
  id: ContentId,
  content: ContentRecord,
): Promise<readonly Wrong[]> {
  const subject = `content ${id}`;
  const wrongs: Wrong[] = [];
  const tombKey = [content.goneAtMs, TOMB_KIND.content, id] as const;
  // One that says it has none, and that no tombstone stands for, is let go when those who own it have been counted.
  if (content.owners > 0 && (await tombstones.has(reader, tombKey))) {
    wrongs.push({
      kind: "contentUnlisted",
      subject,
      message: `it has ${content.owners} owners and a tombstone for ${content.goneAtMs}`,
      mend: (tx) => tombstones.delete(tx, tombKey),
    });
  }
  const { partsOf } = content;
  if (partsOf !== undefined && partsOf !== id && !(await contents.has(reader, partsOf))) {
    wrongs.push({
      kind: "contentMissing",
      subject,
      message: `its parts are those of content ${partsOf}, which is not there`,
      // Who owns it is counted by the check that follows.
      mend: (tx) => contents.put(tx, partsOf, { ...content, owners: 1, goneAtMs: 0 }),
    });
  }
  const fault = content.owners > 0 ? await faultOfMap(reader, id, content) : undefined;
  if (fault !== undefined) wrongs.push({ kind: "contentMapBroken", subject, message: fault });
  return wrongs;
}

/**
 * What is wrong with the map of an owned content; undefined when it covers it without gap, in full rows but for the last. The
 * map of a composite is its parts.
 */
export async function faultOfMap(
  reader: KvReader,
  id: ContentId,
  content: ContentRecord,
): Promise<string | undefined> {
  const { inlineBytes } = content;
  if (inlineBytes !== undefined) {
    const isWhole = inlineBytes.byteLength === content.sizeBytes && content.chunkCount === 0;
    return isWhole ? undefined : `it has ${inlineBytes.byteLength} of ${content.sizeBytes} bytes`;
  }
  if (content.partsOf !== undefined) return faultOfParts(reader, content);
  let sizeBytes = 0;
  let chunkCount = 0;
  for await (const { key, value } of chunkMap.scan(reader, { within: [id], limit: MAP_ROWS })) {
    if (key[1] !== sizeBytes || chunkCount % ROW_CHUNKS_MAX !== 0) {
      return `its chunk map breaks at ${sizeBytes} bytes: the next row begins at ${key[1]}`;
    }
    for (const { lengthBytes } of value) sizeBytes += lengthBytes;
    chunkCount += value.length;
  }
  return faultOfSums(content, { sizeBytes, chunkCount });
}

async function faultOfParts(reader: KvReader, content: ContentRecord): Promise<string | undefined> {
  let sizeBytes = 0;
  let chunkCount = 0;
  let number = 0;
  for await (const part of partsFrom(reader, content, 0)) {
    const shown = await contents.get(reader, part.contentId);
    const isNext = part.offsetBytes === sizeBytes && part.number > number;
    if (!isNext) return `its parts break at ${sizeBytes} bytes, before part ${part.number}`;
    if (shown?.sizeBytes !== part.sizeBytes) {
      return `its part ${part.number} has ${part.sizeBytes} bytes, and content ${part.contentId} ${shown?.sizeBytes ?? "is not there"}`;
    }
    number = part.number;
    sizeBytes += part.sizeBytes;
    chunkCount += shown.chunkCount;
  }
  return faultOfSums(content, { sizeBytes, chunkCount });
}

function faultOfSums(
  content: ContentRecord,
  { sizeBytes, chunkCount }: Pick<ContentRecord, "sizeBytes" | "chunkCount">,
): string | undefined {
  if (sizeBytes === content.sizeBytes && chunkCount === content.chunkCount) return undefined;
  return `it says ${content.sizeBytes} bytes in ${content.chunkCount} chunks, and maps ${sizeBytes} in ${chunkCount}`;
}

const MAP_ROWS = 256;

async function lookAtTombstone(
  reader: KvReader,
  key: readonly [number, number, number],
): Promise<readonly Wrong[]> {
  const [dueMs, kind, id] = key;
  if (kind !== TOMB_KIND.content) return [];
  const content = await contents.get(reader, contentId(id));
  if (content !== undefined && content.owners === 0 && content.goneAtMs === dueMs) return [];
  // One that has owners is told of as a content.
  if (content !== undefined && content.goneAtMs === dueMs) return [];
  const why =
    content === undefined ? "is not there" : `is to go at ${content.goneAtMs}, not at ${dueMs}`;
  return [
    {
      kind: "tombstoneStale",
      subject: `tombstone of content ${id}`,
      message: `the content ${why}`,
      mend: (tx) => tombstones.delete(tx, key),
    },
  ];
}

async function lookAtMapRow(
  reader: KvReader,
  key: readonly [ContentId, number],
  row: readonly MappedChunk[],
  {
    settings,
    isLossKnown,
  }: { readonly settings: ContentCheckSettings; readonly isLossKnown: () => boolean },
): Promise<readonly Wrong[]> {
  const [id, offsetBytes] = key;
  const subject = `chunk map of content ${id} at ${offsetBytes}`;
  const content = await contents.get(reader, id);
  if (content === undefined) {
    const message = `the content is not there, its row of ${row.length} chunks is`;
    const mend = isLossKnown() ? undefined : (tx: KvTransaction) => chunkMap.delete(tx, key);
    return [{ kind: "mapOrphaned", subject, message, mend }];
  }
  const records = await chunks.getMany(
    reader,
    row.map((chunk) => chunk.chunkId),
  );
  const missing = new Map<ChunkId, MappedChunk>();
  for (const [at, chunk] of row.entries()) {
    if (records[at] === undefined) missing.set(chunk.chunkId, chunk);
  }
  return [...missing.values()].map(({ chunkId, lengthBytes }) => ({
    kind: "chunkMissing",
    subject: `chunk ${chunkId}`,
    message: `content ${id} has it at about ${offsetBytes} bytes, and it has no record`,
    mend: (tx) => {
      const record = withoutCopies(lengthBytes, content.domainId, settings);
      changeChunk(tx, chunkId, undefined, record);
    },
  }));
}

async function lookAtPart(
  reader: KvReader,
  key: readonly [ContentId, number, number],
  part: PartRow,
  isLossKnown: () => boolean,
): Promise<readonly Wrong[]> {
  const [id, offsetBytes, number] = key;
  const subject = `part ${number} of content ${id} at ${offsetBytes}`;
  if (!(await contents.has(reader, id))) {
    const message = "the content is not there, its part is";
    const mend = async (tx: KvTransaction) => {
      contentParts.delete(tx, key);
      await dropOwner(tx, part.contentId, 0);
    };
    return [{ kind: "partOrphaned", subject, message, mend: isLossKnown() ? undefined : mend }];
  }
  return lookAtShown(reader, subject, part);
}

async function lookAtUploaded(
  reader: KvReader,
  key: readonly [number, number],
  part: UploadedPart,
  isLossKnown: () => boolean,
): Promise<readonly Wrong[]> {
  const subject = `part ${key[1]} of multipart upload ${key[0]}`;
  if (await multiparts.has(reader, key[0])) return lookAtShown(reader, subject, part);
  const message = "the upload is not there, its part is";
  const mend = async (tx: KvTransaction) => {
    multipartParts.delete(tx, key);
    await dropOwner(tx, part.contentId, 0);
  };
  return [{ kind: "partOrphaned", subject, message, mend: isLossKnown() ? undefined : mend }];
}

async function lookAtShown(
  reader: KvReader,
  subject: string,
  part: PartRow,
): Promise<readonly Wrong[]> {
  if (await contents.has(reader, part.contentId)) return [];
  const message = `its content ${part.contentId} of ${part.sizeBytes} bytes is not there`;
  return [{ kind: "contentMissing", subject, message }];
}

/** A record to which what nodes hold can be taken back in. Its references are counted by the check that follows. */
function withoutCopies(
  lengthBytes: number,
  domainId: DomainId,
  settings: ContentCheckSettings,
): ChunkRecord {
  return {
    state: "live",
    lengthBytes,
    references: 1,
    wantedCopies: settings.defaultReplicationFactor,
    nodeNumbers: [],
    homeDomainId: domainId,
    homeReferences: 1,
    dueMs: 0,
    deleteEpoch: 0,
    debtCopies: 0,
    fences: [],
  };
}
