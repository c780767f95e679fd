import { type ChunkId, chunkIdFromBytes, chunkIdToBytes } from "@cairnfs/protocol/chunk-id";
import { VerifyOutcome } from "@cairnfs/protocol/gen/cairn/v1/datanode_pb";
import { NodePool } from "@cairnfs/protocol/rpc/node-pool";
import { RETRY_NEVER } from "@cairnfs/protocol/rpc/retry";
import type { Machine } from "./machine.ts";
import type { World } from "./world.ts";

/** Who runs the cluster and looks after it when the faults are over. */
export class Operator {
  readonly #world: World;
  readonly #pool: NodePool;

  constructor(world: World, machine: Machine) {
    this.#world = world;
    const { process } = machine.boot();
    this.#pool = new NodePool(world.network.for(process), {
      clock: process.clock,
      random: process.random.branch("operator"),
      timeoutMs: 5_000,
      retry: RETRY_NEVER,
    });
  }

  /**
   * Nodes that will never come back, because their host has another identity since it lost its disk, are removed. May be
   * called again and again.
   */
  async removeLostNodes(): Promise<void> {
    const world = this.#world;
    const { coordinator } = world;
    if (coordinator === undefined) return;
    for (const { nodeNumber, address, liveness } of [...coordinator.nodes.table.rows()]) {
      const host = address.slice(0, address.indexOf(":"));
      const holder = world.datanodes.get(host)?.nodeNumber;
      if (liveness !== "dead" || holder === undefined || holder === nodeNumber) continue;
      world.note(`operator: node ${nodeNumber} at ${address} is removed`);
      const removed = coordinator.nodes.remove(nodeNumber, {}, new AbortController().signal);
      await world.settled(removed, `removing node ${nodeNumber}`);
    }
  }

  /** Nodes that were being drained are to serve again. */
  async undrainAll(): Promise<void> {
    const world = this.#world;
    const { coordinator } = world;
    if (coordinator === undefined) return;
    for (const { nodeNumber, duty } of [...coordinator.nodes.table.rows()]) {
      if (duty === "inService") continue;
      const changed = coordinator.nodes.changeDuty(
        nodeNumber,
        "undrain",
        new AbortController().signal,
      );
      await world.settled(changed, `undraining node ${nodeNumber}`);
    }
  }

  /** What a node says it holds; undefined when it does not say. */
  async heldAt(machine: Machine): Promise<readonly ChunkId[] | undefined> {
    const node = this.#pool.datanode(`${machine.host}:7080`);
    const held: ChunkId[] = [];
    for (let after: Uint8Array = new Uint8Array(0); ; ) {
      const page = await this.#answered(node.listChunks({ afterChunkId: after, limit: 1_000 }));
      if (page === undefined) return undefined;
      held.push(...page.chunks.map(({ chunkId }) => chunkIdFromBytes(chunkId)));
      if (page.nextAfter.byteLength === 0) return held;
      after = page.nextAfter;
    }
  }

  /** Has every copy on every node read, so that nodes find what has rotted; false when one did not answer. */
  async verifyAll(): Promise<boolean> {
    for (const machine of this.#world.nodes) {
      const node = this.#pool.datanode(`${machine.host}:7080`);
      const held = await this.heldAt(machine);
      if (held === undefined) return false;
      for (const id of held) {
        const answer = await this.#answered(node.verifyChunk({ chunkId: chunkIdToBytes(id) }));
        if (answer === undefined) return false;
        if (answer.outcome !== VerifyOutcome.CORRUPT) continue;
        this.#world.note(`operator: the copy of ${id} at ${machine.host} has rotted`);
      }
    }
    return true;
  }

  /** The answer of a node; undefined when it gives none. */
  async #answered<T>(asked: Promise<T>): Promise<T | undefined> {
    const answer = asked.catch((error: unknown) => {
      this.#world.problems.inspect("the operator asks a node", error);
      return undefined;
    });
    return this.#world.settled(answer, "asking a node");
  }
}
