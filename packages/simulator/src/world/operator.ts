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

  /** What a node says it holds. */
  async heldAt(machine: Machine): Promise<readonly ChunkId[] | undefined> {
    const node = this.#pool.datanode(`${machine.host}:7080`);
    const held: ChunkId[] = [];
    for (let after: Uint8Array = new Uint8Array(0); ; ) {
      const asked = node.listChunks({ afterChunkId: after, limit: 1_000 });
      const page = await this.#world.settled(asked, `listing what ${machine.host} holds`);
      if (page === undefined) return undefined;
      held.push(...page.chunks.map(({ chunkId }) => chunkIdFromBytes(chunkId)));
      if (page.nextAfter.byteLength === 0) return held;
      after = page.nextAfter;
    }
  }

  /** Every copy on every node is read, so that nodes find what has rotted. */
  async verifyAll(): Promise<void> {
    for (const machine of this.#world.nodes) {
      const node = this.#pool.datanode(`${machine.host}:7080`);
      for (const id of (await this.heldAt(machine)) ?? []) {
        const asked = node.verifyChunk({ chunkId: chunkIdToBytes(id) });
        const answer = await this.#world.settled(asked, `verifying ${id} at ${machine.host}`);
        if (answer?.outcome !== VerifyOutcome.CORRUPT) continue;
        this.#world.note(`operator: the copy of ${id} at ${machine.host} has rotted`);
      }
    }
  }
}
