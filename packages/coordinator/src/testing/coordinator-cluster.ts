import { createHash } from "node:crypto";
import type { DescService } from "@bufbuild/protobuf";
import { SystemClock } from "@cairnfs/base/clock";
import { Prng } from "@cairnfs/base/random";
import { silentTelemetry, type Telemetry } from "@cairnfs/base/telemetry";
import type { KvStore } from "@cairnfs/kv/kv-store";
import { MemoryKv } from "@cairnfs/kv/memory/memory-kv";
import { chunkIdFromBytes } from "@cairnfs/protocol/chunk-id";
import {
  type BeginUploadResponse,
  CoordinatorService,
} from "@cairnfs/protocol/gen/cairn/v1/coordinator_pb";
import { MemoryNetwork } from "@cairnfs/protocol/memory/memory-network";
import type { ServiceClient } from "@cairnfs/protocol/rpc/client";
import { createClient } from "@cairnfs/protocol/rpc/create-client";
import { type CoordinatorConfig, coordinatorSettings } from "../config.ts";
import { Coordinator } from "../coordinator.ts";
import { MemoryNode } from "./memory-node.ts";

const clock = new SystemClock();

/** The chunk of a text: its id and its length. */
export function chunkOf(text: string) {
  const chunkId = createHash("sha256").update(text).digest();
  return { chunkId, lengthBytes: Buffer.byteLength(text) };
}

/** A coordinator, nodes in memory that do as they are told, and a client. */
export class CoordinatorCluster implements AsyncDisposable {
  readonly network: MemoryNetwork;
  readonly kv: KvStore;
  coordinator: Coordinator;
  client: ServiceClient<typeof CoordinatorService>;
  readonly nodes: MemoryNode[] = [];
  readonly #config: CoordinatorConfig;

  private constructor(
    parts: { readonly network: MemoryNetwork; readonly kv: KvStore },
    coordinator: Coordinator,
    config: CoordinatorConfig,
  ) {
    this.network = parts.network;
    this.kv = parts.kv;
    this.coordinator = coordinator;
    this.#config = config;
    this.client = this.#connect();
  }

  static async open(
    nodeCount: number,
    settings: Record<string, unknown> = {},
    telemetry: Telemetry = silentTelemetry,
  ): Promise<CoordinatorCluster> {
    const network = new MemoryNetwork();
    const kv = new MemoryKv();
    const config = coordinatorSettings.parse({ address: "127.0.0.1:0", ...settings });
    const parts = { network, kv, clock, random: new Prng(7), telemetry };
    const cluster = new CoordinatorCluster(parts, await Coordinator.open(config, parts), config);
    for (let number = 1; number <= nodeCount; number++) await cluster.join(`node-${number}`);
    return cluster;
  }

  async join(name: string): Promise<MemoryNode> {
    const { network } = this;
    const coordinator = this.coordinator.address;
    const node = await MemoryNode.open({ network, clock }, { name, coordinator });
    await node.register();
    await node.beat();
    this.nodes.push(node);
    return node;
  }

  /** Another coordinator on the same store, at the same address. */
  async restart(): Promise<void> {
    const { address } = this.coordinator;
    await this.coordinator.close();
    const { network, kv } = this;
    const random = new Prng(8);
    const parts = { network, kv, clock, random, telemetry: silentTelemetry };
    this.coordinator = await Coordinator.open({ ...this.#config, address }, parts);
    this.client = this.#connect();
  }

  nodeNumbered(nodeNumber: number): MemoryNode {
    const node = this.nodes.find((candidate) => candidate.nodeNumber === nodeNumber);
    if (node === undefined) throw new Error(`there is no node ${nodeNumber}`);
    return node;
  }

  /** Stores a text as one chunk on some of the nodes of its placement, as a client would. */
  store(begun: BeginUploadResponse, text: string, copies?: number) {
    const { chunkId, lengthBytes } = chunkOf(text);
    const [placement] = begun.placements;
    const epoch = Number(placement?.epoch);
    const receipts = (placement?.nodeNumbers ?? []).slice(0, copies).map((nodeNumber) =>
      this.nodeNumbered(nodeNumber).store({
        chunkId: chunkIdFromBytes(chunkId),
        lengthBytes,
        epoch,
        sessionId: begun.sessionId,
      }),
    );
    return { chunkId, lengthBytes: BigInt(lengthBytes), epoch: BigInt(epoch), receipts };
  }

  /** Puts a text as a file of one chunk. */
  put(path: string, text: string, copies?: number): Promise<void> {
    return this.putChunks(path, [text], copies);
  }

  /** Puts texts as a file of one chunk each, all with the same placement. */
  async putChunks(path: string, texts: readonly string[], copies?: number): Promise<void> {
    const begun = await this.client.beginUpload({ path, parents: true });
    const chunks = texts.map((text) => this.store(begun, text, copies));
    const sizeBytes = chunks.reduce((sum, chunk) => sum + chunk.lengthBytes, 0n);
    await this.client.commitUpload({ sessionId: begun.sessionId, chunks, sizeBytes });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const node of this.nodes) await node.close();
    await this.coordinator.close();
    await this.kv.close();
  }

  /** A client of one of the small services. */
  clientOf<S extends DescService>(service: S): ServiceClient<S> {
    const transport = this.network.connect(this.coordinator.address);
    return createClient(service, transport, { clock, random: new Prng(9), timeoutMs: 5000 });
  }

  #connect(): ServiceClient<typeof CoordinatorService> {
    return this.clientOf(CoordinatorService);
  }
}
