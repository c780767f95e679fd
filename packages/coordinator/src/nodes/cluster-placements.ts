import type { MessageInitShape } from "@bufbuild/protobuf";
import { CairnError } from "@cairnfs/base/errors";
import type { NodeUpdatesSchema } from "@cairnfs/protocol/gen/cairn/v1/common_pb";
import { chooseLeaver } from "../placement/choose-leaver.ts";
import { type Unfitness, whyUnfit } from "../placement/constraints.ts";
import type { Candidate, NodeSelector } from "../placement/selector.ts";
import type { PlacementRequest, PlacementSource } from "../uploads/placements.ts";
import type { NodeManager } from "./node-manager.ts";
import { nodeUpdatesMessage } from "./node-messages.ts";
import { type NodeRow, stateOf } from "./node-table.ts";
import type { PlacementTimes } from "./placement-times.ts";

/** Which nodes could take a chunk of one size, and what keeps the others from it. */
interface Field {
  readonly candidates: readonly Candidate[];
  readonly unfit: ReadonlyMap<Unfitness, number>;
}

/** How many chunk sizes are remembered; upload policies use few. */
const FIELDS_MAX = 16;

/** Chooses nodes from the node table with the configured selector. */
export class ClusterPlacements implements PlacementSource {
  readonly #manager: NodeManager;
  readonly #selector: NodeSelector;
  readonly #times: PlacementTimes | undefined;
  readonly #fields = new Map<number, Field>();
  #fieldsVersion = 0;

  /** `times` keeps when nodes were told to clients. */
  constructor(manager: NodeManager, selector: NodeSelector, times?: PlacementTimes) {
    this.#manager = manager;
    this.#selector = selector;
    this.#times = times;
  }

