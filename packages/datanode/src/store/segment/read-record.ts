import { type DiskFile, readFully } from "@cairnfs/base/disk";
import { CairnError } from "@cairnfs/base/errors";
import { type ChunkId, chunkIdFromBytes } from "@cairnfs/protocol/chunk-id";
import { receiveBuffers, releaseReceived } from "@cairnfs/protocol/rpc/receive-buffers";
import type { BlockRange } from "../block-range.ts";
import type { ChunkPiece } from "../chunk-store.ts";
import type { IndexedChunk } from "./chunk-index.ts";
import { decodeRecordHead, type FoundRecord, headBytesOf, RecordKind } from "./record.ts";

/** Reads some blocks of a chunk where the index says it is. `chunkCorrupt` when something else is there. */
export async function readRecord(
  file: DiskFile,
  wanted: { readonly id: ChunkId; readonly chunk: IndexedChunk; readonly range: BlockRange },
): Promise<ChunkPiece> {
  const { chunk, range } = wanted;
  const headBytes = headBytesOf(chunk.lengthBytes);
  const dataBytes = range.endBytes - range.offsetBytes;
  // One read where the data follows the head, which is most of them.
  const joined = range.offsetBytes === 0;
  const first = joined
    ? receiveBuffers.take(headBytes + dataBytes)
    : Buffer.allocUnsafeSlow(headBytes);
  const rest = Buffer.allocUnsafeSlow(joined ? 0 : dataBytes);
  const [firstBytes, restBytes] = await Promise.all([
    readFully(file, first, chunk.offset),
    joined ? 0 : readFully(file, rest, chunk.offset + headBytes + range.offsetBytes),
  ]);
  const record = decodeRecordHead(first, 0);
  if (record === undefined || !isRecordOf(record, wanted.id, chunk.lengthBytes)) {
    throw new CairnError("chunkCorrupt", `the record of chunk ${wanted.id} has no valid header`);
  }
  if (firstBytes < first.byteLength || restBytes < rest.byteLength) {
    throw new CairnError("chunkCorrupt", `the record of chunk ${wanted.id} is cut short`);
  }
  return {
    data: joined ? first.subarray(headBytes) : rest,
    blockChecksums: record.blockChecksums.slice(range.firstBlock, range.endBlock),
    release: joined ? () => releaseReceived(first) : undefined,
  };
}

function isRecordOf(record: FoundRecord, id: ChunkId, lengthBytes: number): boolean {
  return (
    record.kind === RecordKind.chunk &&
    record.lengthBytes === lengthBytes &&
    chunkIdFromBytes(record.id) === id
  );
}
