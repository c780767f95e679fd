import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Clock } from "@cairnfs/base/clock";
import { Limit } from "@cairnfs/base/limit";
import type { KvStore } from "@cairnfs/kv/kv-store";
import { NodeState } from "@cairnfs/protocol/gen/cairn/v1/common_pb";
import type {
  GetMovesResponseSchema,
  MovePlanSchema,
  NodeDrainSchema,
  NodeService,
} from "@cairnfs/protocol/gen/cairn/v1/nodes_pb";
import type { ServiceHandlers } from "@cairnfs/protocol/rpc/service";
import { numberFromUint64 } from "@cairnfs/protocol/uint64";
import { type Foretold, foretellMoves } from "../moving/foretell-moves.ts";
import type { Mover } from "../moving/mover.ts";
import { NodeOperations } from "../moving/node-operations.ts";
import type { ClusterPlacements } from "../nodes/cluster-placements.ts";
import type { NodeManager } from "../nodes/node-manager.ts";
import { nodeMessageWith } from "../nodes/node-messages.ts";
import type { NodeRow } from "../nodes/node-table.ts";

export interface NodeHandlersParts {
  readonly kv: KvStore;
  readonly clock: Clock;
  readonly nodes: NodeManager;
  readonly placements: ClusterPlacements;
  readonly mover: Mover;
  readonly options: {
    readonly moveBytesPerSecond: number;
    readonly rebalance: boolean;
    readonly rebalanceThresholdPercent: number;
  };
}

/** Each walks over all records: more at once only hold each other up. */
const WALKS_AT_ONCE = 2;

/** Answers operators: drain, undrain, removal, plans and progress of moves. */
export function nodeHandlers(parts: NodeHandlersParts): ServiceHandlers<typeof NodeService> {
  const { kv, clock, nodes, placements, mover, options } = parts;
  const balanceThreshold = options.rebalanceThresholdPercent / 100;
  const walks = new Limit(WALKS_AT_ONCE);
  const isLive = (nodeNumber: number) => placements.isLive(nodeNumber);
  const foretell = (emptied: number | undefined, signal: AbortSignal) =>
    foretellMoves({ kv, clock, nodes, placements }, { emptied, balanceThreshold }, signal);
  const operations = new NodeOperations({
    kv,
    clock,
    nodes,
    mover,
    isLive,
    foretell: (nodeNumber, signal) => toItsEnd(foretell(nodeNumber, signal)),
  });
  const message = (row: NodeRow) => nodeMessageWith(row, nodes.lastReportOf(row.nodeNumber));
  const { moveBytesPerSecond } = options;
  return {
    async drainNode({ node, force }, { signal }) {
      const { row, plan } = await walks.run(
        () => operations.drain(node, { force }, signal),
        signal,
      );
      return {
        node: message(row),
        ...(plan !== undefined && { plan: planMessage(plan, moveBytesPerSecond) }),
      };
    },

    async undrainNode({ node }, { signal }) {
      return { node: message(await operations.undrain(node, signal)) };
    },

    async removeNode({ node, force, acceptedLostChunks }, { signal }) {
      const accepted = numberFromUint64(acceptedLostChunks, "accepted_lost_chunks");
      const removed = await walks.run(
        () => operations.remove(node, { force, acceptedLostChunks: accepted }, signal),
        signal,
      );
      return {
        nodeNumber: removed.nodeNumber,
        namedChunks: BigInt(removed.namedChunks),
        lostChunks: BigInt(removed.soleChunks),
      };
    },

    async *planMoves({ drainNode }, { signal }) {
      const emptied = drainNode === "" ? undefined : operations.find(drainNode).nodeNumber;
      const walk = foretell(emptied, signal);
      for (;;) {
        const { done, value } = await walk.next();
        if (done) {
          yield { walkPermille: 1000, plan: planMessage(value, moveBytesPerSecond) };
          return;
        }
        yield { walkPermille: Math.floor(value * 1000) };
      }
    },

    async startRebalance() {
      mover.startRebalance();
      return {};
    },

    async getMoves() {
      return movesMessage(parts);
    },
  };
}