  place(request: PlacementRequest): readonly number[] {
    const { candidates, unfit } = this.#field(request.chunkSizeBytes);
    const excluded = new Set(request.excluded);
    const excludedCount =
      excluded.size === 0
        ? 0
        : candidates.reduce((sum, { nodeNumber }) => sum + (excluded.has(nodeNumber) ? 1 : 0), 0);
    const usable = candidates.length - excludedCount;
    if (usable < request.writeQuorum) {
      throw unavailable(usable, request, { unfit, excludedCount });
    }
    const placed = this.#selector.select(candidates, {
      count: Math.min(request.replicationFactor, usable),
      seed: seedOf(request),
      excluded,
      holders: [],
    });
    this.#times?.note(placed);
    return placed;
  }

  /**
   * A node for one more copy of a chunk, spread away from its holders; undefined when no node with room is left.
   * Nodes in `excluded` are not chosen.
   */
  placeCopy(request: {
    readonly seed: Uint8Array;
    readonly chunkSizeBytes: number;
    readonly holders: readonly number[];
    readonly excluded: ReadonlySet<number>;
  }): number | undefined {
    const { candidates } = this.#field(request.chunkSizeBytes);
    const holders = request.holders.flatMap((nodeNumber) => {
      const row = this.#manager.table.get(nodeNumber);
      return row === undefined ? [] : [candidateOf(row)];
    });
    const taken = new Set(request.holders);
    const isOneLeft = candidates.some(
      ({ nodeNumber }) => !taken.has(nodeNumber) && !request.excluded.has(nodeNumber),
    );
    if (!isOneLeft) return undefined;
    const [chosen] = this.#selector.select(candidates, {
      count: 1,
      seed: request.seed,
      excluded: request.excluded,
      holders,
    });
    return chosen;
  }

  nodeUpdatesSince(version: number): MessageInitShape<typeof NodeUpdatesSchema> {
    return nodeUpdatesMessage(this.#manager.table.since(version, Number.POSITIVE_INFINITY));
  }

  nodesOf(nodeNumbers: Iterable<number>): MessageInitShape<typeof NodeUpdatesSchema> {
    const rows = [...new Set(nodeNumbers)].flatMap((nodeNumber) => {
      return this.#manager.table.get(nodeNumber) ?? [];
    });
    return nodeUpdatesMessage({ version: 0, isWhole: false, rows, removed: [] });
  }

  /** None of a drained node either: what an upload stored there before it was drained has to go elsewhere. */
  receiptKeyOf(nodeNumber: number): Uint8Array | undefined {
    if (this.#manager.table.get(nodeNumber)?.duty === "drained") return undefined;
    return this.#manager.receiptKeyOf(nodeNumber);
  }

  /** The key of any member: for proofs that were asked for just now. */
  memberKeyOf(nodeNumber: number): Uint8Array | undefined {
    return this.#manager.receiptKeyOf(nodeNumber);
  }

  leaverOf(nodeNumbers: readonly number[], wantedCopies: number): number | undefined {
    const staying: Candidate[] = [];
    const leaving: Candidate[] = [];
    for (const nodeNumber of nodeNumbers) {
      const row = this.#manager.table.get(nodeNumber);
      if (row === undefined) continue;
      if (isStayingRow(row)) staying.push(candidateOf(row));
      else if (row.duty !== "inService" && row.liveness === "alive") leaving.push(candidateOf(row));
    }
    if (staying.length < wantedCopies) return undefined;
    if (leaving.length > 0) return chooseLeaver(leaving);
    return staying.length > wantedCopies ? chooseLeaver(staying) : undefined;
  }

  isStaying(nodeNumber: number): boolean {
    const row = this.#manager.table.get(nodeNumber);
    return row !== undefined && isStayingRow(row);
  }

  isLive(nodeNumber: number): boolean {
    const row = this.#manager.table.get(nodeNumber);
    return row !== undefined && row.liveness !== "dead";
  }

  /** The same arrays until the node table changes: selectors remember what they computed by them. */
  #field(chunkSizeBytes: number): Field {
    const { table } = this.#manager;
    if (this.#fieldsVersion !== table.version || this.#fields.size >= FIELDS_MAX) {
      this.#fields.clear();
      this.#fieldsVersion = table.version;
    }
    const known = this.#fields.get(chunkSizeBytes);
    if (known !== undefined) return known;
    const candidates: Candidate[] = [];
    const unfit = new Map<Unfitness, number>();
    for (const row of table.rows()) {
      const { availableBytes } = row.usage;
      const why = whyUnfit(
        { state: stateOf(row), health: row.health, availableBytes },
        chunkSizeBytes,
      );
      if (why === undefined) candidates.push(candidateOf(row));
      else unfit.set(why, (unfit.get(why) ?? 0) + 1);
    }
    const field = { candidates, unfit };
    this.#fields.set(chunkSizeBytes, field);
    return field;
  }
}

function isStayingRow(row: NodeRow): boolean {
  return stateOf(row) === "healthy" && row.health !== "failed";
}

function candidateOf(row: NodeRow): Candidate {
  return {
    nodeNumber: row.nodeNumber,
    zone: row.zone,
    rack: row.rack,
    capacityBytes: row.usage.capacityBytes,
    availableBytes: row.usage.availableBytes,
  };
}

function seedOf(request: PlacementRequest): Uint8Array {
  const seed = Buffer.alloc(request.seed.byteLength + 8);
  seed.set(request.seed);
  seed.writeBigUInt64BE(BigInt(request.chunkIndex), request.seed.byteLength);
  return seed;
}

function unavailable(
  usable: number,
  request: PlacementRequest,
  others: { readonly unfit: ReadonlyMap<Unfitness, number>; readonly excludedCount: number },
): CairnError {
  const reasons = [...others.unfit].map(([why, count]) => `${count} ${why}`);
  if (others.excludedCount > 0) reasons.push(`${others.excludedCount} excluded by the caller`);
  const rest = reasons.length > 0 ? ` (not usable: ${reasons.join(", ")})` : "";
  return new CairnError(
    "placementUnavailable",
    `${usable} healthy nodes have room for a chunk of ${request.chunkSizeBytes} bytes and ` +
      `${request.writeQuorum} are needed${rest}`,
    { details: { usableNodes: usable, neededNodes: request.writeQuorum } },
  );
}
