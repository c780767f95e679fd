import { backoffMs } from "@cairnfs/base/backoff";
import { Bell } from "@cairnfs/base/bell";
import type { Clock } from "@cairnfs/base/clock";
import type { Random } from "@cairnfs/base/random";
import type { Logger, Metrics } from "@cairnfs/base/telemetry";
import type { Step, Worker } from "@cairnfs/base/worker";
import type { KvStore } from "@cairnfs/kv/kv-store";
import type { Row } from "@cairnfs/kv/table";
import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import type { ChunkRecord } from "../chunks/chunk-record.ts";
import { readCounters } from "../counters.ts";
import { chunks } from "../keyspace.ts";
import type { ClusterPlacements } from "../nodes/cluster-placements.ts";
import type { NodeManager } from "../nodes/node-manager.ts";
import type { PlacementTimes } from "../nodes/placement-times.ts";
import { PLACEMENT_USABLE_MS } from "../uploads/placements.ts";
import { Census } from "./census.ts";
import type { ChunkMover, MoveWitness } from "./chunk-mover.ts";
import type { Circle } from "./circle.ts";
import { DebtWatch, type RepairWork } from "./debt-watch.ts";
import { endedDrains } from "./ended-drains.ts";
import { Expectation } from "./expectation.ts";
import { fieldNodes, reportedDeviations, topologyOf } from "./field-nodes.ts";
import { MoveField } from "./move-field.ts";
import { MoveProgress } from "./move-progress.ts";
import { isMisplaced, type MovePlan, type MoveTerms, planMove } from "./plan-move.ts";

export interface MoverParts {
  readonly kv: KvStore;
  readonly nodes: NodeManager;
  readonly times: PlacementTimes;
  readonly placements: Pick<ClusterPlacements, "placeCopy">;
  readonly chunkMover: Pick<ChunkMover, "move">;
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics: Metrics;
  /** What repair is at: moves wait while it has work, but for draining nodes. */
  readonly repairWork: () => RepairWork;
  readonly logger: Logger;
}

export interface MoverOptions {
  /** How many chunks are moved at once; 0 turns moves off. */
  readonly parallelism: number;
  /** Whether nodes are balanced by themselves. */
  readonly rebalance: boolean;
  /** By how much of its capacity a node may be fuller or emptier than the mean. */
  readonly balanceThreshold: number;
}

const PAGE_ROWS = 256;
/** Between pages others have their turn: a walk takes a third of a core at most. */
const PAGE_PAUSE_MS = 3;
/** So often the nodes are looked at when nobody has called. */
const IDLE_MS = 30_000;
/** Nodes that come and go in crowds are heard together. */
const SETTLE_MS = 500;
/** So often it is asked whether repair is done. */
const DEBT_PAUSE_MS = 2_000;
/** Between circles that could move nothing of what is to be moved. */
const CIRCLE_PAUSE = { baseMs: 1_000, capMs: 60_000 };
/** Nodes that come and go all the time cost a walk in so many times the time that it takes. */
const REST_FACTOR = 10;
/** For so long a node that failed gets no copies. */
const TARGET_REST_MS = 30_000;

/**
 * Moves copies between nodes: away from those that are to be emptied, into the zones and racks that spread them most, from
 * nodes that are fuller than the mean. Walks over the records while there is something to move, and ends a drain
 * when a whole walk has met no record that names the node. Sleeps when a walk found nothing to do, until the nodes change.
 */
export class Mover implements Worker {
  readonly name = "mover";
  readonly progress: MoveProgress;
  readonly #parts: MoverParts;
  readonly #options: MoverOptions;
  readonly #bell: Bell;
  readonly #debt: DebtWatch;
  readonly #running = new Map<ChunkId, Promise<void>>();
  readonly #resting = new Map<number, number>();
  #field: MoveField;
  #fieldVersion = -1;
  #circle: Circle | undefined;
  /** What the nodes were when the last circle that left nothing to do began, and how full they said they were. */
  #settled:
    | { readonly topology: string; readonly deviations: ReadonlyMap<number, number> }
    | undefined;
  #restUntilMs = 0;
  #isBalancing = false;
  /** The operator asked for it, whatever the setting says. */
  #isBalanceWanted = false;
  #fruitless = 0;
  #waitsForRepair = false;
  #thrown: { readonly error: unknown } | undefined;

