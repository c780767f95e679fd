import type { Clock } from "@cairnfs/base/clock";
import { CairnError } from "@cairnfs/base/errors";
import type { KvStore } from "@cairnfs/kv/kv-store";
import type { NodeManager } from "../nodes/node-manager.ts";
import { type NodeRow, stateOf } from "../nodes/node-table.ts";
import { findNode } from "./find-node.ts";
import type { Foretold } from "./foretell-moves.ts";
import type { Mover } from "./mover.ts";
import { type Dependence, dependenceOn } from "./removal-check.ts";

export interface NodeOperationsParts {
  readonly kv: KvStore;
  readonly clock: Clock;
  readonly nodes: NodeManager;
  readonly mover: Pick<Mover, "walkAgain" | "progress">;
  readonly isLive: (nodeNumber: number) => boolean;
  /** What a drain of the node would move. */
  readonly foretell: (nodeNumber: number, signal: AbortSignal) => Promise<Foretold>;
}

/** What an operator does with nodes: each refusal says what to do instead. */
export class NodeOperations {
  readonly #parts: NodeOperationsParts;

  constructor(parts: NodeOperationsParts) {
    this.#parts = parts;
  }

  find(name: string): NodeRow {
    return findNode(this.#parts.nodes.table.rows(), name);
  }

  /** Starts to empty a node. `preconditionFailed` when chunks would have nowhere to go, unless it is forced. */
  async drain(
    name: string,
    { force }: { readonly force: boolean },
    signal: AbortSignal,
  ): Promise<{ readonly row: NodeRow; readonly plan: Foretold | undefined }> {
    const { nodes, mover, foretell } = this.#parts;
    const { nodeNumber, duty } = this.find(name);
    if (duty !== "inService") return { row: this.#row(nodeNumber), plan: undefined };
    const plan = force ? undefined : await foretell(nodeNumber, signal);
    if (plan !== undefined && plan.blockedChunks > 0) throw cannotEnd(nodeNumber, plan);
    mover.progress.forget(nodeNumber);
    // Somebody else may have started it while the plan was made.
    const isStarted = this.#row(nodeNumber).duty !== "inService";
    const row = isStarted
      ? this.#row(nodeNumber)
      : await nodes.changeDuty(nodeNumber, "drain", signal);
    mover.walkAgain();
    return { row, plan };
  }

  /** Puts a node back in service; one that is in service stays so. */
  async undrain(name: string, signal: AbortSignal): Promise<NodeRow> {
    const { nodes, mover } = this.#parts;
    const { nodeNumber, duty } = this.find(name);
    if (duty === "inService") return this.#row(nodeNumber);
    const row = await nodes.changeDuty(nodeNumber, "undrain", signal);
    mover.walkAgain();
    return row;
  }

  /** Ends a membership when nothing depends on the node's copies, or the operator has accepted what is lost. */
  async remove(
    name: string,
    options: { readonly force: boolean; readonly acceptedLostChunks: number },
    signal: AbortSignal,
  ): Promise<{ readonly nodeNumber: number } & Dependence> {
    const { nodes, mover } = this.#parts;
    const { nodeNumber } = this.find(name);
    if (!options.force) this.#refuseInUse(nodeNumber);
    const dependence = await dependenceOn(nodeNumber, this.#parts, signal);
    const row = this.#row(nodeNumber);
    if (options.force) {
      refuseLoss(nodeNumber, dependence, options.acceptedLostChunks);
    } else {
      if (row.duty === "drained" && dependence.namedChunks > 0) {
        mover.walkAgain();
        throw new CairnError(
          "preconditionFailed",
          `${dependence.namedChunks} chunks were stored on node ${nodeNumber} while its drain ended: they are being moved, remove it again in a while`,
          { details: { ...dependence } },
        );
      }
      refuseLoss(nodeNumber, dependence, 0);
    }
    await nodes.remove(nodeNumber, { force: options.force }, signal);
    return { nodeNumber, ...dependence };
  }

  #refuseInUse(nodeNumber: number): void {
    const row = this.#row(nodeNumber);
    const state = stateOf(row);
    if (state === "dead" || state === "drained") return;
    const left = this.#parts.mover.progress.leavingOf(nodeNumber)?.chunks;
    const what =
      row.duty === "draining"
        ? `is draining${left === undefined ? "" : ` and has ${left} chunks left`}: wait until it is drained`
        : `is ${state}: drain it first, and remove it when it is drained`;
    throw new CairnError("preconditionFailed", `node ${nodeNumber} ${what}`, {
      details: { state },
    });
  }

  #row(nodeNumber: number): NodeRow {
    const row = this.#parts.nodes.table.get(nodeNumber);
    if (row === undefined) throw new CairnError("nodeNotFound", `no node has number ${nodeNumber}`);
    return row;
  }
}

function cannotEnd(nodeNumber: number, plan: Foretold): CairnError {
  const { blockedChunks, blockedBytes, copiesWantedMax, usableNodes } = plan;
  const why =
    usableNodes < copiesWantedMax
      ? `${copiesWantedMax} copies are wanted and ${usableNodes} healthy nodes would be left: add a node first`
      : "the other nodes have too little room: add a node or free some first";
  return new CairnError(
    "preconditionFailed",
    `node ${nodeNumber} cannot be emptied: ${blockedChunks} ${blockedChunks === 1 ? "chunk" : "chunks"} of ${blockedBytes} bytes cannot go to any node; ${why}, or force it to start and wait`,
    { details: { blockedChunks, blockedBytes, copiesWantedMax, usableNodes } },
  );
}

function refuseLoss(nodeNumber: number, { soleChunks }: Dependence, accepted: number): void {
  if (soleChunks <= accepted) return;
  throw new CairnError(
    "preconditionFailed",
    `${soleChunks} chunks have their only copies on node ${nodeNumber} and would be lost with it: bring it back so that they are copied, or force its removal and accept the loss of ${soleChunks} chunks`,
    { details: { lostChunks: soleChunks } },
  );
}
