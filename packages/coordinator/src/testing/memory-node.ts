import type { Clock } from "@cairnfs/base/clock";
import { CairnError } from "@cairnfs/base/errors";
import { Prng } from "@cairnfs/base/random";
import { type ChunkId, chunkIdFromBytes, chunkIdToBytes } from "@cairnfs/protocol/chunk-id";
import { Health } from "@cairnfs/protocol/gen/cairn/v1/common_pb";
import { CoordinatorService } from "@cairnfs/protocol/gen/cairn/v1/coordinator_pb";
import { DataNodeService, VerifyOutcome } from "@cairnfs/protocol/gen/cairn/v1/datanode_pb";
import { makeReceipt } from "@cairnfs/protocol/receipt";
import type { ServiceClient } from "@cairnfs/protocol/rpc/client";
import { createClient } from "@cairnfs/protocol/rpc/create-client";
import { createRouter } from "@cairnfs/protocol/rpc/create-router";
import type { Network } from "@cairnfs/protocol/rpc/network";
import type { ServiceHandlers } from "@cairnfs/protocol/rpc/service";
import type { ClientTransport, Listener } from "@cairnfs/protocol/rpc/transport";

const CAPACITY_BYTES = 1_000_000_000_000;

interface HeldCopy {
  readonly lengthBytes: number;
  epoch: number;
  isCorrupt: boolean;
  /** When it was last read and found intact. */
  verifiedMs?: number;
}

/**
 * A node as the coordinator sees one, without the bytes: it knows which chunks it holds, copies them from its peers,
 * verifies, deletes within the fence, and makes receipts. It does what it is told when it is told; nothing runs by itself.
 */
export class MemoryNode {
  readonly nodeId: Uint8Array;
  readonly address: string;
  readonly chunks = new Map<ChunkId, HeldCopy>();
  /** When set, every call that would store fails with it. */
  failure: CairnError | undefined;
  capacityBytes = CAPACITY_BYTES;
  nodeNumber = 0;
  receiptKey: Uint8Array = new Uint8Array(32);
  tableVersion = 0n;
  readonly #network: Network;
  readonly #coordinator: ServiceClient<typeof CoordinatorService>;
  readonly #transport: ClientTransport;
  readonly #listener: Listener;
  readonly #clock: Clock;

  private constructor(
    parts: { readonly network: Network; readonly clock: Clock; readonly listener: Listener },
    nodeId: Uint8Array,
    coordinator: string,
  ) {
    this.nodeId = nodeId;
    this.address = parts.listener.address;
    this.#listener = parts.listener;
    this.#network = parts.network;
    this.#clock = parts.clock;
    this.#transport = parts.network.connect(coordinator);
    this.#coordinator = createClient(CoordinatorService, this.#transport, this.#options());
  }

  static async open(
    parts: { readonly network: Network; readonly clock: Clock },
    options: { readonly name: string; readonly coordinator: string },
  ): Promise<MemoryNode> {
    const nodeId = new Prng(hashOf(options.name)).bytes(16);
    const handlers: { current?: MemoryNode } = {};
    const router = createRouter()
      .add(
        DataNodeService,
        handlersOf(() => present(handlers.current)),
      )
      .build();
    const listener = await parts.network.listen(`${options.name}:0`, router);
    const node = new MemoryNode({ ...parts, listener }, nodeId, options.coordinator);
    handlers.current = node;
    return node;
  }

  async register(place: { readonly zone?: string; readonly rack?: string } = {}): Promise<void> {
    const answer = await this.#coordinator.registerNode({
      nodeId: this.nodeId,
      address: this.address,
      usage: this.#usage(),
      ...place,
    });
    this.nodeNumber = answer.nodeNumber;
    this.receiptKey = answer.receiptKey;
    this.tableVersion = answer.nodes?.version ?? 0n;
  }

  /** Sends one heartbeat; false when the coordinator wants a registration. */
  async beat(health: Health = Health.OK): Promise<boolean> {
    const answer = await this.#coordinator.heartbeat({
      nodeNumber: this.nodeNumber,
      nodeId: this.nodeId,
      usage: this.#usage(),
      health,
      lastSeenVersion: this.tableVersion,
    });
    this.tableVersion = answer.nodes?.version ?? this.tableVersion;
    return !answer.mustRegister;
  }

  /** Holds a copy from now on and proves it. */
  store(copy: {
    readonly chunkId: ChunkId;
    readonly lengthBytes: number;
    readonly epoch: number;
    readonly sessionId: Uint8Array;
  }): { readonly nodeNumber: number; readonly mac: Uint8Array } {
    if (this.failure !== undefined) throw this.failure;
    const { chunkId, lengthBytes, epoch, sessionId } = copy;
    this.chunks.set(chunkId, { lengthBytes, epoch, isCorrupt: false });
    const { nodeNumber } = this;
    const fields = { sessionId, chunkId, lengthBytes, epoch, nodeNumber };
    return { nodeNumber, mac: makeReceipt(this.receiptKey, fields) };
  }

  peer(address: string): {
    client: ServiceClient<typeof DataNodeService>;
    transport: ClientTransport;
  } {
    const transport = this.#network.connect(address);
    return { client: createClient(DataNodeService, transport, this.#options()), transport };
  }

  async close(): Promise<void> {
    await this.#transport.close();
    await this.#listener.close();
  }

  #usage() {
    let usedBytes = 0;
    for (const { lengthBytes } of this.chunks.values()) usedBytes += lengthBytes;
    return {
      capacityBytes: BigInt(this.capacityBytes),
      usedBytes: BigInt(usedBytes),
      availableBytes: BigInt(Math.max(0, this.capacityBytes - usedBytes)),
      chunkCount: BigInt(this.chunks.size),
    };
  }

  #options() {
    return { clock: this.#clock, random: new Prng(1), timeoutMs: 5000 };
  }
}

