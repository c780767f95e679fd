import type { LoadedNode } from "./move-field.ts";

/** How a set of copies is spread: how many are in each zone and each rack that has any. */
export class Spread {
  readonly #zones = new Map<string, number>();
  readonly #racks = new Map<string, number>();

  constructor(nodes: readonly LoadedNode[]) {
    for (const node of nodes) {
      this.#zones.set(node.zone, (this.#zones.get(node.zone) ?? 0) + 1);
      this.#racks.set(node.rackKey, (this.#racks.get(node.rackKey) ?? 0) + 1);
    }
  }

  /** Whether no two copies share a zone: no move can spread them more. */
  get isWidest(): boolean {
    for (const copies of this.#zones.values()) if (copies > 1) return false;
    return true;
  }

  /** How many zones have copies, and as a fraction how many racks. */
  get width(): number {
    return this.#zones.size + this.#racks.size / 1_000;
  }

  /** How many copies share the node's zone and its rack. */
  crowdAt(node: Place): Change {
    return {
      zones: this.#zones.get(node.zone) ?? 0,
      racks: this.#racks.get(node.rackKey) ?? 0,
    };
  }

  /**
   * What one copy more at `to`, and without `from` none less, does to the spread: below zero it is spread more, above zero
   * less. Zones come first. The crowding of a set is the sum of the squares of its counts, so each move
   * that improves it lowers one number for good: moves for the spread end.
   */
  change(from: LoadedNode | undefined, to: Place): Change {
    return {
      zones: crowding(this.#zones, from?.zone, to.zone),
      racks: crowding(this.#racks, from?.rackKey, to.rackKey),
    };
  }
}

interface Place {
  readonly zone: string;
  readonly rackKey: string;
}

export interface Change {
  readonly zones: number;
  readonly racks: number;
}

/** Below zero when `one` spreads more than `other`. */
export function compareChanges(one: Change, other: Change): number {
  return one.zones - other.zones || one.racks - other.racks;
}

export const NO_CHANGE: Change = { zones: 0, racks: 0 };

function crowding(
  counts: ReadonlyMap<string, number>,
  from: string | undefined,
  to: string,
): number {
  if (from === to) return 0;
  const there = 2 * (counts.get(to) ?? 0) + 1;
  return from === undefined ? there : there - (2 * (counts.get(from) ?? 0) - 1);
}
