import { present } from "@cairnfs/base/assert";
import type { Clock } from "@cairnfs/base/clock";
import { CairnError } from "@cairnfs/base/errors";
import type { Logger } from "@cairnfs/base/telemetry";
import type { KvStore, KvTransaction } from "@cairnfs/kv/kv-store";
import { forwardKey, receiptKey } from "@cairnfs/protocol/receipt";
import { type DiskUsage, isUsageNews, NO_USAGE } from "./disk-usage.ts";
import { judgeSilence, type SilenceLimits } from "./failure-detector.ts";
import { type NodeId, nodeIdToBytes } from "./node-id.ts";
import { DUTY_AFTER, type DutyEvent, LIVENESS_AFTER, type NodeEvent } from "./node-state.ts";
import { addMembership, changeMembership, endMembership, loadMemberships } from "./node-store.ts";
import { type NodeHealth, type NodeRow, NodeTable, stateOf } from "./node-table.ts";
import { isAt, type Registration, removedError } from "./registration.ts";

/** What a node says every few seconds. */
export interface HeartbeatReport {
  readonly nodeNumber: number;
  readonly nodeId: Uint8Array;
  readonly usage: DiskUsage;
  readonly health: NodeHealth;
}

export interface NodeManagerParts {
  readonly kv: KvStore;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Whether a node with this id answers at this address now. */
  readonly isNodeAt: (address: string, nodeId: NodeId, signal: AbortSignal) => Promise<boolean>;
  /** Takes part in the transactions that end memberships. */
  readonly onRemoving?: (tx: KvTransaction) => Promise<void>;
}

export interface NodeManagerOptions extends SilenceLimits {
  readonly clusterSecret: Uint8Array;
  /** Grows with each start of a coordinator on this store. */
  readonly incarnation: number;
  readonly updateLogCapacity: number;
  readonly nodesMax: number;
  /** Members that were dead when the coordinator ended: they are dead until they are heard. */
  readonly deadNumbers?: ReadonlySet<number>;
}

/** What is known of a member besides its row: it changes with each heartbeat, and nobody is told. */
interface Member {
  readonly idBytes: Uint8Array;
  readonly receiptKey: Uint8Array;
  heardAtMs: number;
  lastHeardMs: number;
  usage: DiskUsage;
}

/**
 * The only writer of membership: registration, heartbeats, silence, drain and removal. Who is a member is kept in the store;
 * who is alive is known from heartbeats alone, so a steady heartbeat writes nothing.
 */
export class NodeManager {
  readonly table: NodeTable;
  readonly #parts: NodeManagerParts;
  readonly #options: NodeManagerOptions;
  readonly #members = new Map<number, Member>();
  /** Also of removed nodes, which never come back. */
  readonly #numbers = new Map<NodeId, number>();
  /** Who registered last at an address; it may have moved since. */
  readonly #atAddress = new Map<string, number>();
  /** Registrations under way, by id: those of one node take turns. */
  readonly #registering = new Map<NodeId, Promise<unknown>>();
  readonly #listeners = new Set<(nodeNumber: number) => void>();
  #nextNumber = 1;

  private constructor(parts: NodeManagerParts, options: NodeManagerOptions) {
    this.#parts = parts;
    this.#options = options;
    this.table = new NodeTable({
      incarnation: options.incarnation,
      logCapacity: options.updateLogCapacity,
    });
  }

  /**
   * The members as the store has them. Until they are heard they are suspect, with the time of a silent node ahead of them;
   * those that were dead before stay dead.
   */
  static async open(parts: NodeManagerParts, options: NodeManagerOptions): Promise<NodeManager> {
    const manager = new NodeManager(parts, options);
    for (const [nodeNumber, membership] of await loadMemberships(parts.kv)) {
      manager.#nextNumber = nodeNumber + 1;
      manager.#numbers.set(membership.nodeId, nodeNumber);
      const { duty } = membership;
      if (duty === "removed") continue;
      manager.#admit(nodeNumber, membership.nodeId, NO_USAGE);
      manager.#atAddress.set(membership.address, nodeNumber);
      manager.table.put({
        nodeNumber,
        ...membership,
        duty,
        liveness: options.deadNumbers?.has(nodeNumber) === true ? "dead" : "suspect",
        health: "ok",
        usage: NO_USAGE,
        lastHeardMs: 0,
      });
    }
    return manager;
  }

