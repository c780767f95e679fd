import type { Clock } from "@cairnfs/base/clock";
import { CairnError, hasReason } from "@cairnfs/base/errors";
import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import type { DataNodeService } from "@cairnfs/protocol/gen/cairn/v1/datanode_pb";
import type { ServiceClient } from "@cairnfs/protocol/rpc/client";
import { releaseReceived } from "@cairnfs/protocol/rpc/receive-buffers";
import type { Metadata } from "@cairnfs/protocol/rpc/service";
import { retrieveFrames } from "@cairnfs/protocol/transfer/retrieve-chunk";
import type { ChunkStore } from "../store/chunk-store.ts";

export interface CopyChunkRequest {
  readonly chunkId: ChunkId;
  readonly lengthBytes: number;
  /** Nodes that should hold it, the best first. */
  readonly sourceNodeNumbers: readonly number[];
  readonly epoch: number;
}

export interface CopyChunkParts {
  readonly store: ChunkStore;
  readonly clock: Clock;
  /** A client for a source; throws a CairnError when nobody knows where it is. */
  readonly source: (
    nodeNumber: number,
  ) => Pick<ServiceClient<typeof DataNodeService>, "retrieveChunk">;
  /** How long a source may send nothing. */
  readonly stallMs: number;
  /** Told of each source that did not give the chunk. */
  readonly onSourceFailed: (nodeNumber: number, error: CairnError) => void;
}

/**
 * Fetches a chunk from the first source that gives it as it was written, and stores it. When this resolves the copy is
 * durable. A failure of the own store ends the attempt; when no source is left, `chunkUnavailable` names what each of them did.
 */
export async function copyChunk(
  request: CopyChunkRequest,
  call: { readonly signal: AbortSignal; readonly metadata: Metadata },
  parts: CopyChunkParts,
): Promise<void> {
  const failures: string[] = [];
  for (const nodeNumber of request.sourceNodeNumbers) {
    const failure = await copyFrom(nodeNumber, request, call, parts);
    if (failure === undefined) return;
    call.signal.throwIfAborted();
    parts.onSourceFailed(nodeNumber, failure);
    failures.push(`node ${nodeNumber}: ${failure.reason}, ${failure.message}`);
  }
  throw new CairnError(
    "chunkUnavailable",
    `no source gave chunk ${request.chunkId}: ${failures.join("; ")}`,
  );
}

/** Copies from one source; gives what was wrong with the source, and throws what is wrong with the own store. */
async function copyFrom(
  nodeNumber: number,
  { chunkId, lengthBytes, epoch }: CopyChunkRequest,
  call: { readonly signal: AbortSignal; readonly metadata: Metadata },
  { store, clock, source, stallMs }: CopyChunkParts,
): Promise<CairnError | undefined> {
  const writer = await store.put({ lengthLimitBytes: lengthBytes, epoch });
  let stage: "reading" | "writing" | "committing" = "reading";
  try {
    const frames = retrieveFrames(source(nodeNumber), {
      clock,
      chunkId,
      chunkLengthBytes: lengthBytes,
      stallMs,
      metadata: call.metadata,
      signal: call.signal,
      // The store does, and it is the one that decides.
      verifies: false,
    });
    for await (const frame of frames) {
      stage = "writing";
      if (frame.data.byteLength > 0) await writer.write(frame);
      releaseReceived(frame.data);
      stage = "reading";
    }
    stage = "committing";
    await writer.commit(chunkId);
    return undefined;
  } catch (error) {
    if (stage !== "committing") await writer.abort();
    if (hasReason(error, "chunkMismatch")) {
      return new CairnError("chunkCorrupt", `its copy is corrupt: ${error.message}`, {
        cause: error,
      });
    }
    if (stage === "reading" && error instanceof CairnError) return error;
    throw error;
  }
}
