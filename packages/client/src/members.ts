import { abortError, CairnError } from "@cairnfs/base/errors";
import { NodeState } from "@cairnfs/protocol/gen/cairn/v1/common_pb";
import type {
  GetMovesResponse,
  MovePlan as MovePlanMessage,
  NodeDrain as NodeDrainMessage,
} from "@cairnfs/protocol/gen/cairn/v1/nodes_pb";
import type { CallerOptions } from "./client-options.ts";
import type { CoordinatorCalls } from "./coordinator-calls.ts";
import type { CoordinatorLink } from "./coordinator-link.ts";
import { count, countUnlessZero } from "./entry.ts";
import { type NodeInfo, nodeInfo } from "./node-table.ts";

/** What would be moved. At no time would a chunk have fewer copies than it has. */
export interface MovePlan {
  readonly chunks: number;
  readonly bytes: number;
  /** The bytes by why they move. */
  readonly drainBytes: number;
  readonly spreadBytes: number;
  readonly balanceBytes: number;
  /** The budget, and how long the bytes take at it. */
  readonly bytesPerSecond: number;
  readonly estimatedMs: number;
  /** The largest flows, largest first. */
  readonly flows: readonly {
    readonly from: number;
    readonly to: number;
    readonly chunks: number;
    readonly bytes: number;
  }[];
  /** Chunks that no node can take as they are now: a drain would not end. */
  readonly blockedChunks: number;
  readonly blockedBytes: number;
  /** Chunks on the node that have too few copies: repair comes first. */
  readonly waitingChunks: number;
  /** Chunks that would be spread over fewer zones, or racks, than they are. */
  readonly lessSpreadChunks: number;
  readonly copiesWantedMax: number;
  readonly usableNodes: number;
  /** What each node keeps by the records, before and after. */
  readonly nodes: readonly {
    readonly nodeNumber: number;
    readonly capacityBytes: number;
    readonly keptBytes: number;
    readonly keptAfterBytes: number;
  }[];
}

/** How far a node is that is to be emptied. */
export interface NodeDrain {
  readonly nodeNumber: number;
  readonly state: "draining" | "drained";
  /** What is left there; before the coordinator has counted it, what the node said. */
  readonly leftChunks: number;
  readonly leftBytes: number;
  readonly isCounted: boolean;
  readonly movedChunks: number;
  readonly movedBytes: number;
  readonly blockedChunks: number;
  /** Undefined when it is not known. */
  readonly estimatedMs: number | undefined;
}

/** How far the moves of copies between nodes are. */
export interface MoveState {
  readonly isWorking: boolean;
  /** How far the walk over all records has come that is under way, 0 to 1. */
  readonly walkShare: number;
  /** When the last whole walk ended, which the figures below are of; undefined before the first. */
  readonly asOfMs: number | undefined;
  readonly bytesPerSecond: number;
  readonly budgetBytesPerSecond: number;
  readonly misplacedChunks: number;
  readonly misplacedBytes: number;
  /** By how much of its capacity the fullest node is above the mean, the emptiest below it, and from where on copies move. */
  readonly fullestAbove: number;
  readonly emptiestBelow: number;
  readonly threshold: number;
  readonly isRebalanceOn: boolean;
  readonly isBalancing: boolean;
  readonly waitsForRepair: boolean;
  readonly drains: readonly NodeDrain[];
}

export interface DrainOptions extends CallerOptions {
  /** Start even if it cannot end as the nodes are now. */
  readonly force?: boolean | undefined;
}

export interface RemoveNodeOptions extends CallerOptions {
  /** In whatever state it is. */
  readonly force?: boolean | undefined;
  /** With `force`: so many chunks may have their only copies there, and are lost then. */
  readonly acceptedLostChunks?: number | undefined;
}

export interface PlanOptions extends CallerOptions {
  /** Hears how far the walk over all records has come, 0 to 1. */
  readonly onProgress?: ((share: number) => void) | undefined;
}

/** Walks over all records take their time in a large cluster. */
const WALK_TIMEOUT_MS = 3_600_000;

/**
 * The members of the cluster as an operator handles them. A node is named by its number, its address or the first digits of its
 * id. What cannot be done now is `preconditionFailed`, with a message that says what to do.
 */
export class Members {
  readonly #calls: CoordinatorCalls;
  readonly #link: CoordinatorLink;

  constructor(calls: CoordinatorCalls, link: CoordinatorLink) {
    this.#calls = calls;
    this.#link = link;
  }

