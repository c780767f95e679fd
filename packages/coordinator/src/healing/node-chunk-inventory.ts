import { type ChunkId, chunkIdFromBytes, chunkIdToBytes } from "@cairnfs/protocol/chunk-id";
import type { ChunkInventory, StoredCopy } from "../gc/chunk-inventory.ts";
import type { NodeTable } from "../nodes/node-table.ts";
import type { NodeCalls } from "./node-calls.ts";

/** Inventories by asking the nodes. */
export class NodeChunkInventory implements ChunkInventory {
  readonly #calls: NodeCalls;
  readonly #table: NodeTable;

  constructor(calls: NodeCalls, table: NodeTable) {
    this.#calls = calls;
    this.#table = table;
  }

  nodeNumbers(): readonly number[] {
    const rows = [...this.#table.rows()].filter((row) => row.liveness === "alive");
    return rows.map((row) => row.nodeNumber);
  }

  async list(
    page: {
      readonly nodeNumber: number;
      readonly after: ChunkId | undefined;
      readonly limit: number;
    },
    signal: AbortSignal,
  ): Promise<readonly StoredCopy[]> {
    const { nodeNumber, after, limit } = page;
    const afterChunkId = after === undefined ? new Uint8Array(0) : chunkIdToBytes(after);
    const answer = await this.#calls.to(nodeNumber).listChunks({ afterChunkId, limit }, { signal });
    return answer.chunks.map((copy) => ({
      chunkId: chunkIdFromBytes(copy.chunkId),
      epoch: Number(copy.epoch),
    }));
  }
}