function handlersOf(node: () => MemoryNode): ServiceHandlers<typeof DataNodeService> {
  return {
    // No bytes move here: tests store by `MemoryNode.store`.
    storeChunk: () => unsupported(),
    retrieveChunk: () => unsupported(),
    putChunk: () => unsupported(),
    getChunk: () => unsupported(),
    async replicateChunk(request) {
      const chunkId = chunkIdFromBytes(request.chunkId);
      for (const nodeNumber of request.sourceNodeNumbers) {
        const source = request.sourceNodes.find((row) => row.nodeNumber === nodeNumber);
        if (source === undefined || !(await holds(node(), source.address, request.chunkId)))
          continue;
        const lengthBytes = Number(request.lengthBytes);
        const { epoch, sessionId } = request;
        const receipt = node().store({ chunkId, lengthBytes, epoch: Number(epoch), sessionId });
        return { receipt };
      }
      throw new CairnError("chunkUnavailable", `no source gave chunk ${chunkId}`);
    },
    async deleteChunks(request) {
      const gone = request.chunkIds.map((bytes) => {
        const copy = node().chunks.get(chunkIdFromBytes(bytes));
        if (copy !== undefined && copy.epoch <= Number(request.epochMax)) {
          node().chunks.delete(chunkIdFromBytes(bytes));
        }
        return true;
      });
      return { gone };
    },
    async hasChunks(request) {
      const { sessionId } = request;
      return {
        chunks: request.chunkIds.map((bytes) => {
          const chunkId = chunkIdFromBytes(bytes);
          const copy = node().chunks.get(chunkId);
          if (copy === undefined || copy.isCorrupt) return { isHeld: false };
          const { lengthBytes, verifiedMs = 0 } = copy;
          const held = {
            isHeld: true,
            lengthBytes: BigInt(lengthBytes),
            verifiedMs: BigInt(verifiedMs),
          };
          if (sessionId.byteLength === 0) return held;
          copy.epoch = Math.max(copy.epoch, Number(request.epoch));
          const receipt = node().store({ chunkId, ...copy, sessionId });
          return { ...held, receipt };
        }),
      };
    },
    async listChunks() {
      const held = [...node().chunks].sort(([a], [b]) => (a < b ? -1 : 1));
      return {
        chunks: held.map(([id, { lengthBytes, epoch }]) => ({
          chunkId: chunkIdToBytes(id),
          lengthBytes: BigInt(lengthBytes),
          epoch: BigInt(epoch),
        })),
      };
    },
    async verifyChunk(request) {
      const copy = node().chunks.get(chunkIdFromBytes(request.chunkId));
      if (copy === undefined) return { outcome: VerifyOutcome.MISSING };
      return { outcome: copy.isCorrupt ? VerifyOutcome.CORRUPT : VerifyOutcome.INTACT };
    },
    async healthCheck() {
      const { nodeNumber, nodeId } = node();
      return { nodeNumber, nodeId, health: Health.OK };
    },
  };
}

async function holds(node: MemoryNode, address: string, chunkId: Uint8Array): Promise<boolean> {
  const { client, transport } = node.peer(address);
  try {
    const { chunks } = await client.hasChunks({ chunkIds: [chunkId] });
    return chunks[0]?.isHeld === true;
  } catch (error) {
    if (error instanceof CairnError) return false;
    throw error;
  } finally {
    await transport.close();
  }
}

function unsupported(): never {
  throw new CairnError("unimplemented", "this node keeps no bytes");
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new CairnError("shuttingDown", "the node is not there yet");
  return value;
}

function hashOf(name: string): number {
  let hash = 0;
  for (const char of name) hash = Math.imul(hash, 31) + (char.codePointAt(0) ?? 0);
  return hash >>> 0;
}