  /**
   * Makes a node a member, or takes a member that has started again back in, at a new address too. When this resolves
   * the membership is durable. Rejects with `nodeConflict` when the node is alive at another address, with `nodeRemoved` when it was removed.
   */
  async register(registration: Registration, signal: AbortSignal): Promise<NodeRow> {
    const { nodeId } = registration;
    const previous = this.#registering.get(nodeId) ?? Promise.resolve();
    // How the other registration ended is its caller's affair.
    const turn = previous
      .catch(() => undefined)
      .then(() => this.#registerInTurn(registration, signal));
    this.#registering.set(nodeId, turn);
    try {
      return await turn;
    } finally {
      if (this.#registering.get(nodeId) === turn) this.#registering.delete(nodeId);
    }
  }

  /** Takes a heartbeat; false when the node is not known by this number and id, and has to register. */
  heartbeat(report: HeartbeatReport): boolean {
    const member = this.#members.get(report.nodeNumber);
    if (member === undefined || Buffer.compare(member.idBytes, report.nodeId) !== 0) return false;
    const { clock } = this.#parts;
    member.heardAtMs = clock.monotonicMs();
    member.lastHeardMs = Math.floor(clock.now());
    member.usage = report.usage;
    const row = this.#row(report.nodeNumber);
    const liveness = after(row, "heard");
    if (
      liveness !== row.liveness ||
      row.health !== report.health ||
      isUsageNews(row.usage, report.usage)
    ) {
      this.#replace({
        ...row,
        liveness,
        health: report.health,
        usage: report.usage,
        lastHeardMs: member.lastHeardMs,
      });
    }
    return true;
  }

