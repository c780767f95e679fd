import type { MessageInitShape } from "@bufbuild/protobuf";
import { CairnError } from "@cairnfs/base/errors";
import type { PlacementSchema } from "@cairnfs/protocol/gen/cairn/v1/coordinator_pb";
import { type PlacementSource, writeQuorumOf } from "../uploads/placements.ts";
import type { UploadSession } from "../uploads/upload-session.ts";

const SHA256_BYTES = 32;

/** The nodes that placements name, some of them often. */
export function placedNodes(
  placements: readonly MessageInitShape<typeof PlacementSchema>[],
): number[] {
  return placements.flatMap((placement) => placement.nodeNumbers ?? []);
}

/** Where a chunk of a session, or of a lease, goes. */
export function placementMessage(
  nodes: PlacementSource,
  wanted: {
    readonly sessionId: Uint8Array;
    readonly session: Pick<UploadSession, "replicationFactor" | "chunkSizeBytes">;
    readonly chunkIndex: number;
    readonly epoch: number;
    readonly excluded: readonly number[];
  },
): MessageInitShape<typeof PlacementSchema> {
  const { sessionId, session, chunkIndex, epoch, excluded } = wanted;
  const nodeNumbers = nodes.place({
    seed: sessionId,
    chunkIndex,
    replicationFactor: session.replicationFactor,
    writeQuorum: writeQuorumOf(session.replicationFactor),
    excluded,
    chunkSizeBytes: session.chunkSizeBytes,
  });
  return {
    chunkIndex: BigInt(chunkIndex),
    nodeNumbers: [...nodeNumbers],
    epoch: BigInt(epoch),
  };
}

/** A SHA-256 from the wire; empty where the caller has none. */
export function parseSha256(bytes: Uint8Array): Uint8Array {
  if (bytes.byteLength === 0 || bytes.byteLength === SHA256_BYTES) return bytes;
  throw new CairnError("invalidArgument", `sha256 has ${bytes.byteLength} bytes, expected 32`);
}
