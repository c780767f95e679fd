import { isDeepStrictEqual } from "node:util";
import { CairnError } from "@cairnfs/base/errors";
import type { Logger } from "@cairnfs/base/telemetry";
import type { Step, Worker } from "@cairnfs/base/worker";
import type { KvStore } from "@cairnfs/kv/kv-store";
import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import { chunks } from "../keyspace.ts";
import type { ChunkRecord } from "./chunk-record.ts";
import type { ReplicaVerifier } from "./replica-verifier.ts";
import { forgetReplica } from "./replicas.ts";

const REPORTS_MAX = 1_000;
const IDLE_PAUSE_MS = 250;

export interface BadReplicaParts {
  readonly kv: KvStore;
  readonly verifier: ReplicaVerifier;
  readonly isLive: (nodeNumber: number) => boolean;
  readonly logger: Logger;
  /** Hears that a chunk has a copy less. */
  readonly onDebt?: () => void;
}

export interface ReplicaReport {
  readonly chunkId: ChunkId;
  readonly nodeNumber: number;
}

/**
 * Checks reports of bad replicas one after the other: the node reads its copy, and only what it finds itself takes
 * the copy out of the record. A report that comes when too many wait is dropped: the next reader reports again.
 */
export class BadReplicaWorker implements Worker {
  readonly name = "bad-replicas";
  readonly #parts: BadReplicaParts;
  readonly #waiting = new Map<string, ReplicaReport>();

  constructor(parts: BadReplicaParts) {
    this.#parts = parts;
  }

  /** Takes a report in; the same one twice is one. False when too many are waiting. */
  report(report: ReplicaReport): boolean {
    const key = `${report.chunkId}/${report.nodeNumber}`;
    if (this.#waiting.size >= REPORTS_MAX && !this.#waiting.has(key)) return false;
    this.#waiting.set(key, report);
    return true;
  }

  async step(signal: AbortSignal): Promise<Step> {
    const [next] = this.#waiting;
    if (next === undefined) return { pauseMs: IDLE_PAUSE_MS };
    const [key, report] = next;
    this.#waiting.delete(key);
    await this.#check(report, signal);
    return "again";
  }

  async #check(report: ReplicaReport, signal: AbortSignal): Promise<void> {
    const { kv, verifier, isLive, logger, onDebt } = this.#parts;
    const { chunkId, nodeNumber } = report;
    const record = await kv.read((reader) => chunks.get(reader, chunkId));
    if (record?.nodeNumbers.includes(nodeNumber) !== true) return;
    let finding: Awaited<ReturnType<ReplicaVerifier["verify"]>>;
    try {
      finding = await verifier.verify(report, signal);
    } catch (error) {
      if (!(error instanceof CairnError)) throw error;
      // A node that cannot be asked is the failure detector's business; a reader that fails again reports again.
      logger.info("a reported replica could not be verified", {
        chunkId,
        nodeNumber,
        reason: error.reason,
      });
      return;
    }
    if (finding === "intact") return;
    const outcome = await kv.transact(async (tx) => {
      // The node may have stored the chunk again since it answered, and that copy have been acknowledged.
      if (hasChanged(record, await chunks.get(tx, chunkId))) return "changed";
      const isNamed = await forgetReplica(tx, chunkId, { nodeNumber, deletes: false }, isLive);
      return isNamed ? "forgotten" : "not named";
    });
    if (outcome === "changed") this.report(report);
    if (outcome !== "forgotten") return;
    logger.warn("a replica is bad", { chunkId, nodeNumber, finding });
    onDebt?.();
  }
}

/** Whether anybody referred to the chunk, proved a copy of it or let one go in between. */
function hasChanged(before: ChunkRecord, after: ChunkRecord | undefined): boolean {
  return !isDeepStrictEqual(before, after);
}
