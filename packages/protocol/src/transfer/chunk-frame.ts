import { create } from "@bufbuild/protobuf";
import { type ChunkId, chunkIdToBytes } from "../chunk-id.ts";
import { type ChunkDataStream, ChunkDataStreamSchema } from "../gen/cairn/v1/datanode_pb.ts";

/** Bytes of a chunk that travel together: whole 64 KiB blocks, the last frame excepted. */
export interface ChunkFrame {
  /** Of the first byte in the chunk; a multiple of 64 KiB. */
  readonly offsetBytes: number;
  readonly data: Uint8Array;
  /** CRC-32C of each 64 KiB block of the data, in order. */
  readonly blockChecksums: readonly number[];
  readonly isFinal: boolean;
}

const NO_BYTES = new Uint8Array(0);

/** The message for a frame. The data is referred to, not copied. */
export function frameToMessage(
  frame: ChunkFrame,
  ids: { readonly sessionId?: Uint8Array; readonly chunkId?: ChunkId | undefined },
): ChunkDataStream {
  return create(ChunkDataStreamSchema, {
    sessionId: ids.sessionId ?? NO_BYTES,
    chunkId: ids.chunkId === undefined ? NO_BYTES : chunkIdToBytes(ids.chunkId),
    offsetBytes: BigInt(frame.offsetBytes),
    isFinal: frame.isFinal,
    blockChecksums: [...frame.blockChecksums],
    data: frame.data,
  });
}