  constructor(parts: MoverParts, options: MoverOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#bell = new Bell(parts.clock);
    this.#debt = new DebtWatch(parts.clock, parts.repairWork);
    this.#field = new MoveField([], undefined);
    this.progress = new MoveProgress(parts.clock, parts.metrics);
  }

  /** The nodes have changed. To be called before anybody acts on the change. */
  wake(): void {
    const draining = this.#circle?.draining ?? new Set();
    for (const nodeNumber of draining) {
      // Copies may have come to it behind the walk.
      if (this.#parts.nodes.table.get(nodeNumber)?.duty !== "draining") draining.delete(nodeNumber);
    }
    this.#fruitless = 0;
    this.#bell.ring();
  }

  /** Walks over the records even if the nodes have not changed. */
  walkAgain(): void {
    this.#settled = undefined;
    this.#restUntilMs = 0;
    this.wake();
  }

  /** Balances the nodes, even where the setting is off. */
  startRebalance(): void {
    this.#isBalanceWanted = true;
    this.walkAgain();
  }

  /** Whether copies move from fuller nodes to emptier ones. */
  get isBalancing(): boolean {
    return this.#circle?.balanceWithin !== undefined;
  }

  /** Whether repair has work, which goes first. */
  get waitsForRepair(): boolean {
    return this.#waitsForRepair;
  }

  /** Whether anything is moved or looked for. */
  get isWorking(): boolean {
    return this.#circle !== undefined || this.#running.size > 0;
  }

  /** Resolves when no move is under way any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#running.values());
  }

  async step(signal: AbortSignal): Promise<Step> {
    this.#rethrow();
    if (this.#options.parallelism === 0) return "done";
    if (this.#circle === undefined) return this.#begin(signal);
    const circle = this.#circle;
    if (this.#running.size >= this.#options.parallelism) {
      await Promise.race(this.#running.values());
      return "again";
    }
    if (circle.page.length === 0 && !circle.isAtEnd) await this.#readOn(circle);
    this.#refreshField();
    const terms = this.#terms(circle);
    for (let row = circle.page.shift(); row !== undefined; row = circle.page.shift()) {
      this.#look(circle, row, terms, signal);
      if (this.#running.size >= this.#options.parallelism) return "again";
    }
    this.progress.walked(circle.isAtEnd ? undefined : circle.cursor);
    return circle.isAtEnd ? this.#end(circle, signal) : { pauseMs: PAGE_PAUSE_MS };
  }

  /** Starts a circle when there may be something to move; else waits. */
  async #begin(signal: AbortSignal): Promise<Step> {
    const { nodes, times } = this.#parts;
    const rows = [...nodes.table.rows()];
    const topology = topologyOf(rows);
    const draining = new Set(
      rows.filter((row) => row.duty === "draining").map((row) => row.nodeNumber),
    );
    if (draining.size === 0 && this.#isSettled(topology)) {
      await this.#bell.wait(IDLE_MS, signal);
      return { pauseMs: SETTLE_MS };
    }
    const nowMs = this.#parts.clock.monotonicMs();
    if (draining.size === 0 && nowMs < this.#restUntilMs) {
      await this.#bell.wait(this.#restUntilMs - nowMs, signal);
      return { pauseMs: SETTLE_MS };
    }
    const { debtChunks } = await this.#parts.kv.read(readCounters);
    const isCalm = !this.#debt.isPayable(debtChunks);
    this.#waitsForRepair = !isCalm;
    if (draining.size === 0 && !isCalm) {
      await this.#bell.wait(DEBT_PAUSE_MS, signal);
      return "again";
    }
    const { balanceThreshold, rebalance } = this.#options;
    const mayBalance = (rebalance || this.#isBalanceWanted) && this.#field.hasLoads;
    // Once begun it goes on to well within the threshold, so that the next file does not start it anew.
    const balanceWithin = this.#isBalancing && mayBalance ? balanceThreshold / 2 : undefined;
    this.#circle = {
      census: new Census(),
      topology,
      startedMs: nowMs,
      draining,
      settling: new Set(
        [...draining].filter((number) => times.leftMs(number, PLACEMENT_USABLE_MS) > 0),
      ),
      balanceWithin,
      cursor: undefined,
      page: [],
      isAtEnd: false,
      hasMoved: false,
      isUnfinished: false,
      wasDeferred: !isCalm,
    };
    return "again";
  }

