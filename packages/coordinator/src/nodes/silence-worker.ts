import type { Clock } from "@cairnfs/base/clock";
import type { Step, Worker } from "@cairnfs/base/worker";
import type { SilenceLimits } from "./failure-detector.ts";
import type { NodeManager } from "./node-manager.ts";

/** A sweep that comes so much too late means that this process stood still. */
const STANDSTILL_MS = 1000;

/** Looks for nodes that have fallen silent, several times within the shortest silence that matters. */
export class SilenceWorker implements Worker {
  readonly name = "silence";
  readonly #manager: NodeManager;
  readonly #clock: Clock;
  readonly #pauseMs: number;
  #dueMs: number | undefined;

  constructor(manager: NodeManager, clock: Clock, limits: SilenceLimits) {
    this.#manager = manager;
    this.#clock = clock;
    this.#pauseMs = Math.max(1, Math.min(limits.suspectAfterMs / 8, 5000));
  }

  async step(): Promise<Step> {
    const nowMs = this.#clock.monotonicMs();
    const lateMs = nowMs - (this.#dueMs ?? nowMs);
    this.#dueMs = nowMs + this.#pauseMs;
    this.#manager.sweep(lateMs > STANDSTILL_MS ? lateMs : 0);
    return { pauseMs: this.#pauseMs };
  }
}
