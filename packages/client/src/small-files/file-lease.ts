import type { LeaseFilesResponse, Placement } from "@cairnfs/protocol/gen/cairn/v1/coordinator_pb";
import type { CoordinatorLink } from "../coordinator-link.ts";
import { count } from "../entry.ts";
import type { NodeHealth } from "../node-health.ts";
import { ChunkFinder } from "../upload/chunk-finder.ts";

/** What writing small files into one directory needs, for a while: where their chunks go, and the id that receipts are bound to. */
export class FileLease {
  readonly id: Uint8Array;
  readonly chunkSizeBytes: number;
  readonly writeQuorum: number;
  /** Asks which chunks need not be sent; everybody who has the lease asks together. */
  readonly finder: ChunkFinder;
  readonly #placements: readonly Placement[];
  readonly #usableUntilMs: number;
  #next = 0;
  #isVoid = false;

  constructor(
    reply: LeaseFilesResponse,
    lease: {
      readonly coordinator: CoordinatorLink;
      /** A file of the directory. */
      readonly path: string;
      readonly nowMs: number;
    },
  ) {
    this.id = reply.leaseId;
    this.chunkSizeBytes = count(reply.chunkSizeBytes);
    this.writeQuorum = reply.writeQuorum;
    this.#placements = reply.placements.filter((placement) => placement.nodeNumbers.length > 0);
    this.#usableUntilMs = lease.nowMs + count(reply.usableMs);
    this.finder = new ChunkFinder(lease.coordinator, { path: lease.path }, undefined);
  }

  isUsable(nowMs: number): boolean {
    return !this.#isVoid && nowMs < this.#usableUntilMs && this.#placements.length > 0;
  }

  /** The next placement, one without nodes that had trouble lately if there is any. */
  placement(health: NodeHealth): Placement | undefined {
    const { length } = this.#placements;
    let fallback: Placement | undefined;
    for (let tried = 0; tried < length; tried++) {
      const placement = this.#placements[this.#next % length];
      this.#next += 1;
      fallback ??= placement;
      if (placement?.nodeNumbers.every((node) => health.condition(node).recentFailures === 0)) {
        return placement;
      }
    }
    return fallback;
  }

  /** Something of it turned out wrong: nobody uses it any more. */
  void(): void {
    this.#isVoid = true;
  }
}
