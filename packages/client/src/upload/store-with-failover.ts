import type { MessageInitShape } from "@bufbuild/protobuf";
import { backoffMs } from "@cairnfs/base/backoff";
import { CairnError, hasReason } from "@cairnfs/base/errors";
import { type ChunkId, chunkIdToBytes } from "@cairnfs/protocol/chunk-id";
import type { Placement, UploadedChunkSchema } from "@cairnfs/protocol/gen/cairn/v1/coordinator_pb";
import { storeChunk } from "@cairnfs/protocol/transfer/store-chunk";
import { count } from "../entry.ts";
import type { Placements } from "./placements.ts";
import type { ProgressCounter } from "./progress.ts";
import type { UploadParts, UploadSession } from "./upload-parts.ts";

/** A chunk as AddChunks and CommitUpload take it. */
export type UploadedChunk = MessageInitShape<typeof UploadedChunkSchema> & {
  readonly chunkId: Uint8Array;
  readonly lengthBytes: bigint;
};

/** A chunk that may be referred to without a receipt. */
export function referenceTo(chunkId: Uint8Array, lengthBytes: number): UploadedChunk {
  return { chunkId, lengthBytes: BigInt(lengthBytes), receipts: [], epoch: 0n };
}

/** The bytes of one chunk that is to be stored. */
export interface ChunkBytes {
  readonly index: number;
  /** When known beforehand. */
  readonly lengthBytes: number | undefined;
  readonly lengthLimitBytes: number;
  /** The id; or a function that knows it once the pieces have been read. */
  readonly id: ChunkId | (() => ChunkId);
  /** The bytes from the chunk's start. */
  readonly pieces: () => AsyncIterable<Uint8Array>;
  /** Whether `pieces` may be asked for now. */
  readonly isReadable: () => boolean;
  /** Told when a call may still refer to the bytes although it has ended. */
  readonly onLingering?: () => void;
}

export interface StoreRequest {
  readonly session: UploadSession;
  readonly placements: Placements;
  readonly chunkCount: number | undefined;
  readonly progress: ProgressCounter;
  readonly signal: AbortSignal;
}

/**
 * Stores one chunk on a write quorum of nodes. A node that fails is left out of the next placement, and only this chunk is
 * sent again; after `storeAttempts` the last failure is thrown.
 */
export async function storeWithFailover(
  parts: UploadParts,
  chunk: ChunkBytes,
  request: StoreRequest,
): Promise<UploadedChunk> {
  const { config } = parts;
  const { placements, chunkCount, signal } = request;
  const excluded = new Set<number>();
  let lastError: CairnError | undefined;
  for (let attempt = 1; attempt <= config.storeAttempts; attempt++) {
    // The first failover is at once; a cluster in trouble is given time.
    if (attempt > 2) {
      const pause = { baseMs: 100, capMs: 5_000 };
      await config.clock.sleep(backoffMs(attempt - 2, pause, config.random), signal);
    }
    let placement: Placement;
    try {
      placement =
        attempt === 1
          ? await placements.take(chunk.index, chunkCount, signal)
          : await placements.replace(chunk.index, [...excluded], signal);
    } catch (error) {
      if (!hasReason(error, "placementUnavailable")) throw error;
      // Without the nodes that failed there are too few: one of them may be back by now.
      if (excluded.size > 0) excluded.clear();
      lastError ??= error;
      continue;
    }
    try {
      return await storeAt(parts, chunk, placement, request);
    } catch (error) {
      signal.throwIfAborted();
      lastError = refuseHopeless(error, chunk);
      for (const nodeNumber of suspects(lastError, placement)) {
        excluded.add(nodeNumber);
        parts.health.failed(nodeNumber);
      }
    }
  }
  throw new CairnError(
    lastError?.reason ?? "quorumNotReached",
    `chunk ${chunk.index} could not be stored in ${config.storeAttempts} attempts: ${lastError?.message}`,
    { details: { ...lastError?.details, chunkIndex: chunk.index }, cause: lastError },
  );
}

async function storeAt(
  parts: UploadParts,
  chunk: ChunkBytes,
  placement: Placement,
  request: StoreRequest,
): Promise<UploadedChunk> {
  const { config, nodes, health, connect } = parts;
  const { session, progress, signal } = request;
  const [primaryNumber = 0, ...replicaNodeNumbers] = placement.nodeNumbers;
  const primary = await nodes.get(primaryNumber, signal);
  const attempt = progress.attempt();
  try {
    const copies = await storeChunk(connect(primary), chunk.pieces(), {
      clock: config.clock,
      sessionId: session.id,
      epoch: count(placement.epoch),
      writeQuorum: session.writeQuorum,
      replicaNodeNumbers,
      replicaNodes: replicaNodeNumbers.flatMap((nodeNumber) => nodes.find(nodeNumber) ?? []),
      chunkId: chunk.id,
      lengthBytes: chunk.lengthBytes,
      lengthLimitBytes: chunk.lengthLimitBytes,
      stallMs: config.stallMs,
      signal,
      onProgress: attempt.taken,
    });
    // A node that had the chunk answers while the rest of it is still on the way out.
    if (attempt.takenBytes < copies.lengthBytes) chunk.onLingering?.();
    attempt.stored(copies.lengthBytes);
    health.succeeded(primaryNumber);
    return {
      chunkId: chunkIdToBytes(copies.chunkId),
      lengthBytes: BigInt(copies.lengthBytes),
      receipts: [...copies.receipts],
      epoch: placement.epoch,
    };
  } catch (error) {
    chunk.onLingering?.();
    attempt.failed();
    throw error;
  }
}

/** The failure, if another placement may do better; otherwise throws what there is to say. */
function refuseHopeless(error: unknown, chunk: ChunkBytes): CairnError {
  if (!(error instanceof CairnError)) throw error;
  const isOfThePlace =
    error.retry === "other-replica" ||
    error.retry === "after-pause" ||
    // The bytes may have been damaged on the way; if the source itself changed, every attempt fails so.
    hasReason(error, "chunkMismatch", "nodeNotFound", "clusterMismatch");
  if (!isOfThePlace) throw error;
  if (chunk.isReadable()) return error;
  throw new CairnError(
    error.reason,
    `chunk ${chunk.index} was not stored and its source cannot be read again: ${error.message}`,
    { details: { ...error.details, chunkIndex: chunk.index }, cause: error },
  );
}

/** Which nodes of the placement to do without next time. */
function suspects(error: CairnError, placement: Placement): readonly number[] {
  const [primary = 0, ...replicas] = placement.nodeNumbers;
  if (error.reason !== "quorumNotReached") return [primary];
  const named = placement.nodeNumbers.filter((nodeNumber) => `node${nodeNumber}` in error.details);
  // The primary answered, so it is the replicas that failed.
  return named.length > 0 ? named : replicas;
}
