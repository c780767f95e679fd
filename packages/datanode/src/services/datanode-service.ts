import { ByteBudget } from "@cairnfs/base/byte-budget";
import { CairnError } from "@cairnfs/base/errors";
import { Limit } from "@cairnfs/base/limit";
import { type ChunkId, chunkIdFromBytes, chunkIdToBytes } from "@cairnfs/protocol/chunk-id";
import type { Node } from "@cairnfs/protocol/gen/cairn/v1/common_pb";
import {
  type DataNodeService,
  type DeleteChunksRequest,
  type HasChunksRequest,
  VerifyOutcome,
} from "@cairnfs/protocol/gen/cairn/v1/datanode_pb";
import type { ServiceClient } from "@cairnfs/protocol/rpc/client";
import type { ServiceHandlers } from "@cairnfs/protocol/rpc/service";
import { numberFromUint64 } from "@cairnfs/protocol/uint64";
import { usageOf } from "../cluster/heartbeat-worker.ts";
import { type Membership, receiptOf } from "../cluster/membership.ts";
import type { NodeCache } from "../cluster/node-cache.ts";
import type { ReceiptInit } from "../replication/acknowledgements.ts";
import { checkSessionId, parseEpoch } from "../replication/store-request.ts";
import type { Verdict } from "../store/chunk-store.ts";
import { claimHeld } from "./claim-held.ts";
import { getChunk } from "./get-chunk.ts";
import { putChunk } from "./put-chunk.ts";
import { replicateChunk } from "./replicate-chunk.ts";
import { serveChunk } from "./retrieve-chunk.ts";
import { type StoreChunkParts, serveStore } from "./store-chunk.ts";

const CHUNK_IDS_MAX = 1000;
const LIST_LIMIT_MAX = 10_000;
const LIST_LIMIT_DEFAULT = 1000;
/** How many chunks of one call are looked at or deleted at the same time. */
const PARALLELISM = 16;

export interface DatanodeServiceParts extends Omit<StoreChunkParts, "peer" | "isMember"> {
  /** The id that the node chose at its first start. */
  readonly nodeId: Uint8Array;
  readonly version: string;
  readonly nodes: NodeCache;
  /** A client for the node at an address. */
  readonly datanode: (address: string) => ServiceClient<typeof DataNodeService>;
}

const OUTCOMES = {
  intact: VerifyOutcome.INTACT,
  corrupt: VerifyOutcome.CORRUPT,
  missing: VerifyOutcome.MISSING,
} as const satisfies Record<Verdict, VerifyOutcome>;

/** What a datanode answers, method by method: each checks the request, does one thing and shapes the reply. */
export function datanodeService(
  parts: DatanodeServiceParts,
): ServiceHandlers<typeof DataNodeService> {
  const { store } = parts;
  const peer = (nodeNumber: number, hints: readonly Node[]) =>
    parts.datanode(parts.nodes.addressOf(nodeNumber, hints));

  const isMember = (nodeNumber: number) => parts.nodes.has(nodeNumber);
  const storeParts: StoreChunkParts = { ...parts, peer, isMember };

  const reads = new ByteBudget(parts.config.bufferBudgetBytes);

  return {
    storeChunk: (requests, call) => serveStore(requests, call, storeParts),

    retrieveChunk: (requests) =>
      serveChunk(requests, {
        store,
        clock: parts.clock,
        readerStallMs: parts.config.readerStallMs,
      }),

    putChunk: (request, call) => putChunk(request, call, storeParts),

    getChunk: (request, call) => getChunk(request, call, { store, reads }),

    replicateChunk: (request, call) => replicateChunk(request, call, storeParts),

    deleteChunks: (request) => deleteChunks(request, parts),

    hasChunks: (request) => hasChunks(request, parts),

    async listChunks(request) {
      const limit = request.limit === 0 ? LIST_LIMIT_DEFAULT : request.limit;
      if (limit > LIST_LIMIT_MAX) {
        throw new CairnError(
          "invalidArgument",
          `limit is ${limit}, expected at most ${LIST_LIMIT_MAX}`,
        );
      }
      const after =
        request.afterChunkId.byteLength === 0 ? undefined : chunkIdFromBytes(request.afterChunkId);
      const chunks = (await store.list(after, limit)).map((info) => ({
        chunkId: chunkIdToBytes(info.id),
        lengthBytes: BigInt(info.lengthBytes),
        epoch: BigInt(info.epoch),
        verifiedMs: BigInt(info.verifiedMs),
      }));
      const last = chunks.length < limit ? undefined : chunks.at(-1);
      return { chunks, nextAfter: last?.chunkId ?? new Uint8Array(0) };
    },

    async verifyChunk(request, call) {
      const id = chunkIdFromBytes(request.chunkId);
      const info = await store.info(id);
      const verdict = await store.verify(id, call.signal);
      if (verdict === "corrupt") {
        parts.logger.error("a copy is corrupt and was quarantined", { chunkId: id });
      }
      return { outcome: OUTCOMES[verdict], lengthBytes: BigInt(info?.lengthBytes ?? 0) };
    },

    async healthCheck() {
      const space = await store.space();
      const { membership } = parts.link;
      return {
        nodeNumber: membership?.nodeNumber ?? 0,
        nodeId: parts.nodeId,
        clusterId: membership?.clusterId ?? new Uint8Array(0),
        health: parts.health.report(space),
        usage: usageOf(space),
        nodeTableVersion: parts.nodes.version,
        version: parts.version,
      };
    },
  };
}

