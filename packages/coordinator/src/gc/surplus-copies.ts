import type { KvStore } from "@cairnfs/kv/kv-store";
import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import type { BadReplicaWorker } from "../chunks/bad-replica-worker.ts";
import type { ChunkRecord } from "../chunks/chunk-record.ts";
import type { ReplicaVerifier } from "../chunks/replica-verifier.ts";
import { forgetReplica } from "../chunks/replicas.ts";
import { chunks } from "../keyspace.ts";
import type { PlacementSource } from "../uploads/placements.ts";

export interface SurplusParts {
  readonly kv: KvStore;
  readonly nodes: Pick<PlacementSource, "leaverOf" | "isLive">;
  readonly badReplicas: Pick<BadReplicaWorker, "report">;
  readonly verifier: ReplicaVerifier;
}

/** Lets copies beyond the wanted ones go, each from the node where it is missed least. */
export class SurplusCopies {
  readonly #parts: SurplusParts;

  constructor(parts: SurplusParts) {
    this.#parts = parts;
  }

  /** The node whose copy of the chunk is to go; undefined where there is none too many. */
  leaverOf(record: ChunkRecord): number | undefined {
    const { nodeNumbers, wantedCopies } = record;
    if (record.state !== "live" || nodeNumbers.length <= wantedCopies) return undefined;
    return this.#parts.nodes.leaverOf(nodeNumbers, wantedCopies);
  }

  /** Lets the node's copy go when as many others as are wanted have been read and found intact, and not before. */
  async drop(
    id: ChunkId,
    compared: ChunkRecord,
    nodeNumber: number,
    signal: AbortSignal,
  ): Promise<void> {
    const { kv, nodes } = this.#parts;
    if (!(await this.#areOthersIntact(id, compared, nodeNumber, signal))) return;
    await kv.transact(
      async (tx) => {
        const record = await chunks.get(tx, id);
        if (record === undefined || this.leaverOf(record) !== nodeNumber) return;
        // What was verified are the copies of the record as it was.
        if (!areSame(record.nodeNumbers, compared.nodeNumbers)) return;
        const isLive = (number: number) => nodes.isLive(number);
        await forgetReplica(tx, id, { nodeNumber, deletes: true }, isLive);
      },
      { signal },
    );
  }

  async #areOthersIntact(
    chunkId: ChunkId,
    { nodeNumbers, wantedCopies }: ChunkRecord,
    leaver: number,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { nodes, verifier, badReplicas } = this.#parts;
    let intact = 0;
    for (const nodeNumber of nodeNumbers) {
      if (intact === wantedCopies) break;
      if (nodeNumber === leaver || !nodes.isLive(nodeNumber)) continue;
      const finding = await verifier.verify({ nodeNumber, chunkId }, signal);
      if (finding === "intact") intact += 1;
      else badReplicas.report({ nodeNumber, chunkId });
    }
    return intact >= wantedCopies;
  }
}

function areSame(some: readonly number[], others: readonly number[]): boolean {
  return some.length === others.length && some.every((number, at) => number === others[at]);
}