  /** Whether nothing has changed since a walk left nothing to do, but for usage within the threshold. */
  #isSettled(topology: string): boolean {
    const settled = this.#settled;
    if (settled?.topology !== topology) return false;
    const { balanceThreshold } = this.#options;
    for (const [nodeNumber, now] of reportedDeviations(this.#parts.nodes.table.rows())) {
      const then = settled.deviations.get(nodeNumber) ?? 0;
      if (Math.abs(now - then) >= balanceThreshold) return false;
    }
    return true;
  }

  async #readOn(circle: Circle): Promise<void> {
    const { cursor } = circle;
    const { rows, debtChunks } = await this.#parts.kv.read(async (reader) => ({
      rows: await chunks.page(
        reader,
        cursor === undefined ? { limit: PAGE_ROWS } : { after: cursor, limit: PAGE_ROWS },
      ),
      debtChunks: (await readCounters(reader)).debtChunks,
    }));
    this.#waitsForRepair = this.#debt.isPayable(debtChunks);
    circle.wasDeferred ||= this.#waitsForRepair;
    circle.page = rows;
    circle.cursor = rows.at(-1)?.key ?? cursor;
    circle.isAtEnd = rows.length < PAGE_ROWS;
  }

  #look(
    circle: Circle,
    { key, value }: Row<ChunkId, ChunkRecord>,
    terms: MoveTerms,
    signal: AbortSignal,
  ): void {
    const { census } = circle;
    const isLeaving = (number: number) => this.#field.nodes.get(number)?.isLeaving === true;
    const plan = planMove(key, value, terms);
    const misplaced = terms.isCalm
      ? plan.kind === "copy" && plan.reason === "spread"
      : isMisplaced(key, value, terms);
    census.count(value, { isMisplaced: misplaced, isLeaving });
    if (plan.kind === "nothing" || this.#running.has(key)) return;
    if (plan.kind === "blocked") {
      circle.isUnfinished = true;
      census.block(plan.from);
      return;
    }
    this.#start(circle, { id: key, lengthBytes: value.lengthBytes, plan }, signal);
  }

  #start(
    circle: Circle,
    job: { readonly id: ChunkId; readonly lengthBytes: number; readonly plan: MovePlan },
    signal: AbortSignal,
  ): void {
    const { id, lengthBytes, plan } = job;
    const expected = new Expectation(lengthBytes, (...change) => this.#field.add(...change));
    expected.set(plan);
    const running = this.#parts.chunkMover
      .move(id, this.#witness(circle, expected), signal)
      .then(
        ({ hasMoved, isUnfinished }) => {
          circle.hasMoved ||= hasMoved;
          circle.isUnfinished ||= isUnfinished;
          if (hasMoved) this.#fruitless = 0;
        },
        (error: unknown) => {
          // The next step throws it, where `runWorker` hears it.
          this.#thrown = { error };
          circle.isUnfinished = true;
        },
      )
      .finally(() => {
        expected.set(undefined);
        this.#running.delete(id);
      });
    this.#running.set(id, running);
  }

  #witness(circle: Circle, expected: Expectation): MoveWitness {
    const { census } = circle;
    return {
      plan: (id, record, preferred) => {
        // The expectation is this move's own, and no reason to plan it otherwise.
        expected.set(undefined);
        this.#refreshField();
        const plan = planMove(id, record, { ...this.#terms(circle), preferred });
        expected.set(plan);
        return plan;
      },
      copied: ({ reason, to, lengthBytes }) => {
        expected.set(undefined);
        this.#field.add(to, lengthBytes);
        census.keep(to, lengthBytes);
        if (reason === "spread") census.place({ chunks: -1, bytes: -lengthBytes });
        this.progress.copied(reason, lengthBytes);
      },
      released: ({ reason, from, lengthBytes }) => {
        this.#field.add(from, -lengthBytes);
        census.keep(from, -lengthBytes);
        if (reason === "drain") census.leave(from, { chunks: -1, bytes: -lengthBytes });
        this.progress.released(reason, { from, lengthBytes });
      },
      failed: (to) => {
        this.#resting.set(to, this.#parts.clock.monotonicMs() + TARGET_REST_MS);
      },
    };
  }

  #terms(circle: Circle): MoveTerms {
    const nowMs = this.#parts.clock.monotonicMs();
    for (const [nodeNumber, untilMs] of this.#resting) {
      if (untilMs <= nowMs) this.#resting.delete(nodeNumber);
    }
    return {
      field: this.#field,
      excluded: new Set(this.#resting.keys()),
      isCalm: !circle.wasDeferred,
      balanceWithin: circle.balanceWithin,
      placeCopy: (request) => this.#parts.placements.placeCopy(request),
    };
  }

  async #end(circle: Circle, signal: AbortSignal): Promise<Step> {
    await this.settled();
    this.#rethrow();
    const { nodes, times, logger } = this.#parts;
    const { census } = circle;
    this.#circle = undefined;
    this.#field = new MoveField(fieldNodes(nodes), census.keptBytes);
    this.#fieldVersion = nodes.table.version;
    const { ended, hasLeft, settlesInMs } = endedDrains(nodes.table.rows(), circle, times);
    for (const nodeNumber of ended) {
      await nodes.changeDuty(nodeNumber, "emptied", signal);
      logger.info("a node is drained: no chunk needs it any more", { nodeNumber });
    }
    const { above, below } = this.#field.extremes();
    const wasBalancing = circle.balanceWithin !== undefined;
    this.progress.ended(census, { above, below });
    const isSame = topologyOf(nodes.table.rows()) === circle.topology;
    const isOut = Math.max(above, -below) > this.#options.balanceThreshold;
    this.#isBalancing = wasBalancing ? circle.hasMoved : isOut;
    const goesOn = circle.hasMoved || circle.wasDeferred || !isSame || hasLeft;
    const startsBalance = this.#isBalancing && !wasBalancing && this.#mayBalance();
    if (!goesOn && !circle.isUnfinished && !startsBalance) {
      const deviations = reportedDeviations(nodes.table.rows());
      this.#settled = { topology: circle.topology, deviations };
      this.#isBalanceWanted = false;
      const nowMs = this.#parts.clock.monotonicMs();
      this.#restUntilMs = nowMs + REST_FACTOR * (nowMs - circle.startedMs);
      logger.debug("nothing is left to move", { records: census.records });
      return "again";
    }
    if (circle.hasMoved || !isSame || startsBalance) return "again";
    if (settlesInMs > 0) {
      await this.#bell.wait(settlesInMs, signal);
      return "again";
    }
    this.#fruitless += 1;
    const pause = backoffMs(this.#fruitless, CIRCLE_PAUSE, this.#parts.random);
    await this.#bell.wait(pause, signal);
    return "again";
  }

  #mayBalance(): boolean {
    return this.#options.rebalance || this.#isBalanceWanted;
  }

  #refreshField(): void {
    const { nodes } = this.#parts;
    if (this.#fieldVersion === nodes.table.version) return;
    this.#fieldVersion = nodes.table.version;
    const kept = new Map([...this.#field.nodes].map(([number, node]) => [number, node.keptBytes]));
    this.#field = new MoveField(fieldNodes(nodes), this.#field.hasLoads ? kept : undefined);
  }

  #rethrow(): void {
    const thrown = this.#thrown;
    this.#thrown = undefined;
    if (thrown !== undefined) throw thrown.error;
  }
}