/** One copy that cannot be deleted is that copy's failure, not the call's. */
async function deleteChunks(
  request: DeleteChunksRequest,
  { store, logger }: DatanodeServiceParts,
): Promise<{ gone: boolean[] }> {
  const ids = parseIds(request.chunkIds);
  const epochMax = numberFromUint64(request.epochMax, "epoch_max");
  const limit = new Limit(PARALLELISM);
  const failures: CairnError[] = [];
  const gone = await Promise.all(
    ids.map((id) =>
      limit.run(async () => {
        try {
          return await store.delete(id, epochMax);
        } catch (error) {
          if (!(error instanceof CairnError)) throw error;
          failures.push(error);
          return false;
        }
      }),
    ),
  );
  if (failures.length > 0) {
    const counts = { chunks: ids.length, failed: failures.length };
    // The first stands for all: a bad disk would fill the log.
    logger.error("copies could not be deleted", counts, failures[0]);
  }
  return { gone };
}

interface HeldChunkInit {
  readonly isHeld: boolean;
  readonly lengthBytes?: bigint;
  readonly verifiedMs?: bigint;
  readonly receipt?: ReceiptInit;
}

async function hasChunks(
  request: HasChunksRequest,
  { store, link }: DatanodeServiceParts,
): Promise<{ chunks: HeldChunkInit[] }> {
  const ids = parseIds(request.chunkIds);
  const epoch = parseEpoch(request.epoch);
  const { sessionId } = request;
  let membership: Membership | undefined;
  if (sessionId.byteLength > 0) {
    checkSessionId(sessionId);
    membership = link.requireMembership();
  }
  const limit = new Limit(PARALLELISM);
  const chunks = await Promise.all(
    ids.map((chunkId) =>
      limit.run(async () => {
        const info =
          membership === undefined
            ? await store.info(chunkId)
            : await claimHeld({ chunkId, epoch }, store);
        if (info === undefined) return { isHeld: false };
        const { lengthBytes, verifiedMs } = info;
        const held = {
          isHeld: true,
          lengthBytes: BigInt(lengthBytes),
          verifiedMs: BigInt(verifiedMs),
        };
        if (membership === undefined) return held;
        return {
          ...held,
          receipt: receiptOf(membership, { sessionId, chunkId, lengthBytes, epoch }),
        };
      }),
    ),
  );
  return { chunks };
}

function parseIds(chunkIds: readonly Uint8Array[]): ChunkId[] {
  if (chunkIds.length > CHUNK_IDS_MAX) {
    throw new CairnError(
      "invalidArgument",
      `${chunkIds.length} chunk ids are given, expected at most ${CHUNK_IDS_MAX}`,
    );
  }
  return chunkIds.map(chunkIdFromBytes);
}
