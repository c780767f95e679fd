import { sha256 } from "@cairnfs/base/checksum";
import { CairnError, hasReason } from "@cairnfs/base/errors";
import { chunkIdFromBytes, chunkIdToBytes } from "@cairnfs/protocol/chunk-id";
import type { LocatedChunk } from "../download/chunk-map.ts";
import type { PieceReaderParts } from "../download/piece-reader.ts";
import { replicasInOrder } from "../download/replicas-in-order.ts";

/**
 * A whole chunk that fits in one message, compared with its id, from the replica that seems best. `undefined` when that one did not
 * give it as soon as is usual: the reader of pieces copes with nodes that are slow, gone or wrong. A copy that is wrong or missing
 * is reported here, since that reader may ask another node.
 */
export async function readSmallChunk(
  parts: PieceReaderParts,
  chunk: LocatedChunk,
  signal: AbortSignal | undefined,
): Promise<Uint8Array | undefined> {
  const { config, health, nodes, connect } = parts;
  const nodeNumber = replicasInOrder(parts, chunk.nodeNumbers)[0];
  const node = nodeNumber === undefined ? undefined : nodes.find(nodeNumber);
  if (node === undefined) return undefined;
  const endRead = health.readBegins(node.nodeNumber);
  const startedMs = config.clock.monotonicMs();
  try {
    const { data, chunkLengthBytes } = await connect(node).getChunk(
      { chunkId: chunkIdToBytes(chunk.id) },
      { signal, timeoutMs: Math.min(config.hedgeDelayMs ?? health.hedgeDelayMs, config.stallMs) },
    );
    const isWhole = Number(chunkLengthBytes) === chunk.lengthBytes;
    if (!isWhole || chunkIdFromBytes(sha256(data)) !== chunk.id) {
      parts.report(chunk, node.nodeNumber, "corrupt");
      return undefined;
    }
    health.firstBytes(node.nodeNumber, config.clock.monotonicMs() - startedMs);
    return data;
  } catch (error) {
    signal?.throwIfAborted();
    if (hasReason(error, "chunkNotFound")) parts.report(chunk, node.nodeNumber, "missing");
    if (hasReason(error, "chunkCorrupt", "storeFailed")) {
      parts.report(chunk, node.nodeNumber, "corrupt");
    }
    if (error instanceof CairnError) return undefined;
    throw error;
  } finally {
    endRead();
  }
}
