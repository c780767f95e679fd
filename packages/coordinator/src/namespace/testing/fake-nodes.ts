import { sha256 } from "@cairnfs/base/checksum";
import { CairnError } from "@cairnfs/base/errors";
import { type ChunkId, chunkIdFromBytes, chunkIdToBytes } from "@cairnfs/protocol/chunk-id";
import { makeReceipt, receiptKey } from "@cairnfs/protocol/receipt";
import type { ReplicaFinding, ReplicaVerifier } from "../../chunks/replica-verifier.ts";
import type { ChunkDeleter } from "../../gc/chunk-deleter.ts";
import type { ChunkInventory, StoredCopy } from "../../gc/chunk-inventory.ts";
import type { PlacementRequest, PlacementSource } from "../../uploads/placements.ts";

const SECRET = Buffer.from("a secret of the tests, 32 bytes.");

/** A chunk as a test has it: its id and its length. */
export interface TestChunk {
  readonly chunkId: ChunkId;
  readonly lengthBytes: number;
}

/** The chunk of this name: the same name, the same chunk. */
export function chunkOf(name: string, lengthBytes = 64 * 1024): TestChunk {
  return { chunkId: chunkIdFromBytes(sha256(Buffer.from(`${name}:${lengthBytes}`))), lengthBytes };
}

/** Nodes 1 to n as the coordinator sees them, each with the epochs of the copies it holds. */
export class FakeNodes implements PlacementSource, ChunkDeleter, ChunkInventory, ReplicaVerifier {
  readonly #copies = new Map<number, Map<ChunkId, number>>();
  /** Nodes that do not answer and do not count. */
  readonly dead = new Set<number>();
  readonly corrupt = new Set<string>();
  /** Copies that nodes do not list, as "chunk/node". */
  readonly unlisted = new Set<string>();
  /** Chunks that no node manages to delete. */
  readonly stuck = new Set<ChunkId>();
  /** What happens between a deletion and its answer. */
  beforeAnswer: () => Promise<void> = async () => undefined;
  /** What happens between a finding and its answer. */
  beforeFinding: () => Promise<void> = async () => undefined;

  constructor(count: number) {
    for (let nodeNumber = 1; nodeNumber <= count; nodeNumber++) {
      this.#copies.set(nodeNumber, new Map());
    }
  }

  place(request: PlacementRequest): readonly number[] {
    const free = [...this.#copies.keys()].filter(
      (nodeNumber) => !this.dead.has(nodeNumber) && !request.excluded.includes(nodeNumber),
    );
    if (free.length < request.writeQuorum) {
      throw new CairnError("placementUnavailable", `${free.length} nodes are not enough`);
    }
    const start = ((request.seed[0] ?? 0) + request.chunkIndex) % free.length;
    return [...free.slice(start), ...free.slice(0, start)].slice(0, request.replicationFactor);
  }

  nodeUpdatesSince(version: number) {
    return { version: BigInt(version + 1), nodes: [] };
  }

  nodesOf(nodeNumbers: Iterable<number>) {
    return { version: 0n, nodes: [...new Set(nodeNumbers)].map((nodeNumber) => ({ nodeNumber })) };
  }

  receiptKeyOf(nodeNumber: number): Uint8Array | undefined {
    return this.#copies.has(nodeNumber) ? receiptKey(SECRET, nodeIdOf(nodeNumber)) : undefined;
  }

  leaverOf(nodeNumbers: readonly number[], wantedCopies: number): number | undefined {
    const well = nodeNumbers.filter((nodeNumber) => this.isLive(nodeNumber));
    return well.length > wantedCopies ? Math.max(...well) : undefined;
  }

  isLive(nodeNumber: number): boolean {
    return this.#copies.has(nodeNumber) && !this.dead.has(nodeNumber);
  }

  isStaying(nodeNumber: number): boolean {
    return this.isLive(nodeNumber);
  }

  /** Has nodes store a chunk; gives what the client hands to the coordinator. */
  store(
    sessionId: Uint8Array,
    chunk: TestChunk,
    placement: { readonly nodeNumbers: readonly number[]; readonly epoch: bigint },
  ) {
    const epoch = Number(placement.epoch);
    const receipts = placement.nodeNumbers.map((nodeNumber) => {
      const held = this.#copies.get(nodeNumber);
      held?.set(chunk.chunkId, Math.max(epoch, held.get(chunk.chunkId) ?? 0));
      const key = receiptKey(SECRET, nodeIdOf(nodeNumber));
      return { nodeNumber, mac: makeReceipt(key, { sessionId, nodeNumber, epoch, ...chunk }) };
    });
    return {
      chunkId: chunkIdToBytes(chunk.chunkId),
      lengthBytes: BigInt(chunk.lengthBytes),
      epoch: placement.epoch,
      receipts,
    };
  }

  nodeNumbers(): readonly number[] {
    return [...this.#copies.keys()].filter((nodeNumber) => !this.dead.has(nodeNumber));
  }

  async list(page: {
    readonly nodeNumber: number;
    readonly after: ChunkId | undefined;
    readonly limit: number;
  }): Promise<readonly StoredCopy[]> {
    this.#refuseDead(page.nodeNumber);
    return [...(this.#copies.get(page.nodeNumber) ?? [])]
      .map(([chunkId, epoch]) => ({ chunkId, epoch }))
      .filter((copy) => !this.unlisted.has(`${copy.chunkId}/${page.nodeNumber}`))
      .filter((copy) => page.after === undefined || copy.chunkId > page.after)
      .sort((a, b) => (a.chunkId < b.chunkId ? -1 : 1))
      .slice(0, page.limit);
  }

  /** The node's copy is gone without anybody's doing. */
  lose(nodeNumber: number, chunkId: ChunkId): void {
    this.#copies.get(nodeNumber)?.delete(chunkId);
  }

  holds(nodeNumber: number, chunkId: ChunkId): boolean {
    return this.#copies.get(nodeNumber)?.has(chunkId) === true;
  }

  holdersOf(chunkId: ChunkId): number[] {
    return [...this.#copies.keys()].filter((nodeNumber) => this.holds(nodeNumber, chunkId));
  }

  async deleteChunks(request: {
    readonly nodeNumber: number;
    readonly chunkIds: readonly ChunkId[];
    readonly epochMax: number;
  }): Promise<readonly boolean[]> {
    this.#refuseDead(request.nodeNumber);
    const held = this.#copies.get(request.nodeNumber);
    for (const id of request.chunkIds) {
      if (this.stuck.has(id)) continue;
      if ((held?.get(id) ?? Number.POSITIVE_INFINITY) <= request.epochMax) held?.delete(id);
    }
    await this.beforeAnswer();
    return request.chunkIds.map((id) => !this.stuck.has(id));
  }

  async verify(replica: {
    readonly nodeNumber: number;
    readonly chunkId: ChunkId;
  }): Promise<ReplicaFinding> {
    this.#refuseDead(replica.nodeNumber);
    const isHeld = this.holds(replica.nodeNumber, replica.chunkId);
    const isCorrupt = this.corrupt.has(`${replica.chunkId}/${replica.nodeNumber}`);
    await this.beforeFinding();
    if (!isHeld) return "missing";
    return isCorrupt ? "corrupt" : "intact";
  }

  #refuseDead(nodeNumber: number): void {
    if (this.dead.has(nodeNumber))
      throw new CairnError("unreachable", `node ${nodeNumber} is away`);
  }
}

function nodeIdOf(nodeNumber: number): Uint8Array {
  const id = Buffer.alloc(16);
  id.writeUInt32BE(nodeNumber);
  return id;
}
