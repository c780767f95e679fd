import type { MessageInitShape } from "@bufbuild/protobuf";
import { CairnError, hasReason } from "@cairnfs/base/errors";
import type { Logger } from "@cairnfs/base/telemetry";
import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import { chunkIdToBytes } from "@cairnfs/protocol/chunk-id";
import type {
  DiskUsageSchema,
  Health,
  NodeUpdates,
} from "@cairnfs/protocol/gen/cairn/v1/common_pb";
import {
  BadReplicaKind,
  type CoordinatorService,
  type RegisterNodeResponse,
} from "@cairnfs/protocol/gen/cairn/v1/coordinator_pb";
import type { ServiceClient } from "@cairnfs/protocol/rpc/client";
import type { ScrubReportInit } from "../scrub/scrub-report.ts";
import { type Membership, notAMember } from "./membership.ts";
import type { NodeCache } from "./node-cache.ts";

/** What this node says of itself when it registers. */
export interface NodeDescription {
  readonly address: string;
  readonly grpcAddress: string;
  readonly zone: string;
  readonly rack: string;
}

export type UsageInit = MessageInitShape<typeof DiskUsageSchema>;

export interface CoordinatorLinkParts {
  readonly coordinator: Pick<
    ServiceClient<typeof CoordinatorService>,
    "registerNode" | "heartbeat" | "reportBadReplica"
  >;
  readonly nodes: NodeCache;
  readonly logger: Logger;
  /** Keeps the membership for the next start, durably; `storeForeign` when the data folder is another node's. */
  readonly join: (membership: Membership) => Promise<void>;
  /** Keeps the node table for the next start, durably; called when it says of any node that it is elsewhere, new or gone. */
  readonly keepTable: (table: NodeUpdates) => Promise<void>;
}

/** What an answer to a heartbeat says besides the news of other nodes. */
export interface HeartbeatNews {
  /** The coordinator has no report of this node's scrub. */
  readonly wantsScrubReport: boolean;
  /** When a scrub was asked for that this node has not said to have heard of; 0 for none. */
  readonly scrubRequestedMs: number;
}

const HEARTBEAT_INTERVAL_MS_DEFAULT = 3000;

/** This node's side of its membership: it registers, stays heard, and knows the other nodes from the answers. */
export class CoordinatorLink {
  readonly #parts: CoordinatorLinkParts;
  readonly #nodeId: Uint8Array;
  #membership: Membership | undefined;
  #isRegistered = false;
  #isRemoved = false;
  #heartbeatIntervalMs = HEARTBEAT_INTERVAL_MS_DEFAULT;

  /** With what was kept from an earlier start the node is a member before it has reached the coordinator. */
  constructor(
    parts: CoordinatorLinkParts,
    nodeId: Uint8Array,
    kept: { readonly membership: Membership | undefined; readonly nodes: NodeUpdates | undefined },
  ) {
    this.#parts = parts;
    this.#nodeId = nodeId;
    this.#membership = kept.membership;
    parts.nodes.apply(kept.nodes);
  }

  /** Undefined before the very first registration. */
  get membership(): Membership | undefined {
    return this.#membership;
  }

  /** The membership, which what is asked for needs; `nodeNotReady` without one. */
  requireMembership(): Membership {
    if (this.#membership === undefined) throw notAMember();
    return this.#membership;
  }

  /** Whether the coordinator that answered last knows this node. */
  get isRegistered(): boolean {
    return this.#isRegistered;
  }

  /** Whether the coordinator has said that this node was removed: it is never registered again. */
  get isRemoved(): boolean {
    return this.#isRemoved;
  }

  get heartbeatIntervalMs(): number {
    return this.#heartbeatIntervalMs;
  }

  /**
   * Registers; when this resolves the membership is kept for the next start. `clusterMismatch` when it is another cluster, `nodeRemoved`
   * when the node is no member any more.
   */
  async register(self: NodeDescription, usage: UsageInit, signal: AbortSignal): Promise<void> {
    const { nodes, logger } = this.#parts;
    const before = this.#membership;
    const answer = await this.#askToRegister(self, usage, signal);
    const { nodeNumber, clusterId, receiptKey, forwardKey } = answer;
    if (before !== undefined && Buffer.compare(before.clusterId, clusterId) !== 0) {
      throw new CairnError(
        "clusterMismatch",
        `the coordinator is of cluster ${hex(clusterId)}, this node of ${hex(before.clusterId)}`,
      );
    }
    const membership = { nodeNumber, clusterId, receiptKey, forwardKey };
    await this.#parts.join(membership);
    this.#membership = membership;
    await this.#take(answer.nodes);
    if (answer.heartbeatIntervalMs > 0) this.#heartbeatIntervalMs = answer.heartbeatIntervalMs;
    this.#isRegistered = true;
    logger.info("registered with the coordinator", { nodeNumber, nodes: nodes.size });
  }

  async #askToRegister(
    self: NodeDescription,
    usage: UsageInit,
    signal: AbortSignal,
  ): Promise<RegisterNodeResponse> {
    const clusterId = this.#membership?.clusterId ?? new Uint8Array(0);
    try {
      const request = { ...self, nodeId: this.#nodeId, clusterId, usage };
      return await this.#parts.coordinator.registerNode(request, { signal });
    } catch (error) {
      if (hasReason(error, "nodeRemoved")) this.#isRemoved = true;
      throw error;
    }
  }

  /**
   * Says that this node lives, and takes the news of other nodes; gives what else there is. Afterwards `isRegistered` tells whether it has
   * to register again.
   */
  async heartbeat(
    report: {
      readonly usage: UsageInit;
      readonly health: Health;
      readonly scrub: ScrubReportInit | undefined;
    },
    signal: AbortSignal,
  ): Promise<HeartbeatNews> {
    const membership = this.requireMembership();
    const answer = await this.#parts.coordinator.heartbeat(
      {
        ...report,
        nodeNumber: membership.nodeNumber,
        nodeId: this.#nodeId,
        lastSeenVersion: this.#parts.nodes.version,
      },
      { signal },
    );
    const { wantsScrubReport } = answer;
    const news = { wantsScrubReport, scrubRequestedMs: Number(answer.scrubRequestedMs) };
    if (answer.mustRegister) this.#isRegistered = false;
    else await this.#take(answer.nodes);
    return news;
  }

  /** Tells the coordinator of a copy that is not what it should be; false when it has not heard of it. */
  async reportCorrupt(chunkId: ChunkId, nodeNumber: number): Promise<boolean> {
    try {
      await this.#parts.coordinator.reportBadReplica({
        chunkId: chunkIdToBytes(chunkId),
        nodeNumber,
        kind: BadReplicaKind.CORRUPT,
      });
      return true;
    } catch (error) {
      if (!(error instanceof CairnError)) throw error;
      this.#parts.logger.warn(
        "a corrupt copy could not be reported",
        { chunkId, nodeNumber },
        error,
      );
      return false;
    }
  }

  async #take(updates: NodeUpdates | undefined): Promise<void> {
    if (updates === undefined) return;
    const { nodes } = this.#parts;
    // In a large cluster somebody's state or room is news at every heartbeat: that is not worth a write of the whole table.
    const isMove = nodes.isMove(updates);
    if (nodes.apply(updates) && isMove) await this.#parts.keepTable(nodes.snapshot());
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
