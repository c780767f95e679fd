import type { DiskUsage } from "./disk-usage.ts";
import type { NodeId } from "./node-id.ts";
import { type Duty, type Liveness, NODE_STATE, type NodeState } from "./node-state.ts";
import { UpdateLog } from "./update-log.ts";

/** Whether a node says of itself that it can take chunks, only serve them, or neither. */
export type NodeHealth = "ok" | "readOnly" | "failed";

/** A node as others see it. Rows are never changed, only replaced. */
export interface NodeRow {
  /** Small and never reused; what chunk records name nodes by. */
  readonly nodeNumber: number;
  readonly nodeId: NodeId;
  readonly address: string;
  /** Empty when the node does not offer gRPC. */
  readonly grpcAddress: string;
  readonly zone: string;
  readonly rack: string;
  readonly duty: Duty;
  readonly liveness: Liveness;
  readonly health: NodeHealth;
  /** Coarse: replaced when it has changed enough to matter. */
  readonly usage: DiskUsage;
  /** Wall-clock time of the last heartbeat before this row was made; 0 for never. */
  readonly lastHeardMs: number;
}

export function stateOf(row: NodeRow): NodeState {
  return NODE_STATE[row.duty][row.liveness];
}

/** What a copy of the table lacks. With `isWhole` the rows are the whole table and replace the copy. */
export interface TableUpdates {
  readonly version: number;
  readonly isWhole: boolean;
  readonly rows: readonly NodeRow[];
  /** Numbers of nodes that are no longer members. */
  readonly removed: readonly number[];
}

/**
 * The current view of all nodes. Each add, remove or replacement of a row makes a new version, above every version of
 * earlier lives of the coordinator.
 */
export class NodeTable {
  readonly #rows = new Map<number, NodeRow>();
  readonly #log: UpdateLog;
  #nothingNew: TableUpdates;
  #whole: TableUpdates | undefined;
  #recent: TableUpdates | undefined;

  constructor(options: { readonly incarnation: number; readonly logCapacity: number }) {
    this.#log = new UpdateLog({ incarnation: options.incarnation, capacity: options.logCapacity });
    this.#nothingNew = nothingSince(this.#log.version);
  }

  get version(): number {
    return this.#log.version;
  }

  get size(): number {
    return this.#rows.size;
  }

  get(nodeNumber: number): NodeRow | undefined {
    return this.#rows.get(nodeNumber);
  }

  rows(): IterableIterator<NodeRow> {
    return this.#rows.values();
  }

  /** Adds or replaces the row of its node. */
  put(row: NodeRow): void {
    this.#rows.set(row.nodeNumber, row);
    this.#record(row.nodeNumber);
  }

  remove(nodeNumber: number): void {
    if (this.#rows.delete(nodeNumber)) this.#record(nodeNumber);
  }

  /** The whole table: the same object until a row changes. */
  whole(): TableUpdates {
    this.#whole ??= {
      version: this.version,
      isWhole: true,
      rows: [...this.#rows.values()],
      removed: [],
    };
    return this.#whole;
  }

  /** The whole table as it was at most `lagMax` versions ago: the same object for many who need it at the same time. */
  recent(lagMax: number): TableUpdates {
    const recent = this.#recent;
    // Older than the history reaches it would be followed by another whole table.
    const lag = Math.min(lagMax, this.#log.capacity);
    if (recent !== undefined && this.version - recent.version <= lag) return recent;
    this.#recent = this.whole();
    return this.#recent;
  }

  /**
   * What has changed since `version`, the latest row of each node only, at most `rowsMax` of them: then the version
   * in the answer is one on the way. The whole table when the history does not reach back to `version`.
   */
  since(version: number, rowsMax: number): TableUpdates {
    if (version === this.version) return this.#nothingNew;
    const changed = this.#log.since(version, rowsMax);
    if (changed === "resync") return this.whole();
    const rows: NodeRow[] = [];
    const removed: number[] = [];
    for (const nodeNumber of changed.nodeNumbers) {
      const row = this.#rows.get(nodeNumber);
      if (row === undefined) removed.push(nodeNumber);
      else rows.push(row);
    }
    return { version: changed.version, isWhole: false, rows, removed };
  }

  #record(nodeNumber: number): void {
    this.#log.record(nodeNumber);
    this.#nothingNew = nothingSince(this.version);
    this.#whole = undefined;
  }
}

/** The answer to somebody whose copy is at `version` and stays there for now. */
export function nothingSince(version: number): TableUpdates {
  return { version, isWhole: false, rows: [], removed: [] };
}
