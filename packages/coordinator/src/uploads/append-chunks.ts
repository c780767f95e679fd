import { CairnError } from "@cairnfs/base/errors";
import type { KvTransaction } from "@cairnfs/kv/kv-store";
import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import { withDebt } from "../chunks/change-chunk.ts";
import { ChunkBatch } from "../chunks/chunk-batch.ts";
import { type ChunkRecord, NO_DOMAIN } from "../chunks/chunk-record.ts";
import { isFresh, liveCopies, withNodes } from "../chunks/replicas.ts";
import { chunkMap, contents } from "../keyspace.ts";
import {
  type ContentRecord,
  type MappedChunk,
  NO_BYTES,
  NO_PARTS,
  ROW_CHUNKS_MAX,
} from "../namespace/content.ts";
import type { ContentId } from "../namespace/ids.ts";
import { readChunkMap } from "../namespace/read-chunk-map.ts";
import { readEpoch, readHorizon } from "../single-values.ts";
import { writeQuorumOf } from "./placements.ts";
import type { UploadSession } from "./upload-session.ts";
import type { UploadedChunk } from "./uploaded-chunk.ts";

/** How many chunk ids an error names at most. */
const NAMED_CHUNKS_MAX = 32;

/** What chunks are appended to, and under which policy. */
export type AppendTarget = Pick<
  UploadSession,
  "contentId" | "domainId" | "chunkSizeBytes" | "replicationFactor"
>;

export interface AppendTerms {
  readonly session: AppendTarget;
  readonly offsetBytes: number;
  readonly uploaded: readonly UploadedChunk[];
  readonly isLive: (nodeNumber: number) => boolean;
}

/**
 * Appends chunks to the content of an upload and takes a reference to each. What was appended before, the same at the
 * same offset, is passed over. `uploadMismatch` when the chunks do not continue the content; `chunkNeeded`
 * or `quorumNotReached` when a chunk is not there for this session to refer to. Gives the content as it is then;
 * the caller writes it.
 */
export async function appendChunks(tx: KvTransaction, terms: AppendTerms): Promise<ContentRecord> {
  const { session, uploaded } = terms;
  const content = (await contents.get(tx, session.contentId)) ?? newContent(session);
  checkLengths(session, uploaded);
  const known = await knownChunks(tx, content, terms);
  const added = uploaded.slice(known);
  if (added.length === 0) return content;

  const batch = await ChunkBatch.load(
    tx,
    session.domainId,
    added.map((chunk) => chunk.chunkId),
  );
  checkEpochs(added, await readEpoch(tx));
  referTo(batch, added, await readHorizon(tx), terms);
  batch.flush();
  await appendRows(tx, session.contentId, content, added);
  return {
    ...content,
    sizeBytes: added.reduce((size, chunk) => size + chunk.lengthBytes, content.sizeBytes),
    chunkCount: content.chunkCount + added.length,
  };
}

function newContent(session: AppendTarget): ContentRecord {
  return {
    owners: 1,
    domainId: session.domainId,
    sizeBytes: 0,
    chunkCount: 0,
    goneAtMs: 0,
    sha256: NO_BYTES,
    inlineBytes: undefined,
    ...NO_PARTS,
  };
}

function checkLengths(session: AppendTarget, uploaded: readonly UploadedChunk[]): void {
  for (const { chunkId, lengthBytes } of uploaded) {
    if (lengthBytes >= 1 && lengthBytes <= session.chunkSizeBytes) continue;
    throw new CairnError(
      "invalidArgument",
      `chunk ${chunkId} has ${lengthBytes} bytes, expected 1 to ${session.chunkSizeBytes}`,
    );
  }
}

/** No placement was ever made in an epoch that has not begun: its receipts would outlive every fence. */
function checkEpochs(added: readonly UploadedChunk[], currentEpoch: number): void {
  for (const { chunkId, epoch } of added) {
    if (epoch <= currentEpoch) continue;
    throw new CairnError(
      "receiptInvalid",
      `the receipts for chunk ${chunkId} are of epoch ${epoch}, which has not begun`,
      { details: { chunkId, epoch, currentEpoch } },
    );
  }
}

/** How many of the chunks handed over are in the content already. */
async function knownChunks(
  tx: KvTransaction,
  content: ContentRecord,
  { session, offsetBytes, uploaded }: AppendTerms,
): Promise<number> {
  if (offsetBytes === content.sizeBytes) return 0;
  if (offsetBytes > content.sizeBytes) throw mismatch("the chunks leave a gap", content);
  const mapped = await readChunkMap(tx, session.contentId, {
    offsetBytes,
    limit: Math.max(1, uploaded.length),
  });
  if (mapped[0]?.offsetBytes !== offsetBytes) {
    throw mismatch(`no chunk starts at ${offsetBytes}`, content);
  }
  for (const [at, there] of mapped.entries()) {
    const again = uploaded[at];
    if (again === undefined) return at;
    if (again.chunkId !== there.chunkId || again.lengthBytes !== there.lengthBytes) {
      throw mismatch(`another chunk is at ${there.offsetBytes}`, content);
    }
  }
  return mapped.length;
}

