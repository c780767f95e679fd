import type { MessageInitShape } from "@bufbuild/protobuf";
import { type ChunkId, chunkIdToBytes } from "../chunk-id.ts";
import type { ChunkDataStreamSchema } from "../gen/cairn/v1/datanode_pb.ts";

/** Bytes of a chunk that travel together: whole 64 KiB blocks, the last frame excepted. */
export interface ChunkFrame {
  /** Of the first byte in the chunk; a multiple of 64 KiB. */
  readonly offsetBytes: number;
  readonly data: Uint8Array;
  /** CRC-32C of each 64 KiB block of the data, in order. */
  readonly blockChecksums: readonly number[];
  readonly isFinal: boolean;
}

/** The message for a frame. The data is referred to, not copied. */
export function frameToMessage(
  frame: ChunkFrame,
  ids: { readonly sessionId?: Uint8Array; readonly chunkId?: ChunkId | undefined },
): MessageInitShape<typeof ChunkDataStreamSchema> {
  const { offsetBytes, isFinal, blockChecksums, data } = frame;
  return {
    ...(ids.sessionId !== undefined && { sessionId: ids.sessionId }),
    ...(ids.chunkId !== undefined && { chunkId: chunkIdToBytes(ids.chunkId) }),
    offsetBytes: BigInt(offsetBytes),
    isFinal,
    // The message's type wants a list of its own; whoever sends it only reads.
    blockChecksums: blockChecksums as number[],
    data,
  };
}
