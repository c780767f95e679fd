import type { Clock } from "@cairnfs/base/clock";
import type { Metrics } from "@cairnfs/base/telemetry";
import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import { RateMeter } from "../rate-meter.ts";
import type { Amount, Census } from "./census.ts";
import type { MoveReason } from "./plan-move.ts";
import { shareOf } from "./record-walk.ts";

/** What the last whole walk found. */
export interface Balance {
  /** By how much of its capacity the fullest node is above the mean. */
  readonly above: number;
  /** By how much the emptiest is below, as a number below zero. */
  readonly below: number;
}

const LEVEL: Balance = { above: 0, below: 0 };

/** How far the moves are: what operators are told. In memory; a new coordinator counts anew. */
export class MoveProgress {
  readonly #clock: Clock;
  readonly #meter: RateMeter;
  readonly #movedBytes;
  readonly #released = new Map<number, { chunks: number; bytes: number }>();
  readonly #uncounted = new Set<number>();
  #census: Census | undefined;
  #balance = LEVEL;
  #asOfMs = 0;
  #walkShare: number | undefined;

  constructor(clock: Clock, metrics: Metrics) {
    this.#clock = clock;
    this.#meter = new RateMeter(clock);
    this.#movedBytes = metrics.counter(
      "cairn_moved_bytes_total",
      "Bytes of chunks that were copied to other nodes, by why they moved.",
      ["reason"],
    );
  }

  /** When the last whole walk over the records ended, wall-clock; 0 if none has. */
  get asOfMs(): number {
    return this.#asOfMs;
  }

  /** How far the walk that is under way has come, 0 to 1; undefined when none is. */
  get walkShare(): number | undefined {
    return this.#walkShare;
  }

  get balance(): Balance {
    return this.#balance;
  }

  /** Chunks that could be spread more, as of the last whole walk and moves since. */
  get misplaced(): Amount {
    return this.#census?.misplaced ?? { chunks: 0, bytes: 0 };
  }

  /** What records still place on a node that is to be emptied; undefined until a walk has counted it. */
  leavingOf(nodeNumber: number): Amount | undefined {
    if (this.#uncounted.has(nodeNumber)) return undefined;
    return this.#census?.leavingOf(nodeNumber);
  }

  /** Chunks that could not leave the node when the last whole walk passed. */
  blockedOf(nodeNumber: number): number {
    return this.#census?.blockedOf(nodeNumber) ?? 0;
  }

  /** What has left a node since it was to be emptied, or since this coordinator started. */
  releasedOf(nodeNumber: number): Amount {
    return this.#released.get(nodeNumber) ?? { chunks: 0, bytes: 0 };
  }

  /** Forgets what left the node: it is to be emptied anew. */
  forget(nodeNumber: number): void {
    this.#released.delete(nodeNumber);
    // What is left there was not counted when it was in service.
    if (this.#census?.leavingOf(nodeNumber).chunks === 0) this.#uncounted.add(nodeNumber);
  }

  /** What moves have copied lately. */
  get bytesPerSecond(): number {
    return this.#meter.bytesPerSecond();
  }

  walked(cursor: ChunkId | undefined): void {
    this.#walkShare = cursor === undefined ? undefined : shareOf(cursor);
  }

  copied(reason: MoveReason, lengthBytes: number): void {
    this.#movedBytes.add(lengthBytes, { reason });
    this.#meter.add(lengthBytes);
    if (reason === "spread") this.#census?.place({ chunks: -1, bytes: -lengthBytes });
  }

  released(
    reason: "drain" | "surplus",
    { from, lengthBytes }: { readonly from: number; readonly lengthBytes: number },
  ): void {
    if (reason !== "drain") return;
    const { chunks, bytes } = this.releasedOf(from);
    this.#released.set(from, { chunks: chunks + 1, bytes: bytes + lengthBytes });
    this.#census?.leave(from, { chunks: -1, bytes: -lengthBytes });
  }

  /** A whole walk has ended. */
  ended(census: Census, balance: Balance): void {
    this.#census = census;
    this.#uncounted.clear();
    this.#balance = balance;
    this.#asOfMs = Math.floor(this.#clock.now());
    this.#walkShare = undefined;
  }
}
