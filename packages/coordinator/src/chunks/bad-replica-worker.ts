import { isDeepStrictEqual } from "node:util";
import type { Bell } from "@cairnfs/base/bell";
import { CairnError } from "@cairnfs/base/errors";
import type { Logger } from "@cairnfs/base/telemetry";
import type { Step, Worker } from "@cairnfs/base/worker";
import type { KvStore } from "@cairnfs/kv/kv-store";
import { chunks } from "../keyspace.ts";
import type { ChunkRecord } from "./chunk-record.ts";
import { type Replica, replicaKey } from "./replica.ts";
import type { ReplicaFindings } from "./replica-findings.ts";
import type { ReplicaVerifier } from "./replica-verifier.ts";
import { forgetReplica } from "./replicas.ts";

const REPORTS_MAX = 1_000;
const CHECKS_AT_ONCE = 32;
/** A disk that is asked for more reads none of them sooner. */
const CHECKS_PER_NODE = 2;
const IDLE_PAUSE_MS = 600_000;
const LONG_MS = 60_000;

export interface BadReplicaParts {
  readonly kv: KvStore;
  /** Rings with each report, for who runs the worker too: one that has nothing to do pauses for long. */
  readonly bell: Bell;
  readonly verifier: ReplicaVerifier;
  readonly findings: ReplicaFindings;
  readonly isLive: (nodeNumber: number) => boolean;
  readonly logger: Logger;
  /** Hears that a chunk has a copy less. */
  readonly onDebt?: () => void;
}

/**
 * Checks reports of bad replicas, few at once for each node, so that one that hangs holds up nobody else: the node reads its
 * copy, and only what it finds itself takes the copy out of the record. A report that comes when too many wait is dropped:
 * the next reader reports again.
 */
export class BadReplicaWorker implements Worker {
  readonly name = "bad-replicas";
  readonly #parts: BadReplicaParts;
  readonly #waiting = new Map<string, Replica>();
  readonly #running = new Map<string, Promise<void>>();
  /** How many are being checked at each node; no entry for none. */
  readonly #perNode = new Map<number, number>();
  #thrown: { readonly error: unknown } | undefined;

  constructor(parts: BadReplicaParts) {
    this.#parts = parts;
  }

  /** Takes a report in; the same one twice is one. False when too many are waiting. */
  report(report: Replica): boolean {
    const key = replicaKey(report);
    if (this.#waiting.size >= REPORTS_MAX && !this.#waiting.has(key)) return false;
    this.#waiting.set(key, report);
    this.#parts.bell.ring();
    return true;
  }

  async step(signal: AbortSignal): Promise<Step> {
    const thrown = this.#thrown;
    this.#thrown = undefined;
    if (thrown !== undefined) throw thrown.error;
    for (const [key, report] of this.#waiting) {
      if (this.#running.size >= CHECKS_AT_ONCE) break;
      if (this.#isStartable(key, report)) this.#start(key, report, signal);
    }
    if (this.#running.size === 0) return { pauseMs: IDLE_PAUSE_MS };
    await this.#parts.bell.wait(LONG_MS, signal);
    return "again";
  }

  /** Resolves when no check is under way any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#running.values());
  }

  #isStartable(key: string, { nodeNumber }: Replica): boolean {
    return !this.#running.has(key) && (this.#perNode.get(nodeNumber) ?? 0) < CHECKS_PER_NODE;
  }

  #start(key: string, report: Replica, signal: AbortSignal): void {
    const { nodeNumber } = report;
    this.#waiting.delete(key);
    this.#perNode.set(nodeNumber, (this.#perNode.get(nodeNumber) ?? 0) + 1);
    const running = this.#check(report, signal)
      .catch((error: unknown) => {
        // The next step throws it, where `runWorker` hears it.
        this.#thrown = { error };
      })
      .finally(() => {
        this.#running.delete(key);
        const left = (this.#perNode.get(nodeNumber) ?? 1) - 1;
        if (left === 0) this.#perNode.delete(nodeNumber);
        else this.#perNode.set(nodeNumber, left);
        this.#parts.bell.ring();
      });
    this.#running.set(key, running);
  }

  async #check(report: Replica, signal: AbortSignal): Promise<void> {
    const { kv, verifier, findings, isLive, logger, onDebt } = this.#parts;
    const { chunkId, nodeNumber } = report;
    const record = await kv.read((reader) => chunks.get(reader, chunkId));
    if (record?.nodeNumbers.includes(nodeNumber) !== true) return;
    let finding: Awaited<ReturnType<ReplicaVerifier["verify"]>>;
    try {
      const { lengthBytes } = record;
      finding = await verifier.verify({ ...report, lengthBytes }, signal);
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
    findings.note(report, finding);
    logger.warn("a replica is bad", { chunkId, nodeNumber, finding });
    onDebt?.();
  }
}

/** Whether anybody referred to the chunk, proved a copy of it or let one go in between. */
function hasChanged(before: ChunkRecord, after: ChunkRecord | undefined): boolean {
  return !isDeepStrictEqual(before, after);
}
