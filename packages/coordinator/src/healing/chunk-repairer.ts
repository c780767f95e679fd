import { CairnError, hasReason } from "@cairnfs/base/errors";
import type { RateBudget } from "@cairnfs/base/rate-budget";
import type { Logger } from "@cairnfs/base/telemetry";
import type { KvStore } from "@cairnfs/kv/kv-store";
import { type ChunkId, chunkIdToBytes } from "@cairnfs/protocol/chunk-id";
import type { BadReplicaWorker } from "../chunks/bad-replica-worker.ts";
import { changeChunk, withDebt } from "../chunks/change-chunk.ts";
import type { ChunkRecord } from "../chunks/chunk-record.ts";
import { liveCopies, recordReplica } from "../chunks/replicas.ts";
import { chunks } from "../keyspace.ts";
import type { ClusterPlacements } from "../nodes/cluster-placements.ts";
import { readEpoch } from "../single-values.ts";
import type { ChunkCopier } from "./chunk-copier.ts";
import type { RepairPlan } from "./repair-plan.ts";

export interface ChunkRepairerParts {
  readonly kv: KvStore;
  readonly placements: Pick<ClusterPlacements, "isLive" | "placeCopy">;
  readonly copier: Pick<ChunkCopier, "copy">;
  readonly badReplicas: Pick<BadReplicaWorker, "report">;
  /** What is to be done for a chunk now. */
  readonly plan: (record: ChunkRecord | undefined) => RepairPlan;
  /** Undefined: as fast as it goes. */
  readonly budget: RateBudget | undefined;
  readonly logger: Logger;
}

/** How an attempt to pay for a chunk ended. */
export type RepairOutcome =
  /** One more copy is proved and recorded, or the ledger was put right. */
  | { readonly kind: "progress"; readonly copiedBytes: number }
  /** There was nothing to do. */
  | { readonly kind: "nothing" }
  /** No node that could take one more copy: until the nodes change. */
  | { readonly kind: "stuck" }
  /** The node that should have taken the copy did not, or its copy does not count. */
  | { readonly kind: "failed"; readonly target: number };

const NOTHING: RepairOutcome = { kind: "nothing" };

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
    const { budget, plan } = this.#parts;
    const before = await this.#read(id);
    const first = plan(before.record);
    if (first.kind === "settle") return this.#settle(id, signal);
    if (before.record === undefined || first.kind !== "copy") return NOTHING;
    if (budget === undefined) return this.#copy(id, before, first.sources, excluded, signal);
    // What can go nowhere takes nothing from those that can.
    if (this.#targetOf(id, before.record, excluded) === undefined) return { kind: "stuck" };
    await budget.take(before.record.lengthBytes, signal);
    // Nodes may have come back meanwhile.
    const after = await this.#read(id);
    const next = plan(after.record);
    if (next.kind !== "copy") return NOTHING;
    return this.#copy(id, after, next.sources, excluded, signal);
  }

  #read(
    id: ChunkId,
  ): Promise<{ readonly record: ChunkRecord | undefined; readonly epoch: number }> {
    return this.#parts.kv.read(async (reader) => ({
      record: await chunks.get(reader, id),
      epoch: await readEpoch(reader),
    }));
  }

  #targetOf(id: ChunkId, record: ChunkRecord, excluded: ReadonlySet<number>): number | undefined {
    return this.#parts.placements.placeCopy({
      seed: chunkIdToBytes(id),
      chunkSizeBytes: record.lengthBytes,
      holders: record.nodeNumbers,
      excluded,
    });
  }

  async #copy(
    id: ChunkId,
    { record, epoch }: { readonly record: ChunkRecord | undefined; readonly epoch: number },
    sources: readonly number[],
    excluded: ReadonlySet<number>,
    signal: AbortSignal,
  ): Promise<RepairOutcome> {
    const { kv, placements, copier, logger } = this.#parts;
    if (record === undefined) return NOTHING;
    const { lengthBytes } = record;
    const target = this.#targetOf(id, record, excluded);
    if (target === undefined) return { kind: "stuck" };
    try {
      await copier.copy({ id, lengthBytes, sources, target, epoch }, signal);
    } catch (error) {
      if (!(error instanceof CairnError) || signal.aborted) throw error;
      logger.warn("a chunk could not be copied anew", { chunkId: id, target }, error);
      if (hasReason(error, "chunkUnavailable")) this.#reportBad(id, sources);
      return { kind: "failed", target };
    }
    const isLive = (nodeNumber: number) => placements.isLive(nodeNumber);
    const isRecorded = await kv.transact(
      (tx) => recordReplica(tx, id, { nodeNumber: target, epoch }, isLive),
      { signal },
    );
    if (isRecorded) return { kind: "progress", copiedBytes: lengthBytes };
    // Made under an epoch that a fence has overtaken, or for a chunk that nobody wants any more: later, if still owed.
    return { kind: "failed", target };
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

  /** No source had the chunk as it was written: each is asked to look, and those that find so no longer count. */
  #reportBad(chunkId: ChunkId, sources: readonly number[]): void {
    for (const nodeNumber of sources) this.#parts.badReplicas.report({ chunkId, nodeNumber });
  }
}