async function toItsEnd<T>(walk: AsyncGenerator<unknown, T, undefined>): Promise<T> {
  for (;;) {
    const { done, value } = await walk.next();
    if (done) return value;
  }
}

function planMessage(
  plan: Foretold,
  bytesPerSecond: number,
): MessageInitShape<typeof MovePlanSchema> {
  return {
    chunks: BigInt(plan.chunks),
    bytes: BigInt(plan.bytes),
    drainBytes: BigInt(plan.bytesBy.drain),
    spreadBytes: BigInt(plan.bytesBy.spread),
    balanceBytes: BigInt(plan.bytesBy.balance),
    bytesPerSecond: BigInt(bytesPerSecond),
    estimatedMs: BigInt(Math.ceil((plan.bytes / bytesPerSecond) * 1000)),
    flows: plan.flows.map((flow) => ({
      fromNodeNumber: flow.from,
      toNodeNumber: flow.to,
      chunks: BigInt(flow.chunks),
      bytes: BigInt(flow.bytes),
    })),
    blockedChunks: BigInt(plan.blockedChunks),
    blockedBytes: BigInt(plan.blockedBytes),
    waitingChunks: BigInt(plan.waitingChunks),
    lessSpreadChunks: BigInt(plan.lessSpreadChunks),
    copiesWantedMax: plan.copiesWantedMax,
    usableNodes: plan.usableNodes,
    nodes: plan.nodes.map((node) => ({
      nodeNumber: node.nodeNumber,
      capacityBytes: BigInt(node.capacityBytes),
      keptBytes: BigInt(node.keptBytes),
      keptAfterBytes: BigInt(Math.max(0, node.keptAfterBytes)),
    })),
  };
}

function movesMessage({
  nodes,
  mover,
  options,
}: NodeHandlersParts): MessageInitShape<typeof GetMovesResponseSchema> {
  const { progress } = mover;
  const bytesPerSecond = progress.bytesPerSecond;
  return {
    isWorking: mover.isWorking,
    walkPermille: Math.floor((progress.walkShare ?? 0) * 1000),
    asOfMs: BigInt(progress.asOfMs),
    bytesPerSecond: BigInt(Math.round(bytesPerSecond)),
    budgetBytesPerSecond: BigInt(options.moveBytesPerSecond),
    misplacedChunks: BigInt(progress.misplaced.chunks),
    misplacedBytes: BigInt(progress.misplaced.bytes),
    fullestAbovePermille: Math.round(progress.balance.above * 1000),
    emptiestBelowPermille: Math.round(-progress.balance.below * 1000),
    thresholdPermille: Math.round(options.rebalanceThresholdPercent * 10),
    isRebalanceOn: options.rebalance,
    isBalancing: mover.isBalancing,
    waitsForRepair: mover.waitsForRepair,
    drains: [...nodes.table.rows()]
      .filter((row) => row.duty !== "inService")
      .map((row) => drainMessage(row, { nodes, mover, bytesPerSecond })),
  };
}

function drainMessage(
  row: NodeRow,
  of: { readonly nodes: NodeManager; readonly mover: Mover; readonly bytesPerSecond: number },
): MessageInitShape<typeof NodeDrainSchema> {
  const { nodeNumber, duty } = row;
  const { progress } = of.mover;
  const isDrained = duty === "drained";
  const counted = isDrained ? { chunks: 0, bytes: 0 } : progress.leavingOf(nodeNumber);
  const { usage } = of.nodes.lastReportOf(nodeNumber);
  const left = counted ?? { chunks: usage.chunkCount, bytes: usage.usedBytes };
  const moved = progress.releasedOf(nodeNumber);
  const isMoving = of.bytesPerSecond >= 1;
  return {
    nodeNumber,
    state: isDrained ? NodeState.DRAINED : NodeState.DRAINING,
    leftChunks: BigInt(left.chunks),
    leftBytes: BigInt(left.bytes),
    isCounted: counted !== undefined,
    movedChunks: BigInt(moved.chunks),
    movedBytes: BigInt(moved.bytes),
    blockedChunks: BigInt(isDrained ? 0 : progress.blockedOf(nodeNumber)),
    estimatedMs: BigInt(isMoving ? Math.ceil((left.bytes / of.bytesPerSecond) * 1000) : 0),
  };
}
