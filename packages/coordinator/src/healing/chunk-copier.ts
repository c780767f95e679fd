import type { Random } from "@cairnfs/base/random";
import { type ChunkId, chunkIdToBytes } from "@cairnfs/protocol/chunk-id";
import { SESSION_ID_BYTES } from "@cairnfs/protocol/receipt";
import type { ClusterPlacements } from "../nodes/cluster-placements.ts";
import { nodeMessage } from "../nodes/node-messages.ts";
import type { NodeTable } from "../nodes/node-table.ts";
import { checkProof } from "./check-proof.ts";
import { CopySlots, type CopySlotsOptions } from "./copy-slots.ts";
import type { NodeCalls } from "./node-calls.ts";

export interface ChunkCopierParts {
  readonly table: NodeTable;
  readonly placements: Pick<ClusterPlacements, "receiptKeyOf">;
  readonly calls: NodeCalls;
  readonly random: Random;
}

/** One copy to be made. */
export interface CopyJob {
  readonly id: ChunkId;
  readonly lengthBytes: number;
  /** Nodes that should hold the chunk, the best first; at least one. */
  readonly sources: readonly number[];
  readonly target: number;
  /** What the new copy is stored under. */
  readonly epoch: number;
}

/** A copy crosses two disks and a network: slower than this it has failed. */
const RATE_BYTES_PER_MS_MIN = 2048;
const REPLICATE_TIMEOUT_MS = 30_000;

/** Makes copies of chunks from node to node, few at once for each node. For all who copy in the background: they share it. */
export class ChunkCopier {
  readonly #parts: ChunkCopierParts;
  readonly #slots: CopySlots;

  constructor(parts: ChunkCopierParts, options: CopySlotsOptions) {
    this.#parts = parts;
    this.#slots = new CopySlots(options);
  }

  /**
   * Has the target fetch the chunk from one of the sources and verify it. When this resolves the target has proved by a
   * receipt that it holds the chunk under the epoch; the record does not name it yet (`recordReplica`). Waits while the target
   * or all sources are busy. Rejects with what the target said (`chunkUnavailable` when no source gave the
   * chunk as it was written), `receiptInvalid`, `unreachable`, or `overloaded` when too many wait.
   */
  async copy(job: CopyJob, signal: AbortSignal): Promise<void> {
    const { source, release } = await this.#slots.take(job, signal);
    try {
      const others = job.sources.filter((nodeNumber) => nodeNumber !== source);
      await this.#replicate({ ...job, sources: [source, ...others] }, signal);
    } finally {
      release();
    }
  }

  async #replicate(job: CopyJob, signal: AbortSignal): Promise<void> {
    const { id, lengthBytes, sources, target, epoch } = job;
    const { table, placements, calls, random } = this.#parts;
    const sessionId = random.bytes(SESSION_ID_BYTES);
    const { receipt } = await calls.to(target).replicateChunk(
      {
        chunkId: chunkIdToBytes(id),
        lengthBytes: BigInt(lengthBytes),
        sourceNodeNumbers: [...sources],
        epoch: BigInt(epoch),
        sessionId,
        sourceNodes: sources.flatMap((nodeNumber) => {
          const row = table.get(nodeNumber);
          return row === undefined ? [] : [nodeMessage(row)];
        }),
      },
      { signal, timeoutMs: REPLICATE_TIMEOUT_MS + lengthBytes / RATE_BYTES_PER_MS_MIN },
    );
    const fields = { sessionId, chunkId: id, lengthBytes, epoch, nodeNumber: target };
    checkProof(placements.receiptKeyOf(target), fields, receipt);
  }
}
