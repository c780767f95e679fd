import { hasReason } from "@cairnfs/base/errors";
import type { Random } from "@cairnfs/base/random";
import type { RateBudget } from "@cairnfs/base/rate-budget";
import type { Logger } from "@cairnfs/base/telemetry";
import type { KvStore } from "@cairnfs/kv/kv-store";
import { type ChunkId, chunkIdToBytes } from "@cairnfs/protocol/chunk-id";
import { SESSION_ID_BYTES } from "@cairnfs/protocol/receipt";
import type { ChunkRecord } from "../chunks/chunk-record.ts";
import type { ReplicaVerifier } from "../chunks/replica-verifier.ts";
import { recordReplica } from "../chunks/replicas.ts";
import { chunks } from "../keyspace.ts";
import type { ClusterPlacements } from "../nodes/cluster-placements.ts";
import { readEpoch } from "../single-values.ts";
import { checkProof } from "./check-proof.ts";
import type { NodeCalls } from "./node-calls.ts";

export interface ReplicaReadmissionParts {
  readonly kv: KvStore;
  readonly calls: Pick<NodeCalls, "to">;
  readonly verifier: ReplicaVerifier;
  readonly placements: Pick<ClusterPlacements, "memberKeyOf" | "isLive">;
  readonly random: Random;
  /** Of the bytes that are read; undefined: as fast as it goes. */
  readonly budget: RateBudget | undefined;
  readonly logger: Logger;
}

const READS_AT_ONCE = 4;
/** So many are read, proved and recorded before the next: what the budget delays is not told of under an epoch of long ago. */
const GROUP_COPIES = 32;

interface OwedCopy {
  readonly id: ChunkId;
  readonly lengthBytes: number;
}

/** Takes copies back in that a node holds and no record names, where the chunk has too few: cheaper than making new ones. */
export class ReplicaReadmission {
  readonly #parts: ReplicaReadmissionParts;

  constructor(parts: ReplicaReadmissionParts) {
    this.#parts = parts;
  }

  /**
   * Of these chunks, at most 1,000, records those copies of the node that are owed, that it has read and found intact, and
   * that it has proved under the present epoch. Gives how many. Rejects when the node cannot be asked; a copy that the node
   * fails to read stays out.
   */
  async admit(nodeNumber: number, ids: readonly ChunkId[], signal: AbortSignal): Promise<number> {
    let recorded = 0;
    for (let at = 0; at < ids.length; at += GROUP_COPIES) {
      recorded += await this.#admitGroup(nodeNumber, ids.slice(at, at + GROUP_COPIES), signal);
    }
    const { logger } = this.#parts;
    if (recorded > 0) logger.info("copies were taken back in", { nodeNumber, chunks: recorded });
    return recorded;
  }

  async #admitGroup(
    nodeNumber: number,
    ids: readonly ChunkId[],
    signal: AbortSignal,
  ): Promise<number> {
    const { kv, placements } = this.#parts;
    const records = await kv.read((reader) => chunks.getMany(reader, ids));
    const owed = ids.flatMap((id, at) => {
      const record = records[at];
      return isOwedTo(record, nodeNumber) ? [{ id, lengthBytes: record.lengthBytes }] : [];
    });
    const intact: OwedCopy[] = [];
    for (let at = 0; at < owed.length; at += READS_AT_ONCE) {
      const some = owed.slice(at, at + READS_AT_ONCE);
      const found = await Promise.all(some.map((copy) => this.#isIntact(nodeNumber, copy, signal)));
      intact.push(...some.filter((_, index) => found[index] === true));
    }
    if (intact.length === 0) return 0;
    // Read before the node proves anything: a decision since then ends this epoch, and voids the proof.
    const epoch = await kv.read(readEpoch);
    const proved = await this.#claim(nodeNumber, intact, epoch, signal);
    const isLive = (number: number) => placements.isLive(number);
    return kv.transact(
      async (tx) => {
        let count = 0;
        for (const id of proved) {
          if (!isOwedTo(await chunks.get(tx, id), nodeNumber)) continue;
          count += Number(await recordReplica(tx, id, { nodeNumber, epoch }, isLive));
        }
        return count;
      },
      { signal },
    );
  }

  async #isIntact(
    nodeNumber: number,
    { id, lengthBytes }: OwedCopy,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { verifier, budget, logger } = this.#parts;
    await budget?.take(lengthBytes, signal);
    try {
      return (await verifier.verify({ nodeNumber, chunkId: id, lengthBytes }, signal)) === "intact";
    } catch (error) {
      if (signal.aborted || !hasReason(error, "storeFailed", "storeFull")) throw error;
      // One that its disk does not give for now must not keep all behind it from being looked at.
      logger.info("a copy could not be read", { nodeNumber, chunkId: id, reason: error.reason });
      return false;
    }
  }

  /** The chunks that the node has proved to hold under the epoch. */
  async #claim(
    nodeNumber: number,
    held: readonly OwedCopy[],
    epoch: number,
    signal: AbortSignal,
  ): Promise<ChunkId[]> {
    const { calls, placements, random } = this.#parts;
    const sessionId = random.bytes(SESSION_ID_BYTES);
    const key = placements.memberKeyOf(nodeNumber);
    const answer = await calls.to(nodeNumber).hasChunks(
      {
        chunkIds: held.map(({ id }) => chunkIdToBytes(id)),
        sessionId,
        epoch: BigInt(epoch),
      },
      { signal },
    );
    return held.flatMap(({ id, lengthBytes }, at) => {
      const chunk = answer.chunks[at];
      if (chunk?.isHeld !== true || chunk.lengthBytes !== BigInt(lengthBytes)) return [];
      const fields = { sessionId, chunkId: id, lengthBytes, epoch, nodeNumber };
      checkProof(key, fields, chunk.receipt);
      return [id];
    });
  }
}

/** Whether the chunk has too few copies and does not count one of this node. */
function isOwedTo(record: ChunkRecord | undefined, nodeNumber: number): record is ChunkRecord {
  return (
    record?.state === "live" &&
    record.debtCopies !== undefined &&
    !record.nodeNumbers.includes(nodeNumber)
  );
}