  /**
   * Judges every node's silence at this moment. `lateMs` says by how much the call came later than planned: while this process
   * stood still nobody could be heard, and that time is not held against the nodes.
   */
  sweep(lateMs: number): void {
    const nowMs = this.#parts.clock.monotonicMs();
    for (const row of [...this.table.rows()]) {
      const member = this.#member(row.nodeNumber);
      if (lateMs > 0) member.heardAtMs = Math.min(nowMs, member.heardAtMs + lateMs);
      const verdict = judgeSilence({ heardAtMs: member.heardAtMs, nowMs }, this.#options);
      // Only a heartbeat makes a node alive; not having been silent for long does not.
      if (verdict === "heard") continue;
      const liveness = after(row, verdict);
      if (liveness !== row.liveness) {
        this.#replace({ ...row, liveness, lastHeardMs: member.lastHeardMs });
      }
    }
  }

  /** Changes what the operator wants of a node, durably. Rejects with `preconditionFailed` when that makes no sense now. */
  async changeDuty(nodeNumber: number, event: DutyEvent, signal: AbortSignal): Promise<NodeRow> {
    this.#memberRow(nodeNumber);
    const { duty } = await changeMembership(
      this.#parts.kv,
      nodeNumber,
      (kept) => {
        const next = kept.duty === "removed" ? undefined : DUTY_AFTER[kept.duty][event];
        if (next === undefined) {
          throw new CairnError(
            "preconditionFailed",
            `node ${nodeNumber} is ${kept.duty}: ${event} is not possible`,
          );
        }
        return { ...kept, duty: next };
      },
      signal,
    );
    const row = this.#memberRow(nodeNumber);
    if (duty !== "removed" && duty !== row.duty) {
      this.#replace({ ...row, duty });
      // A dead node is dead whatever is wanted of it: that its state is the same says nothing.
      if (row.liveness === "dead") this.#tell(nodeNumber);
    }
    return this.#memberRow(nodeNumber);
  }

  /**
   * Ends a membership for good. Whether others still hold what is needed is the caller's to know; unless `force` is set only
   * a dead or drained node goes.
   */
  async remove(
    nodeNumber: number,
    { force = false }: { readonly force?: boolean },
    signal: AbortSignal,
  ): Promise<void> {
    const state = stateOf(this.#memberRow(nodeNumber));
    if (!force && state !== "dead" && state !== "drained") {
      throw new CairnError(
        "preconditionFailed",
        `node ${nodeNumber} is ${state}: drain it first, only a dead or drained node can be removed`,
      );
    }
    await endMembership(this.#parts.kv, nodeNumber, this.#parts.onRemoving, signal);
    this.#members.delete(nodeNumber);
    const { address } = this.#row(nodeNumber);
    if (this.#atAddress.get(address) === nodeNumber) this.#atAddress.delete(address);
    this.table.remove(nodeNumber);
    this.#parts.logger.info("a node was removed", { nodeNumber });
    this.#tell(nodeNumber);
  }

  /** The key by which members know each other. */
  get forwardKey(): Uint8Array {
    return forwardKey(this.#options.clusterSecret);
  }

  /** The key this member makes its receipts with; undefined for a number that is no member's. */
  receiptKeyOf(nodeNumber: number): Uint8Array | undefined {
    return this.#members.get(nodeNumber)?.receiptKey;
  }

  /** The number of a node that was removed, by its id; undefined for any other. */
  removedNumberOf(nodeId: NodeId): number | undefined {
    const nodeNumber = this.#numbers.get(nodeId);
    return nodeNumber !== undefined && !this.#members.has(nodeNumber) ? nodeNumber : undefined;
  }

  /** What a member last reported, to the byte and the millisecond. */
  lastReportOf(nodeNumber: number): { readonly usage: DiskUsage; readonly lastHeardMs: number } {
    return this.#member(nodeNumber);
  }

  /** Calls `listener` whenever a node's state or liveness changed, or it was removed; the function returned stops that. */
  onStateChange(listener: (nodeNumber: number) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async #registerInTurn(registration: Registration, signal: AbortSignal): Promise<NodeRow> {
    const known = this.#numbers.get(registration.nodeId);
    const nodeNumber =
      known === undefined
        ? await this.#join(registration, signal)
        : await this.#rejoin(known, registration, signal);
    const member = this.#members.get(nodeNumber);
    if (member === undefined) throw removedError(registration.nodeId);
    this.#supersede(nodeNumber, registration.address);
    const { usage, ...place } = registration;
    member.heardAtMs = this.#parts.clock.monotonicMs();
    member.lastHeardMs = Math.floor(this.#parts.clock.now());
    member.usage = usage;
    const row = this.table.get(nodeNumber);
    const registered: NodeRow = {
      nodeNumber,
      ...place,
      usage,
      duty: row?.duty ?? "inService",
      liveness: row === undefined ? "joining" : after(row, "registered"),
      health: "ok",
      lastHeardMs: member.lastHeardMs,
    };
    this.#replace(registered);
    return registered;
  }

  async #join(registration: Registration, signal: AbortSignal): Promise<number> {
    const { nodeId, address, grpcAddress, zone, rack } = registration;
    if (this.table.size >= this.#options.nodesMax) {
      throw new CairnError(
        "overloaded",
        `the cluster has ${this.table.size} nodes, the most that are configured`,
      );
    }
    const nodeNumber = this.#nextNumber;
    this.#nextNumber += 1;
    const membership = { nodeId, address, grpcAddress, zone, rack, duty: "inService" as const };
    await addMembership(this.#parts.kv, nodeNumber, membership, signal);
    this.#numbers.set(nodeId, nodeNumber);
    this.#admit(nodeNumber, nodeId, registration.usage);
    this.#parts.logger.info("a node joined", { nodeNumber, nodeId, address, zone, rack });
    return nodeNumber;
  }

  async #rejoin(
    nodeNumber: number,
    registration: Registration,
    signal: AbortSignal,
  ): Promise<number> {
    const { nodeId, address, grpcAddress, zone, rack } = registration;
    const row = this.table.get(nodeNumber);
    if (row === undefined) throw removedError(nodeId);
    await this.#refuseTwin(row, address, signal);
    const place = { address, grpcAddress, zone, rack };
    if (!isAt(row, place)) {
      await changeMembership(this.#parts.kv, nodeNumber, (kept) => ({ ...kept, ...place }), signal);
      if (this.#atAddress.get(row.address) === nodeNumber) this.#atAddress.delete(row.address);
      this.#parts.logger.info("a node moved", {
        nodeNumber,
        from: row.address,
        address,
        zone,
        rack,
      });
    }
    return nodeNumber;
  }

  /** Two processes with one id (a copied data folder) would each hold half of what both are believed to hold. */
  async #refuseTwin(row: NodeRow, address: string, signal: AbortSignal): Promise<void> {
    const isElsewhere = row.address !== address && row.liveness !== "dead";
    if (isElsewhere && (await this.#parts.isNodeAt(row.address, row.nodeId, signal))) {
      throw new CairnError(
        "nodeConflict",
        `node ${row.nodeId} is alive at ${row.address} and cannot be at ${address} as well`,
      );
    }
  }

  /** Where this node is now no other can be: one that was there has gone. */
  #supersede(nodeNumber: number, address: string): void {
    const row = this.table.get(this.#atAddress.get(address) ?? nodeNumber);
    this.#atAddress.set(address, nodeNumber);
    if (row === undefined || row.nodeNumber === nodeNumber || row.address !== address) return;
    if (row.liveness === "dead") return;
    this.#parts.logger.warn("another node took the address of a node", {
      nodeNumber: row.nodeNumber,
      address,
      by: nodeNumber,
    });
    this.#replace({ ...row, liveness: "dead" });
  }

  #admit(nodeNumber: number, nodeId: NodeId, usage: DiskUsage): void {
    const idBytes = nodeIdToBytes(nodeId);
    this.#members.set(nodeNumber, {
      idBytes,
      receiptKey: receiptKey(this.#options.clusterSecret, idBytes),
      heardAtMs: this.#parts.clock.monotonicMs(),
      lastHeardMs: 0,
      usage,
    });
  }

  #replace(row: NodeRow): void {
    const before = this.table.get(row.nodeNumber);
    this.table.put(row);
    const state = stateOf(row);
    const stateBefore = before === undefined ? undefined : stateOf(before);
    const { nodeNumber, address } = row;
    if (state === stateBefore) {
      // A drained node looks the same dead or alive; whether its copies count is another matter.
      if (row.liveness !== before?.liveness) this.#tell(nodeNumber);
      return;
    }
    const isTrouble = state === "suspect" || state === "dead";
    this.#parts.logger[isTrouble ? "warn" : "info"]("a node's state changed", {
      nodeNumber,
      address,
      from: stateBefore,
      to: state,
    });
    this.#tell(nodeNumber);
  }

  #tell(nodeNumber: number): void {
    for (const listener of this.#listeners) listener(nodeNumber);
  }

  #member(nodeNumber: number): Member {
    return present(this.#members.get(nodeNumber), `node ${nodeNumber} has a row and no member`);
  }

  #row(nodeNumber: number): NodeRow {
    return present(this.table.get(nodeNumber), `node ${nodeNumber} is a member and has no row`);
  }

  #memberRow(nodeNumber: number): NodeRow {
    const row = this.table.get(nodeNumber);
    if (row === undefined) throw new CairnError("nodeNotFound", `no node has number ${nodeNumber}`);
    return row;
  }
}

function after(row: NodeRow, event: NodeEvent): NodeRow["liveness"] {
  return LIVENESS_AFTER[row.liveness][event] ?? row.liveness;
}
