import { CairnError, hasReason } from "@cairnfs/base/errors";
import type { RateBudget } from "@cairnfs/base/rate-budget";
import type { Logger } from "@cairnfs/base/telemetry";
import type { KvStore } from "@cairnfs/kv/kv-store";
import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import type { BadReplicaWorker } from "../chunks/bad-replica-worker.ts";
import type { ChunkRecord } from "../chunks/chunk-record.ts";
import { recordReplica } from "../chunks/replicas.ts";
import type { ChunkCopier } from "../healing/chunk-copier.ts";
import { chunks } from "../keyspace.ts";
import type { NodeTable } from "../nodes/node-table.ts";
import { readEpoch } from "../single-values.ts";
import type { CopyRelease } from "./copy-release.ts";
import type { MovePlan, MoveReason } from "./plan-move.ts";

export interface ChunkMoverParts {
  readonly kv: KvStore;
  readonly table: NodeTable;
  readonly isLive: (nodeNumber: number) => boolean;
  readonly copier: Pick<ChunkCopier, "copy">;
  readonly release: Pick<CopyRelease, "release">;
  readonly budget: RateBudget;
  readonly badReplicas: Pick<BadReplicaWorker, "report">;
  readonly logger: Logger;
}

/** What hears of the steps of a move, as they become true. */
export interface MoveWitness {
  /** The plan for the chunk as it is now; `preferred` is the node whose copy was to go. */
  plan(id: ChunkId, record: ChunkRecord, preferred: number | undefined): MovePlan;
  copied(copy: {
    readonly reason: MoveReason;
    readonly to: number;
    readonly lengthBytes: number;
  }): void;
  released(copy: {
    readonly reason: "drain" | "surplus";
    readonly from: number;
    readonly lengthBytes: number;
  }): void;
  /** The node should have taken a copy and did not. */
  failed(to: number): void;
}

/** How the turn of a chunk ended: whether anything changed, and whether there is more to do later. */
export interface TurnOutcome {
  readonly hasMoved: boolean;
  readonly isUnfinished: boolean;
}

/** Carries the move of one chunk out: copy, record, and let the old copy go. */
export class ChunkMover {
  readonly #parts: ChunkMoverParts;

  constructor(parts: ChunkMoverParts) {
    this.#parts = parts;
  }

  /**
   * Takes one chunk as far as it goes now: at most one copy, and the releases that follow. Each step is planned anew from the
   * record, so what is interrupted goes on wherever it was. What nodes do wrong is an outcome; the store's failures reject.
   */
  async move(id: ChunkId, witness: MoveWitness, signal: AbortSignal): Promise<TurnOutcome> {
    let hasMoved = false;
    let hasCopied = false;
    // A copy pays for the reads of the release that follows it.
    let isPaid = false;
    let preferred: number | undefined;
    // A copy lets one copy go as a rule; a chunk that left several draining nodes has more.
    for (let steps = 0; steps < STEPS_MAX; steps++) {
      const found = await this.#plan(id, witness, preferred);
      if (found === undefined || found.plan.kind === "nothing") {
        return { hasMoved, isUnfinished: false };
      }
      const { record, plan } = found;
      if (plan.kind === "blocked") return { hasMoved, isUnfinished: true };
      if (plan.kind === "release") {
        const isReleased = await this.#release(id, record, { plan, witness, isPaid }, signal);
        if (!isReleased) return { hasMoved, isUnfinished: true };
        isPaid = false;
        hasMoved = true;
        continue;
      }
      if (hasCopied) return { hasMoved, isUnfinished: true };
      hasCopied = true;
      isPaid = true;
      const copied = await this.#copy(id, record, { plan, witness, preferred }, signal);
      if (!copied) return { hasMoved, isUnfinished: true };
      preferred = plan.from;
      hasMoved = true;
    }
    return { hasMoved, isUnfinished: true };
  }

  async #plan(id: ChunkId, witness: MoveWitness, preferred: number | undefined) {
    const record = await this.#parts.kv.read((reader) => chunks.get(reader, id));
    return record === undefined ? undefined : { record, plan: witness.plan(id, record, preferred) };
  }

  async #release(
    id: ChunkId,
    { lengthBytes }: ChunkRecord,
    job: {
      readonly plan: MovePlan & { kind: "release" };
      readonly witness: MoveWitness;
      readonly isPaid: boolean;
    },
    signal: AbortSignal,
  ): Promise<boolean> {
    const { plan, witness, isPaid } = job;
    const { leaver, intactMin, reason } = plan;
    if (!isPaid && intactMin > 0) await this.#parts.budget.take(lengthBytes, signal);
    const isReleased = await this.#parts.release.release(
      { id, nodeNumber: leaver, intactMin },
      signal,
    );
    if (isReleased) witness.released({ reason, from: leaver, lengthBytes });
    return isReleased;
  }

  async #copy(
    id: ChunkId,
    { lengthBytes }: ChunkRecord,
    job: {
      readonly plan: MovePlan & { kind: "copy" };
      readonly witness: MoveWitness;
      readonly preferred: number | undefined;
    },
    signal: AbortSignal,
  ): Promise<boolean> {
    const { kv, isLive, copier, budget, logger } = this.#parts;
    await budget.take(lengthBytes, signal);
    // The wait may have been long: an undrain, a death or a removal since then ends the move here.
    const found = await this.#plan(id, job.witness, job.preferred);
    if (found?.plan.kind !== "copy") return false;
    const { to, reason } = found.plan;
    const epoch = await kv.read(readEpoch);
    const sources = this.#sources(found.record);
    try {
      await copier.copy({ id, lengthBytes, sources, target: to, epoch }, signal);
    } catch (error) {
      if (!(error instanceof CairnError) || signal.aborted) throw error;
      logger.info("a chunk could not be moved", { chunkId: id, target: to, reason: error.reason });
      if (hasReason(error, "chunkUnavailable")) this.#reportAll(id, sources);
      else job.witness.failed(to);
      return false;
    }
    const isKept = await kv.transact(
      (tx) => recordReplica(tx, id, { nodeNumber: to, epoch }, isLive),
      { signal },
    );
    if (isKept) job.witness.copied({ reason, to, lengthBytes });
    return isKept;
  }

  /** Live holders, those that are heard first. */
  #sources({ nodeNumbers }: ChunkRecord): number[] {
    const { table, isLive } = this.#parts;
    const isHeard = (number: number) => table.get(number)?.liveness === "alive";
    return nodeNumbers
      .filter(isLive)
      .sort((one, other) => Number(isHeard(other)) - Number(isHeard(one)));
  }

  /** No source gave the chunk as it was written: each is asked to read its copy. */
  #reportAll(chunkId: ChunkId, nodeNumbers: readonly number[]): void {
    for (const nodeNumber of nodeNumbers) this.#parts.badReplicas.report({ chunkId, nodeNumber });
  }
}

const STEPS_MAX = 8;
