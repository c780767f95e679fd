import { CairnError, hasReason } from "@cairnfs/base/errors";
import type { Logger } from "@cairnfs/base/telemetry";
import type { KvStore } from "@cairnfs/kv/kv-store";
import { type ChunkId, chunkIdToBytes } from "@cairnfs/protocol/chunk-id";
import { changeChunk, withDebt } from "../chunks/change-chunk.ts";
import type { ReplicaVerifier } from "../chunks/replica-verifier.ts";
import { forgetReplica, liveCopies, recordReplica } from "../chunks/replicas.ts";
import { chunks, readEpoch } from "../keyspace.ts";
import type { ClusterPlacements } from "../nodes/cluster-placements.ts";
import type { NodeTable } from "../nodes/node-table.ts";
import type { ChunkCopier } from "./chunk-copier.ts";
import { planRepair } from "./repair-plan.ts";

export interface ChunkRepairerParts {
  readonly kv: KvStore;
  readonly table: NodeTable;
  readonly placements: ClusterPlacements;
  readonly copier: ChunkCopier;
  readonly verifier: ReplicaVerifier;
  readonly logger: Logger;
}

/** How an attempt to pay for a chunk ended. */
export type RepairOutcome =
  /** One more copy is proved and recorded, or the ledger was put right. */
  | { readonly kind: "progress"; readonly copiedBytes: number }
  /** There was nothing to do. */
  | { readonly kind: "nothing" }
  /** No live copy, or no node that could take one more: until the nodes change. */
  | { readonly kind: "stuck" }
  /** The node that should have taken the copy did not. */
  | { readonly kind: "failed"; readonly target: number };

/** Pays the debt of single chunks. */
export class ChunkRepairer {
  readonly #parts: ChunkRepairerParts;

  constructor(parts: ChunkRepairerParts) {
    this.#parts = parts;
  }

  /**
   * Takes one chunk a step nearer to its wanted copies: one new copy, or the ledger put right. Nodes in `excluded` get
   * no copy. What the nodes do wrong is an outcome; the store's failures reject.
   */
  async repair(
    id: ChunkId,
    excluded: ReadonlySet<number>,
    signal: AbortSignal,
  ): Promise<RepairOutcome> {
    const { kv, placements } = this.#parts;
    const { record, epoch } = await kv.read(async (reader) => ({
      record: await chunks.get(reader, id),
      epoch: await readEpoch(reader),
    }));
    const plan = planRepair(record, {
      isLive: (nodeNumber) => placements.isLive(nodeNumber),
      isHeard: (nodeNumber) => this.#parts.table.get(nodeNumber)?.liveness === "alive",
    });
    if (record === undefined || plan.kind === "nothing") return { kind: "nothing" };
    if (plan.kind === "settle") return this.#settle(id, signal);
    if (plan.kind === "lost") return { kind: "stuck" };
    const target = placements.placeCopy({
      seed: chunkIdToBytes(id),
      chunkSizeBytes: record.lengthBytes,
      holders: record.nodeNumbers,
      excluded,
    });
    if (target === undefined) return { kind: "stuck" };
    try {
      const { lengthBytes } = record;
      const { sources } = plan;
      await this.#parts.copier.copy({ id, lengthBytes, sources, target, epoch }, signal);
    } catch (error) {
      if (!(error instanceof CairnError) || signal.aborted) throw error;
      this.#parts.logger.warn("a chunk could not be copied anew", { chunkId: id, target }, error);
      if (hasReason(error, "chunkNotFound", "chunkCorrupt")) {
        await this.#forgetBad(id, plan.sources, signal);
      }
      return { kind: "failed", target };
    }
    const isLive = (nodeNumber: number) => placements.isLive(nodeNumber);
    await kv.transact((tx) => recordReplica(tx, id, { nodeNumber: target, epoch }, isLive), {
      signal,
    });
    return { kind: "progress", copiedBytes: record.lengthBytes };
  }

  /** Writes down how many copies are live now. */
  async #settle(id: ChunkId, signal: AbortSignal): Promise<RepairOutcome> {
    const { kv, placements } = this.#parts;
    await kv.transact(
      async (tx) => {
        const record = await chunks.get(tx, id);
        if (record?.debtCopies === undefined) return;
        const live = liveCopies(record, (nodeNumber) => placements.isLive(nodeNumber));
        changeChunk(tx, id, record, withDebt(record, live));
      },
      { signal },
    );
    return { kind: "progress", copiedBytes: 0 };
  }

  /** No source had the chunk as it was written: those that say so themselves no longer count. */
  async #forgetBad(id: ChunkId, sources: readonly number[], signal: AbortSignal): Promise<void> {
    const { kv, placements, verifier, logger } = this.#parts;
    for (const nodeNumber of sources) {
      const finding = await verifier.verify({ nodeNumber, chunkId: id }, signal).catch((error) => {
        if (error instanceof CairnError && !signal.aborted) return undefined;
        throw error;
      });
      if (finding === undefined || finding === "intact") continue;
      logger.warn("a copy is bad", { chunkId: id, nodeNumber, finding });
      await kv.transact(
        (tx) =>
          forgetReplica(tx, id, { nodeNumber, deletes: false }, (number) =>
            placements.isLive(number),
          ),
        { signal },
      );
    }
  }
}
