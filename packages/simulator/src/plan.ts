import type { PlannedOperation } from "./history/operation.ts";
import type { PlannedFault } from "./nemesis/fault.ts";
import type { Value } from "./world/contents.ts";
import type { Shape } from "./world/shape.ts";

/** All that decides a run: with the same plan every run is the same. */
export interface Plan {
  readonly seed: number;
  readonly profile: string;
  readonly shape: Shape;
  readonly values: readonly Value[];
  readonly operations: readonly PlannedOperation[];
  readonly faults: readonly PlannedFault[];
}