  /** Has the node give all its copies to others. Resolves when that has begun; `moves` tells how far it is. */
  async drain(
    node: string,
    { signal, force = false }: DrainOptions = {},
  ): Promise<{ readonly node: NodeInfo; readonly plan: MovePlan | undefined }> {
    const reply = await this.#calls.ask(signal, (client, options) =>
      client.nodes.drainNode({ node, force }, { ...options, timeoutMs: WALK_TIMEOUT_MS }),
    );
    return {
      node: nodeInfo(present(reply.node)),
      plan: reply.plan === undefined ? undefined : movePlan(reply.plan),
    };
  }

  /** Puts a draining or drained node back in service. */
  async undrain(node: string, { signal }: CallerOptions = {}): Promise<NodeInfo> {
    const reply = await this.#calls.ask(signal, (client, options) =>
      client.nodes.undrainNode({ node }, options),
    );
    return nodeInfo(present(reply.node));
  }

  /** Ends a membership for good. */
  async remove(
    node: string,
    { signal, force = false, acceptedLostChunks = 0 }: RemoveNodeOptions = {},
  ): Promise<{
    readonly nodeNumber: number;
    readonly namedChunks: number;
    readonly lostChunks: number;
  }> {
    const request = { node, force, acceptedLostChunks: BigInt(acceptedLostChunks) };
    const reply = await this.#calls.ask(signal, (client, options) =>
      client.nodes.removeNode(request, { ...options, timeoutMs: WALK_TIMEOUT_MS }),
    );
    return {
      nodeNumber: reply.nodeNumber,
      namedChunks: count(reply.namedChunks),
      lostChunks: count(reply.lostChunks),
    };
  }

  /** What a drain of the node would move; without a node, what the spread and balance of copies would. */
  async plan(
    node: string | undefined,
    { signal, onProgress }: PlanOptions = {},
  ): Promise<MovePlan> {
    const { client } = this.#link.current();
    const options = { signal, timeoutMs: WALK_TIMEOUT_MS };
    try {
      for await (const reply of client.nodes.planMoves({ drainNode: node ?? "" }, options)) {
        if (reply.plan !== undefined) return movePlan(reply.plan);
        onProgress?.(reply.walkPermille / 1000);
      }
    } catch (error) {
      if (signal?.aborted) throw abortError(signal);
      throw error;
    }
    throw new CairnError("protocolViolation", "the coordinator ended without a plan");
  }

  /** Has nodes balanced that differ by more than the threshold, even where that is off. */
  async rebalance({ signal }: CallerOptions = {}): Promise<void> {
    await this.#calls.ask(signal, (client, options) => client.nodes.startRebalance({}, options));
  }

  /** How far the moves are. */
  async moves({ signal }: CallerOptions = {}): Promise<MoveState> {
    return moveState(
      await this.#calls.ask(signal, (client, options) => client.nodes.getMoves({}, options)),
    );
  }
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new CairnError("protocolViolation", "an answer lacks its node");
  return value;
}

function movePlan(plan: MovePlanMessage): MovePlan {
  return {
    chunks: count(plan.chunks),
    bytes: count(plan.bytes),
    drainBytes: count(plan.drainBytes),
    spreadBytes: count(plan.spreadBytes),
    balanceBytes: count(plan.balanceBytes),
    bytesPerSecond: count(plan.bytesPerSecond),
    estimatedMs: count(plan.estimatedMs),
    flows: plan.flows.map((flow) => ({
      from: flow.fromNodeNumber,
      to: flow.toNodeNumber,
      chunks: count(flow.chunks),
      bytes: count(flow.bytes),
    })),
    blockedChunks: count(plan.blockedChunks),
    blockedBytes: count(plan.blockedBytes),
    waitingChunks: count(plan.waitingChunks),
    lessSpreadChunks: count(plan.lessSpreadChunks),
    copiesWantedMax: plan.copiesWantedMax,
    usableNodes: plan.usableNodes,
    nodes: plan.nodes.map((node) => ({
      nodeNumber: node.nodeNumber,
      capacityBytes: count(node.capacityBytes),
      keptBytes: count(node.keptBytes),
      keptAfterBytes: count(node.keptAfterBytes),
    })),
  };
}

function moveState(reply: GetMovesResponse): MoveState {
  return {
    isWorking: reply.isWorking,
    walkShare: reply.walkPermille / 1000,
    asOfMs: countUnlessZero(reply.asOfMs),
    bytesPerSecond: count(reply.bytesPerSecond),
    budgetBytesPerSecond: count(reply.budgetBytesPerSecond),
    misplacedChunks: count(reply.misplacedChunks),
    misplacedBytes: count(reply.misplacedBytes),
    fullestAbove: reply.fullestAbovePermille / 1000,
    emptiestBelow: reply.emptiestBelowPermille / 1000,
    threshold: reply.thresholdPermille / 1000,
    isRebalanceOn: reply.isRebalanceOn,
    isBalancing: reply.isBalancing,
    waitsForRepair: reply.waitsForRepair,
    drains: reply.drains.map(nodeDrain),
  };
}

function nodeDrain(drain: NodeDrainMessage): NodeDrain {
  return {
    nodeNumber: drain.nodeNumber,
    state: drain.state === NodeState.DRAINED ? "drained" : "draining",
    leftChunks: count(drain.leftChunks),
    leftBytes: count(drain.leftBytes),
    isCounted: drain.isCounted,
    movedChunks: count(drain.movedChunks),
    movedBytes: count(drain.movedBytes),
    blockedChunks: count(drain.blockedChunks),
    estimatedMs: countUnlessZero(drain.estimatedMs),
  };
}