function mismatch(message: string, content: ContentRecord): CairnError {
  return new CairnError("uploadMismatch", `${message}: the upload has ${content.sizeBytes} bytes`, {
    details: { addedBytes: content.sizeBytes, addedChunks: content.chunkCount },
  });
}

/** Takes a reference to each chunk, or says which ones have to be sent. */
function referTo(
  batch: ChunkBatch,
  added: readonly UploadedChunk[],
  horizon: number,
  { session, isLive }: AppendTerms,
): void {
  const needed = new Set<ChunkId>();
  for (const chunk of added) {
    const record = referable(batch, chunk, horizon, session, isLive);
    if (record === undefined) {
      needed.add(chunk.chunkId);
      continue;
    }
    batch.set(chunk.chunkId, record);
    batch.addReference(chunk.chunkId);
  }
  if (needed.size === 0) return;
  const ids = [...needed].slice(0, NAMED_CHUNKS_MAX);
  throw new CairnError("chunkNeeded", `${needed.size} chunks have to be sent, first ${ids[0]}`, {
    details: { count: needed.size, chunkIds: ids.join(",") },
  });
}

/** The record of a chunk that this session may refer to, as it is with the proofs brought; `undefined` if it may not. */
function referable(
  batch: ChunkBatch,
  chunk: UploadedChunk,
  horizon: number,
  session: AppendTarget,
  isLive: (nodeNumber: number) => boolean,
): ChunkRecord | undefined {
  const quorum = writeQuorumOf(session.replicationFactor);
  const record = batch.get(chunk.chunkId);
  if (record !== undefined && record.lengthBytes !== chunk.lengthBytes) {
    throw new CairnError(
      "chunkMismatch",
      `chunk ${chunk.chunkId} has ${record.lengthBytes} bytes, not ${chunk.lengthBytes}`,
    );
  }
  const fresh = chunk.nodeNumbers.filter((nodeNumber) =>
    isFresh(record, { nodeNumber, epoch: chunk.epoch }, horizon),
  );
  // Without a proof of its own a session may refer only to what its domain refers to.
  if (fresh.length === 0 && batch.domainReferencesTo(chunk.chunkId) === 0) return undefined;

  const isKept = record?.state === "live" || record?.state === "garbage";
  const base = isKept ? record : { ...(record ?? newChunk(chunk)), nodeNumbers: [] };
  const held = withNodes(base, fresh);
  const live = liveCopies(held, isLive);
  if (live < quorum) {
    if (fresh.length === 0 || fresh.length < chunk.nodeNumbers.length) return undefined;
    throw new CairnError(
      "quorumNotReached",
      `chunk ${chunk.chunkId} is on ${live} nodes, expected at least ${quorum}`,
      { details: { chunkId: chunk.chunkId, copies: live, writeQuorum: quorum } },
    );
  }
  const wantedCopies = Math.max(held.wantedCopies, session.replicationFactor);
  return withDebt({ ...held, state: "live", dueMs: 0, wantedCopies }, live);
}

function newChunk(chunk: UploadedChunk): ChunkRecord {
  return {
    state: "live",
    lengthBytes: chunk.lengthBytes,
    references: 0,
    wantedCopies: 1,
    nodeNumbers: [],
    homeDomainId: NO_DOMAIN,
    homeReferences: 0,
    dueMs: 0,
    deleteEpoch: 0,
    debtCopies: undefined,
    fences: [],
  };
}

/** Adds chunks to the chunk map of a content that has this size: fills its last row, then writes new ones. */
export async function appendRows(
  tx: KvTransaction,
  id: ContentId,
  content: Pick<ContentRecord, "sizeBytes" | "chunkCount">,
  added: readonly MappedChunk[],
): Promise<void> {
  let rowOffset = content.sizeBytes;
  let row: MappedChunk[] = [];
  if (content.chunkCount % ROW_CHUNKS_MAX !== 0) {
    const last = await chunkMap.first(tx, { within: [id], reverse: true });
    if (last !== undefined) {
      rowOffset = last.key[1];
      row = [...last.value];
    }
  }
  let offset = content.sizeBytes;
  for (const { chunkId, lengthBytes } of added) {
    if (row.length === ROW_CHUNKS_MAX) {
      chunkMap.put(tx, [id, rowOffset], row);
      rowOffset = offset;
      row = [];
    }
    row.push({ chunkId, lengthBytes });
    offset += lengthBytes;
  }
  chunkMap.put(tx, [id, rowOffset], row);
}
