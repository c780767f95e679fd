import type { MessageInitShape } from "@bufbuild/protobuf";
import { CairnError } from "@cairnfs/base/errors";
import { chunkIdFromBytes, FRAME_DATA_BYTES_MAX } from "@cairnfs/protocol/chunk-id";
import type {
  GetChunkRequest,
  GetChunkResponseSchema,
} from "@cairnfs/protocol/gen/cairn/v1/datanode_pb";
import { blockRange } from "@cairnfs/protocol/transfer/retrieve-chunk";
import { numberFromUint64 } from "@cairnfs/protocol/uint64";
import type { ChunkPiece, ChunkStore } from "../store/chunk-store.ts";

type GetChunkResponseInit = MessageInitShape<typeof GetChunkResponseSchema>;

/** Reads the whole blocks that a range touches, with the checksums that were stored; they fit in one message. */
export async function getChunk(
  request: GetChunkRequest,
  store: Pick<ChunkStore, "info" | "read">,
): Promise<GetChunkResponseInit> {
  const id = chunkIdFromBytes(request.chunkId);
  const offsetBytes = numberFromUint64(request.offsetBytes, "offset_bytes");
  const askedBytes = numberFromUint64(request.lengthBytes, "length_bytes");
  const info = await store.info(id);
  if (info === undefined) throw new CairnError("chunkNotFound", `chunk ${id} is not here`);
  const chunkLengthBytes = info.lengthBytes;
  const lengthBytes = askedBytes === 0 ? chunkLengthBytes - offsetBytes : askedBytes;
  const blocks = blockRange({ offsetBytes, lengthBytes, chunkLengthBytes });
  if (blocks.lengthBytes > FRAME_DATA_BYTES_MAX) {
    throw new CairnError(
      "invalidArgument",
      `the range touches ${blocks.lengthBytes} bytes of blocks, expected at most ${FRAME_DATA_BYTES_MAX}`,
    );
  }
  const pieces: ChunkPiece[] = [];
  for await (const piece of store.read(id, { offsetBytes, lengthBytes })) pieces.push(piece);
  return {
    chunkLengthBytes: BigInt(chunkLengthBytes),
    offsetBytes: BigInt(blocks.offsetBytes),
    ...joined(pieces),
  };
}

function joined(
  pieces: readonly ChunkPiece[],
): Pick<GetChunkResponseInit, "data" | "blockChecksums"> {
  const [first] = pieces;
  if (first !== undefined && pieces.length === 1) {
    return { data: first.data, blockChecksums: [...first.blockChecksums] };
  }
  return {
    data: Buffer.concat(pieces.map((piece) => piece.data)),
    blockChecksums: pieces.flatMap((piece) => piece.blockChecksums),
  };
}
