import { isDeepStrictEqual } from "node:util";
import { CairnError } from "@cairnfs/base/errors";
import type { KvStore } from "@cairnfs/kv/kv-store";
import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import type { BadReplicaWorker } from "../chunks/bad-replica-worker.ts";
import type { ChunkRecord } from "../chunks/chunk-record.ts";
import type { ReplicaToVerify, ReplicaVerifier } from "../chunks/replica-verifier.ts";
import { forgetReplicas } from "../chunks/replicas.ts";
import { chunks } from "../keyspace.ts";

export interface CopyReleaseParts {
  readonly kv: KvStore;
  readonly isLive: (nodeNumber: number) => boolean;
  /** Whether the node keeps its copies: it is not dead, and not to be emptied. */
  readonly stays: (nodeNumber: number) => boolean;
  readonly verifier: ReplicaVerifier;
  readonly badReplicas: Pick<BadReplicaWorker, "report">;
}

/** A copy that is to go from a node. */
export interface Leaver {
  readonly id: ChunkId;
  readonly nodeNumber: number;
  /** How many copies at nodes that stay have to be read and found intact before. */
  readonly intactMin: number;
}

interface Waiting extends Leaver {
  readonly intact: readonly number[];
  readonly fences: ChunkRecord["fences"];
  readonly settle: (isReleased: boolean) => void;
  readonly fail: (error: unknown) => void;
}

const BATCH_MAX = 64;

/**
 * Lets copies go from nodes when enough others have been read and found intact, and not before. Releases that are ready at the
 * same time share a transaction: each ends an epoch, and transactions that do would only wait for each other.
 */
export class CopyRelease {
  readonly #parts: CopyReleaseParts;
  readonly #waiting: Waiting[] = [];
  #isCommitting = false;

  constructor(parts: CopyReleaseParts) {
    this.#parts = parts;
  }

  /**
   * Lets the copy go. False, and nothing has changed, when too few of the others were found intact, or when the record
   * is not any more what was verified. The node is told to delete its copy; drops see to that.
   */
  async release(leaver: Leaver, signal: AbortSignal): Promise<boolean> {
    const { kv } = this.#parts;
    const record = await kv.read((reader) => chunks.get(reader, leaver.id));
    if (record?.nodeNumbers.includes(leaver.nodeNumber) !== true) return false;
    const intact = await this.#readOthers(record, leaver, signal);
    if (intact.length < leaver.intactMin) return false;
    return new Promise((settle, fail) => {
      this.#waiting.push({ ...leaver, intact, fences: record.fences, settle, fail });
      if (!this.#isCommitting) void this.#commitAll();
    });
  }

  /** Has nodes that stay read their copies; gives those that found them intact. */
  async #readOthers(
    record: ChunkRecord,
    { id, nodeNumber: leaver, intactMin }: Leaver,
    signal: AbortSignal,
  ): Promise<number[]> {
    if (intactMin === 0) return [];
    const { stays, verifier, badReplicas } = this.#parts;
    const { lengthBytes } = record;
    const others = record.nodeNumbers.filter((number) => number !== leaver && stays(number));
    const intact: number[] = [];
    for (let at = 0; at < others.length && intact.length < intactMin; ) {
      const asked = others.slice(at, at + intactMin - intact.length);
      at += asked.length;
      const findings = await Promise.all(
        asked.map((nodeNumber) =>
          this.#finding(verifier, { nodeNumber, chunkId: id, lengthBytes }, signal),
        ),
      );
      for (const [index, nodeNumber] of asked.entries()) {
        const finding = findings[index];
        if (finding === "intact") intact.push(nodeNumber);
        else if (finding !== undefined) badReplicas.report({ nodeNumber, chunkId: id });
      }
    }
    return intact;
  }

  /** What the node found; undefined when it could not be asked. */
  async #finding(verifier: ReplicaVerifier, replica: ReplicaToVerify, signal: AbortSignal) {
    try {
      return await verifier.verify(replica, signal);
    } catch (error) {
      if (error instanceof CairnError && !signal.aborted) return undefined;
      throw error;
    }
  }

  /** One transaction after the other, each with all that wait; ends when none do. Never rejects. */
  async #commitAll(): Promise<void> {
    this.#isCommitting = true;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, BATCH_MAX);
      try {
        const released = await this.#commit(batch);
        for (const [at, waiting] of batch.entries()) waiting.settle(released[at] === true);
      } catch (error) {
        for (const waiting of batch) waiting.fail(error);
      }
    }
    this.#isCommitting = false;
  }

  #commit(batch: readonly Waiting[]): Promise<boolean[]> {
    const { kv, isLive } = this.#parts;
    return kv.transact(async (tx) => {
      const records = await chunks.getMany(
        tx,
        batch.map(({ id }) => id),
      );
      // One epoch ends for all of them, so that each node is told in few calls; a chunk lets one copy go at a time.
      const going = new Map<ChunkId, Waiting>();
      for (const [at, waiting] of batch.entries()) {
        const record = records[at];
        const isSure = record !== undefined && this.#isSure(record, waiting);
        if (isSure && !going.has(waiting.id)) going.set(waiting.id, waiting);
      }
      const copies = [...going.values()].map(({ id, nodeNumber }) => {
        return { id, nodeNumber, deletes: true };
      });
      const forgotten = await forgetReplicas(tx, copies, isLive);
      return batch.map((waiting) => going.get(waiting.id) === waiting && forgotten.has(waiting.id));
    });
  }

  /** Whether the copies that were read are still the record's, and at nodes that stay. */
  #isSure(record: ChunkRecord, { intact, intactMin, fences }: Waiting): boolean {
    // Without any read copy only what nobody refers to may go.
    if (intactMin === 0) return record.state === "garbage";
    if (record.state === "live" && intactMin < record.wantedCopies) return false;
    // A fence that was added since may void a copy that was read; whoever releases it next time reads again.
    if (!isDeepStrictEqual(record.fences, fences)) return false;
    const sure = intact.filter(
      (number) => record.nodeNumbers.includes(number) && this.#parts.stays(number),
    );
    return sure.length >= intactMin;
  }
}
