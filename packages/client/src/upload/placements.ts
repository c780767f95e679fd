import { CairnError } from "@cairnfs/base/errors";
import type { Placement } from "@cairnfs/protocol/gen/cairn/v1/coordinator_pb";
import type { CoordinatorLink } from "../coordinator-link.ts";
import type { NodeTable } from "../node-table.ts";

const LEASE_MOST = 256;
const LEASE_FIRST = 8;

/** Where the chunks of one upload go: leased ahead in growing batches, so that no chunk waits for a call of its own. */
export class Placements {
  readonly #coordinator: CoordinatorLink;
  readonly #nodes: NodeTable;
  readonly #sessionId: Uint8Array;
  readonly #byIndex = new Map<number, Placement>();
  #leasing: Promise<void> = Promise.resolve();
  #batch = LEASE_FIRST;

  constructor(coordinator: CoordinatorLink, nodes: NodeTable, sessionId: Uint8Array) {
    this.#coordinator = coordinator;
    this.#nodes = nodes;
    this.#sessionId = sessionId;
  }

  /** Takes placements that came with another reply. */
  add(placements: readonly Placement[]): void {
    for (const placement of placements) {
      this.#byIndex.set(Number(placement.chunkIndex), placement);
    }
  }

  /** The placement of a chunk, which is then forgotten. `chunkCount`, when known, keeps leases within the file. */
  async take(
    chunkIndex: number,
    chunkCount: number | undefined,
    signal: AbortSignal,
  ): Promise<Placement> {
    const placement = await this.peek(chunkIndex, chunkCount, signal);
    this.#byIndex.delete(chunkIndex);
    return placement;
  }

  /** The placement of a chunk, which `take` gives as well. */
  async peek(
    chunkIndex: number,
    chunkCount: number | undefined,
    signal: AbortSignal,
  ): Promise<Placement> {
    // One lease at a time: the next caller mostly finds what it needs in the answer to the one before.
    while (!this.#byIndex.has(chunkIndex)) {
      const before = this.#leasing;
      await before;
      if (this.#byIndex.has(chunkIndex)) break;
      if (this.#leasing !== before) continue;
      const ahead = chunkCount === undefined ? this.#batch : chunkCount - chunkIndex;
      const lease = this.#lease(chunkIndex, Math.max(1, Math.min(ahead, this.#batch)), [], signal);
      this.#batch = Math.min(LEASE_MOST, this.#batch * 2);
      // Whoever waits for this lease tries for itself when it fails.
      this.#leasing = lease.catch(() => undefined);
      await lease;
    }
    return this.#find(chunkIndex);
  }

  /** Another placement for a chunk, on none of these nodes. */
  async replace(
    chunkIndex: number,
    excludedNodeNumbers: readonly number[],
    signal: AbortSignal,
  ): Promise<Placement> {
    this.#byIndex.delete(chunkIndex);
    await this.#lease(chunkIndex, 1, excludedNodeNumbers, signal);
    const placement = this.#find(chunkIndex);
    this.#byIndex.delete(chunkIndex);
    return placement;
  }

  #find(chunkIndex: number): Placement {
    const placement = this.#byIndex.get(chunkIndex);
    if (placement === undefined || placement.nodeNumbers.length === 0) {
      throw new CairnError("placementUnavailable", `no placement came for chunk ${chunkIndex}`);
    }
    return placement;
  }

  async #lease(
    firstChunkIndex: number,
    chunkCount: number,
    excludedNodeNumbers: readonly number[],
    signal: AbortSignal,
  ): Promise<void> {
    const reply = await this.#coordinator.call(
      (client, options) =>
        client.leasePlacements(
          {
            sessionId: this.#sessionId,
            firstChunkIndex: BigInt(firstChunkIndex),
            count: chunkCount,
            excludedNodeNumbers: [...excludedNodeNumbers],
          },
          options,
        ),
      // Where nodes were left out the caller has another way: to ask with them.
      { signal, waitsForNodes: excludedNodeNumbers.length === 0 },
    );
    this.#nodes.apply(reply.nodes);
    this.add(reply.placements);
  }
}
