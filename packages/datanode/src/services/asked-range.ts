import { CairnError } from "@cairnfs/base/errors";
import { type ChunkId, chunkIdFromBytes } from "@cairnfs/protocol/chunk-id";
import { numberFromUint64 } from "@cairnfs/protocol/uint64";
import type { ChunkStore } from "../store/chunk-store.ts";

/** What a reader asks for, as the wire has it; a length of 0 means to the chunk's end. */
export interface RangeRequest {
  readonly chunkId: Uint8Array;
  readonly offsetBytes: bigint;
  readonly lengthBytes: bigint;
}

/** A range of a chunk that is held. The store checks that it lies in the chunk. */
export interface AskedRange {
  readonly chunkId: ChunkId;
  readonly chunkLengthBytes: number;
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}

/** The range that a reader asks for; `chunkNotFound` when the chunk is not here. */
export async function askedRange(
  request: RangeRequest,
  store: Pick<ChunkStore, "info">,
): Promise<AskedRange> {
  const chunkId = chunkIdFromBytes(request.chunkId);
  const offsetBytes = numberFromUint64(request.offsetBytes, "offset_bytes");
  const askedBytes = numberFromUint64(request.lengthBytes, "length_bytes");
  const info = await store.info(chunkId);
  if (info === undefined) throw new CairnError("chunkNotFound", `chunk ${chunkId} is not here`);
  const chunkLengthBytes = info.lengthBytes;
  const lengthBytes = askedBytes === 0 ? chunkLengthBytes - offsetBytes : askedBytes;
  return { chunkId, chunkLengthBytes, offsetBytes, lengthBytes };
}
