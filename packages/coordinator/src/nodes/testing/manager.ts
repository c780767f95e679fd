import { Prng } from "@cairnfs/base/random";
import { silentLogger } from "@cairnfs/base/telemetry";
import { SimClock } from "@cairnfs/base/testing/sim-clock";
import type { KvStore } from "@cairnfs/kv/kv-store";
import { MemoryKv } from "@cairnfs/kv/memory/memory-kv";
import { noteWalkDue } from "../../healing/ledger-state.ts";
import { openIdentity } from "../../identity.ts";
import type { DiskUsage } from "../disk-usage.ts";
import { type NodeId, nodeIdFromBytes, nodeIdToBytes } from "../node-id.ts";
import { NodeManager, type NodeManagerOptions } from "../node-manager.ts";
import type { Registration } from "../registration.ts";

export const roomy: DiskUsage = {
  capacityBytes: 1e12,
  usedBytes: 0,
  availableBytes: 1e12,
  chunkCount: 0,
};

export function nodeId(number: number): NodeId {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt32BE(number, 12);
  return nodeIdFromBytes(bytes);
}

export function registrationOf(number: number, over: Partial<Registration> = {}): Registration {
  return {
    nodeId: nodeId(number),
    address: `node-${number}:1`,
    grpcAddress: "",
    zone: "",
    rack: "",
    usage: roomy,
    ...over,
  };
}

/** A node manager on a store in memory, with a clock that stands still and nodes that tests speak for. */
export class TestManager {
  readonly kv: KvStore;
  readonly clock: SimClock;
  readonly manager: NodeManager;
  /** "address nodeId" of processes that answer when they are asked. */
  readonly answering: Set<string>;

  private constructor(parts: Pick<TestManager, "kv" | "clock" | "manager" | "answering">) {
    this.kv = parts.kv;
    this.clock = parts.clock;
    this.manager = parts.manager;
    this.answering = parts.answering;
  }

  static async open(
    over: { readonly kv?: KvStore; readonly clock?: SimClock } & Partial<NodeManagerOptions> = {},
  ): Promise<TestManager> {
    const { kv = new MemoryKv(), clock = new SimClock(), ...options } = over;
    const identity = await openIdentity(kv, new Prng(1));
    const answering = new Set<string>();
    const manager = await NodeManager.open(
      {
        kv,
        clock,
        logger: silentLogger,
        isNodeAt: async (address, id) => answering.has(`${address} ${id}`),
        onRemoving: noteWalkDue,
      },
      {
        clusterSecret: identity.clusterSecret,
        incarnation: identity.incarnation,
        updateLogCapacity: 64,
        nodesMax: 100,
        suspectAfterMs: 10_000,
        deadAfterMs: 60_000,
        ...options,
      },
    );
    return new TestManager({ kv, clock, manager, answering });
  }

  /** Registers node `number` and sends its first heartbeat. */
  async join(number: number, over: Partial<Registration> = {}): Promise<number> {
    const { nodeNumber } = await this.register(number, over);
    this.beat(nodeNumber, number, over.usage);
    return nodeNumber;
  }

  register(number: number, over: Partial<Registration> = {}) {
    return this.manager.register(registrationOf(number, over), new AbortController().signal);
  }

  beat(
    nodeNumber: number,
    number: number,
    usage: DiskUsage = roomy,
    health: "ok" | "readOnly" | "failed" = "ok",
  ): boolean {
    return this.manager.heartbeat({
      nodeNumber,
      nodeId: nodeIdToBytes(nodeId(number)),
      usage,
      health,
    });
  }

  /** Lets so much time pass, then judges. */
  async silence(ms: number): Promise<void> {
    await this.clock.advance(ms);
    this.manager.sweep(0);
  }
}
