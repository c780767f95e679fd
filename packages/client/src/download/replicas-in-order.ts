import { type Node, NodeState } from "@cairnfs/protocol/gen/cairn/v1/common_pb";
import type { PieceReaderParts } from "./piece-reader.ts";
import { orderReplicas } from "./replica-order.ts";

/** The nodes that hold a copy in the order in which to ask them, by what the node table and this client know of them. */
export function replicasInOrder(
  { nodes, health, config }: Pick<PieceReaderParts, "nodes" | "health" | "config">,
  nodeNumbers: readonly number[],
): number[] {
  const candidates = nodeNumbers.map((nodeNumber) => {
    const node = nodes.find(nodeNumber);
    return {
      nodeNumber,
      state: stateOf(node),
      isNear: config.zone !== undefined && node?.zone === config.zone,
      condition: health.condition(nodeNumber),
    };
  });
  return orderReplicas(candidates, config.random.next()).map((each) => each.nodeNumber);
}

function stateOf(node: Node | undefined): "good" | "doubtful" | "bad" {
  switch (node?.state) {
    case NodeState.HEALTHY:
    case NodeState.DRAINING:
    case NodeState.DRAINED:
      return "good";
    case NodeState.DEAD:
      return "bad";
    default:
      return "doubtful";
  }
}
