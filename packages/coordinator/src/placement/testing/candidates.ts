import type { Candidate } from "../selector.ts";

/** Nodes 1 to `nodes`, dealt to zones z0, z1, … in turn, each zone with `racks` racks; all equally large and empty. */
export function candidatesOf(shape: {
  readonly nodes: number;
  readonly zones: number;
  readonly racks?: number;
  readonly availableBytes?: (nodeNumber: number) => number;
}): Candidate[] {
  return Array.from({ length: shape.nodes }, (_, index) => ({
    nodeNumber: index + 1,
    zone: `z${index % shape.zones}`,
    rack: `r${Math.floor(index / shape.zones) % (shape.racks ?? 1)}`,
    capacityBytes: 1e12,
    availableBytes: shape.availableBytes?.(index + 1) ?? 1e12,
  }));
}
