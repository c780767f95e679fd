import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ByteBudget } from "@cairnfs/base/byte-budget";
import { CairnError } from "@cairnfs/base/errors";
import { FRAME_DATA_BYTES_MAX } from "@cairnfs/protocol/chunk-id";
import type {
  GetChunkRequest,
  GetChunkResponseSchema,
} from "@cairnfs/protocol/gen/cairn/v1/datanode_pb";
import { whenSent } from "@cairnfs/protocol/rpc/sent-parts";
import type { Call } from "@cairnfs/protocol/rpc/service";
import { blockRange } from "@cairnfs/protocol/transfer/retrieve-chunk";
import type { ChunkPiece, ChunkStore } from "../store/chunk-store.ts";
import { askedRange } from "./asked-range.ts";

type GetChunkResponseInit = MessageInitShape<typeof GetChunkResponseSchema>;

export interface GetChunkParts {
  readonly store: Pick<ChunkStore, "info" | "read">;
  /** Bounds the memory of reads that go on. */
  readonly reads: ByteBudget;
}

/** Reads the whole blocks that a range touches, with the checksums that were stored; they fit in one message. */
export async function getChunk(
  request: GetChunkRequest,
  call: Pick<Call, "signal">,
  { store, reads }: GetChunkParts,
): Promise<GetChunkResponseInit> {
  const asked = await askedRange(request, store);
  const blocks = blockRange(asked);
  if (blocks.lengthBytes > FRAME_DATA_BYTES_MAX) {
    throw new CairnError(
      "invalidArgument",
      `the range touches ${blocks.lengthBytes} bytes of blocks, expected at most ${FRAME_DATA_BYTES_MAX}`,
    );
  }
  const sizeBytes = Math.max(0, blocks.lengthBytes);
  const giveBack = reads.tryTake(sizeBytes) ?? (await reads.take(sizeBytes, call.signal));
  try {
    const pieces: ChunkPiece[] = [];
    for await (const piece of store.read(asked.chunkId, asked)) pieces.push(piece);
    return {
      chunkLengthBytes: BigInt(asked.chunkLengthBytes),
      offsetBytes: BigInt(blocks.offsetBytes),
      ...joined(pieces),
    };
  } finally {
    giveBack();
  }
}

function joined(
  pieces: readonly ChunkPiece[],
): Pick<GetChunkResponseInit, "data" | "blockChecksums"> {
  const [first] = pieces;
  if (first !== undefined && pieces.length === 1) {
    const { data, release } = first;
    if (release !== undefined) whenSent(data, release);
    return { data, blockChecksums: [...first.blockChecksums] };
  }
  const data = Buffer.concat(pieces.map((piece) => piece.data));
  for (const { release } of pieces) release?.();
  return { data, blockChecksums: pieces.flatMap((piece) => piece.blockChecksums) };
}
