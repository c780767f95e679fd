import { CairnError } from "@cairnfs/base/errors";
import { fromHex } from "@cairnfs/base/hex";
import { chunkIdFromBytes } from "@cairnfs/protocol/chunk-id";
import type { Receipt } from "@cairnfs/protocol/gen/cairn/v1/common_pb";
import type {
  BeginUploadRequest,
  UploadedChunk,
} from "@cairnfs/protocol/gen/cairn/v1/coordinator_pb";
import { isReceiptValid } from "@cairnfs/protocol/receipt";
import type { entryMessage, MemoryContent } from "./memory-tree.ts";

/** How many copies there are to be, and how many must be. */
export const REPLICAS = 3;
export const QUORUM = 2;

/** What a test's coordinator knows of a chunk. */
export interface MemoryChunk {
  readonly lengthBytes: number;
  readonly nodeNumbers: Set<number>;
}

/** An upload that is open, or was committed. */
export interface MemorySession {
  readonly request: BeginUploadRequest;
  readonly chunkSizeBytes: number;
  readonly content: MemoryContent;
  committed: ReturnType<typeof entryMessage> | undefined;
}

/** How a test's coordinator is set. */
export interface MemoryCoordinatorOptions {
  readonly inlineLimitBytes: number;
  readonly chunkSizeBytes: number;
  /** Whether small files can be written under leases; a coordinator that cannot says `unimplemented`. */
  readonly hasLeases: boolean;
  readonly receiptKey: (nodeNumber: number) => Uint8Array;
}

/** Refuses a receipt that its node did not make for this chunk and session. */
export function checkReceipt(
  receiptKey: (nodeNumber: number) => Uint8Array,
  chunk: UploadedChunk,
  { nodeNumber, mac }: Receipt,
  sessionId: Uint8Array,
): void {
  const fields = {
    sessionId,
    chunkId: chunkIdFromBytes(chunk.chunkId),
    lengthBytes: Number(chunk.lengthBytes),
    epoch: Number(chunk.epoch),
    nodeNumber,
  };
  if (!isReceiptValid(receiptKey(nodeNumber), fields, mac)) {
    throw new CairnError("receiptInvalid", `the receipt of node ${nodeNumber} is not its own`);
  }
}

/** Placements that go round these nodes; refused when they are too few. */
export function placementsOn(
  usable: readonly number[],
  wanted: { readonly firstIndex: number; readonly count: number; readonly epoch: bigint },
) {
  if (usable.length < QUORUM) {
    throw new CairnError("placementUnavailable", `${usable.length} nodes are left`);
  }
  const { firstIndex, count, epoch } = wanted;
  return Array.from({ length: count }, (_, at) => {
    const turn = (firstIndex + at) % usable.length;
    return {
      chunkIndex: BigInt(firstIndex + at),
      nodeNumbers: [...usable.slice(turn), ...usable.slice(0, turn)].slice(0, REPLICAS),
      epoch,
    };
  });
}

/** A page of a content's chunk map, from the chunk that holds the offset. */
export function mapPage(
  chunks: ReadonlyMap<string, MemoryChunk>,
  content: MemoryContent,
  offsetBytes: number,
  chunkLimit: number,
) {
  const first = content.chunks.findIndex(
    (chunk) => offsetBytes < chunk.offsetBytes + chunk.lengthBytes,
  );
  if (first < 0) return [];
  return content.chunks.slice(first, first + (chunkLimit || 256)).map((chunk) => ({
    offsetBytes: BigInt(chunk.offsetBytes),
    chunkId: fromHex(chunk.id) ?? new Uint8Array(0),
    lengthBytes: BigInt(chunk.lengthBytes),
    nodeNumbers: [...(chunks.get(chunk.id)?.nodeNumbers ?? [])],
  }));
}

/** A place in the log, as the wire has it. */
export function positionBytes(position: number): Uint8Array {
  const bytes = Buffer.alloc(8);
  // Before the first change is a position as well.
  bytes.writeBigUInt64BE(BigInt(position + 1));
  return bytes;
}

/** The place that these bytes name. */
export function positionOf(bytes: Uint8Array): number {
  return Number(Buffer.from(bytes).readBigUInt64BE()) - 1;
}
