import type { Clock } from "@cairnfs/base/clock";
import type { KvStore } from "@cairnfs/kv/kv-store";
import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import type { ChunkRecord } from "../chunks/chunk-record.ts";
import type { ClusterPlacements } from "../nodes/cluster-placements.ts";
import type { NodeManager } from "../nodes/node-manager.ts";
import { Census } from "./census.ts";
import { fieldNodes } from "./field-nodes.ts";
import { MoveField } from "./move-field.ts";
import { type MoveReason, type MoveTerms, planMove } from "./plan-move.ts";
import { walkRecords } from "./record-walk.ts";
import { Spread } from "./spread.ts";

export interface ForetellParts {
  readonly kv: KvStore;
  readonly clock: Clock;
  readonly nodes: NodeManager;
  readonly placements: Pick<ClusterPlacements, "placeCopy">;
}

export interface ForetellOptions {
  /** The node that is to be drained; undefined for the spread and balance of copies as they are. */
  readonly emptied: number | undefined;
  /** How far from the mean a node may be, as a share of its capacity. */
  readonly balanceThreshold: number;
}

export interface MoveFlow {
  readonly from: number;
  readonly to: number;
  chunks: number;
  bytes: number;
}

/** What moves would do, as far as can be told from the records of now. */
export interface Foretold {
  chunks: number;
  bytes: number;
  readonly bytesBy: Record<MoveReason, number>;
  readonly flows: readonly MoveFlow[];
  blockedChunks: number;
  blockedBytes: number;
  waitingChunks: number;
  lessSpreadChunks: number;
  copiesWantedMax: number;
  usableNodes: number;
  readonly nodes: readonly {
    readonly nodeNumber: number;
    readonly capacityBytes: number;
    readonly keptBytes: number;
    readonly keptAfterBytes: number;
  }[];
}

/** Flows beyond so many are not told one by one. */
const FLOWS_MAX = 10_000;
const FLOWS_TOLD_MAX = 1_000;
const STEPS_MAX = 8;

/** Plays moves through on the records without moving anything: yields how far it has come, 0 to 1, and returns the outcome. */
export async function* foretellMoves(
  parts: ForetellParts,
  options: ForetellOptions,
  signal: AbortSignal,
): AsyncGenerator<number, Foretold, undefined> {
  const { nodes, placements } = parts;
  const { emptied, balanceThreshold } = options;
  const census = new Census();
  for await (const { rows, share } of walkRecords(parts, signal)) {
    for (const { value } of rows) {
      census.count(value, { isMisplaced: false, isLeaving: () => false });
    }
    yield share / 2;
  }
  const emptiedNodes = new Set(emptied === undefined ? [] : [emptied]);
  const field = new MoveField(fieldNodes(nodes, emptiedNodes), census.keptBytes);
  const { above, below } = field.extremes();
  const isOut = Math.max(above, -below) > balanceThreshold;
  const play = new Play(
    {
      field,
      excluded: new Set(),
      isCalm: emptied === undefined,
      balanceWithin: emptied === undefined && isOut ? balanceThreshold / 2 : undefined,
      placeCopy: (request) => placements.placeCopy(request),
    },
    emptied,
  );
  for await (const { rows, share } of walkRecords(parts, signal)) {
    for (const { key, value } of rows) play.move(key, value);
    yield 0.5 + share / 2;
  }
  return play.outcome(census.keptBytes);
}

/** The moves of all records, carried out on the field alone. */
class Play {
  readonly #terms: MoveTerms;
  readonly #emptied: number | undefined;
  readonly #flows = new Map<string, MoveFlow>();
  readonly #told: Omit<Foretold, "flows" | "nodes" | "usableNodes"> = {
    chunks: 0,
    bytes: 0,
    bytesBy: { drain: 0, spread: 0, balance: 0 },
    blockedChunks: 0,
    blockedBytes: 0,
    waitingChunks: 0,
    lessSpreadChunks: 0,
    copiesWantedMax: 0,
  };

  constructor(terms: MoveTerms, emptied: number | undefined) {
    this.#terms = terms;
    this.#emptied = emptied;
  }

  move(id: ChunkId, record: ChunkRecord): void {
    const { lengthBytes } = record;
    let { nodeNumbers } = record;
    let preferred: number | undefined;
    for (let steps = 0; steps < STEPS_MAX; steps++) {
      const now = { ...record, nodeNumbers };
      const plan = planMove(id, now, { ...this.#terms, preferred });
      if (plan.kind === "blocked") this.#block(record);
      if (plan.kind === "nothing" || plan.kind === "blocked") break;
      if (plan.kind === "release") {
        this.#terms.field.add(plan.leaver, -lengthBytes);
        nodeNumbers = nodeNumbers.filter((number) => number !== plan.leaver);
        continue;
      }
      if (preferred !== undefined) break;
      preferred = plan.from;
      this.#terms.field.add(plan.to, lengthBytes);
      nodeNumbers = [...nodeNumbers, plan.to];
      this.#count(plan, lengthBytes);
    }
    this.#compare(record, nodeNumbers);
  }

  outcome(keptBytes: ReadonlyMap<number, number>): Foretold {
    const nodes = [...this.#terms.field.nodes.values()];
    const flows = [...this.#flows.values()].sort((one, other) => other.bytes - one.bytes);
    return {
      ...this.#told,
      flows: flows.slice(0, FLOWS_TOLD_MAX),
      usableNodes: nodes.filter((node) => node.canTake).length,
      nodes: nodes.map((node) => ({
        nodeNumber: node.nodeNumber,
        capacityBytes: node.capacityBytes,
        keptBytes: keptBytes.get(node.nodeNumber) ?? 0,
        keptAfterBytes: node.keptBytes,
      })),
    };
  }

  #count(
    { reason, from, to }: { reason: MoveReason; from: number; to: number },
    bytes: number,
  ): void {
    this.#told.chunks += 1;
    this.#told.bytes += bytes;
    this.#told.bytesBy[reason] += bytes;
    const key = `${from} ${to}`;
    const flow = this.#flows.get(key);
    if (flow !== undefined) {
      flow.chunks += 1;
      flow.bytes += bytes;
    } else if (this.#flows.size < FLOWS_MAX) {
      this.#flows.set(key, { from, to, chunks: 1, bytes });
    }
  }

  #block({ lengthBytes, wantedCopies }: ChunkRecord): void {
    this.#told.blockedChunks += 1;
    this.#told.blockedBytes += lengthBytes;
    this.#told.copiesWantedMax = Math.max(this.#told.copiesWantedMax, wantedCopies);
  }

  /** Counts what would wait for repair, and what would be less spread after. */
  #compare(record: ChunkRecord, after: readonly number[]): void {
    if (this.#emptied === undefined || record.state !== "live") return;
    if (!record.nodeNumbers.includes(this.#emptied)) return;
    const live = (numbers: readonly number[]) =>
      numbers.flatMap((number) => {
        const node = this.#terms.field.nodes.get(number);
        return node?.isLive === true ? [node] : [];
      });
    const before = live(record.nodeNumbers);
    if (before.length < record.wantedCopies) this.#told.waitingChunks += 1;
    else if (new Spread(live(after)).width < new Spread(before).width) {
      this.#told.lessSpreadChunks += 1;
    }
  }
}
