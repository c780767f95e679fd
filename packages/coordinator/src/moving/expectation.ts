import type { MovePlan } from "./plan-move.ts";

/** What a move will change, counted from its start, so that those beside it choose as if it were done. */
export class Expectation {
  readonly #lengthBytes: number;
  readonly #add: (nodeNumber: number, sizeBytes: number) => void;
  #plan: { readonly from: number; readonly to: number } | undefined;

  constructor(lengthBytes: number, add: (nodeNumber: number, sizeBytes: number) => void) {
    this.#lengthBytes = lengthBytes;
    this.#add = add;
  }

  /** Counts this plan instead of the one before; none when it is undefined. */
  set(plan: MovePlan | undefined): void {
    this.#count(-this.#lengthBytes);
    this.#plan = plan?.kind === "copy" ? plan : undefined;
    this.#count(this.#lengthBytes);
  }

  #count(sizeBytes: number): void {
    if (this.#plan === undefined) return;
    this.#add(this.#plan.to, sizeBytes);
    this.#add(this.#plan.from, -sizeBytes);
  }
}
