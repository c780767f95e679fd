import type { CairnClient } from "@cairnfs/client/client";
import { type ChunkId, chunkIdFromBytes, chunkIdToBytes } from "@cairnfs/protocol/chunk-id";
import { VerifyOutcome } from "@cairnfs/protocol/gen/cairn/v1/datanode_pb";
import { NodePool } from "@cairnfs/protocol/rpc/node-pool";
import { RETRY_NEVER } from "@cairnfs/protocol/rpc/retry";
import type { Machine } from "./machine.ts";
import type { World } from "./world.ts";

/** Who runs the cluster and looks after it when the faults are over. */
export class Operator {
  readonly #world: World;
  readonly #client: CairnClient;
  readonly #pool: NodePool;
  /** When the scrub was asked for that is to find what has rotted. */
  #hasAskedForScrub = false;

  constructor(world: World, machine: Machine) {
    this.#world = world;
    const { client, process } = world.startClient(machine);
    this.#client = client;
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

  /** Nodes that are empty and are to leave, leave. For while the world goes on. */
  async removeDrained(hosts: ReadonlySet<string>): Promise<void> {
    const world = this.#world;
    const { coordinator } = world;
    if (coordinator === undefined) return;
    for (const { nodeNumber, address, duty } of [...coordinator.nodes.table.rows()]) {
      const host = address.slice(0, address.indexOf(":"));
      if (duty !== "drained" || !hosts.has(host)) continue;
      world.note(`operator: node ${nodeNumber} at ${host} leaves`);
      try {
        await coordinator.nodes.remove(nodeNumber, {}, new AbortController().signal);
        world.retire(host);
      } catch (error) {
        world.problems.inspect(`removing node ${nodeNumber}`, error);
      }
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

  /** The same by the scrub that the cluster has: asks for one, and later whether every node is through. */
  async scrubAll(): Promise<boolean> {
    if (!this.#hasAskedForScrub) {
      const asked = await this.#answered(this.#client.scrubs.start());
      this.#hasAskedForScrub = asked !== undefined;
      return false;
    }
    const status = await this.#answered(this.#client.scrubs.status());
    return status?.nodes.every(({ isRequestDone }) => isRequestDone) ?? false;
  }

  /** What the cluster's own check finds; undefined when it does not come to its end. */
  async check(): Promise<readonly string[] | undefined> {
    const findings: string[] = [];
    const checked = async () => {
      for await (const event of this.#client.check()) {
        if (event.type === "finding") findings.push(`${event.kind}: ${event.message}`);
        if (event.type === "summary") return true;
      }
      return false;
    };
    return (await this.#answered(checked())) === true ? findings : undefined;
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
