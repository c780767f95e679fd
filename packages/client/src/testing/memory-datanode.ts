import { sha256 } from "@cairnfs/base/checksum";
import type { Clock } from "@cairnfs/base/clock";
import { CairnError } from "@cairnfs/base/errors";
import { type ChunkId, chunkIdFromBytes, chunkIdToBytes } from "@cairnfs/protocol/chunk-id";
import type { Node } from "@cairnfs/protocol/gen/cairn/v1/common_pb";
import type {
  DataNodeService,
  StoreChunkOpen,
  StoreChunkRequest,
} from "@cairnfs/protocol/gen/cairn/v1/datanode_pb";
import { makeReceipt } from "@cairnfs/protocol/receipt";
import type { ServiceClient } from "@cairnfs/protocol/rpc/client";
import type { Call, ServiceHandlers } from "@cairnfs/protocol/rpc/service";
import { blockChecksums } from "@cairnfs/protocol/transfer/block-checksums";
import { frameToMessage } from "@cairnfs/protocol/transfer/chunk-frame";
import { ChunkReceiver } from "@cairnfs/protocol/transfer/chunk-receiver";
import { blockRange } from "@cairnfs/protocol/transfer/retrieve-chunk";
import { storeChunk } from "@cairnfs/protocol/transfer/store-chunk";

interface Copy {
  bytes: Uint8Array;
  /** Of the bytes as they were stored: a copy that is damaged later keeps them. */
  checksums: number[];
  readonly epoch: number;
}

export interface MemoryDatanodeParts {
  readonly nodeNumber: number;
  readonly receiptKey: Uint8Array;
  readonly clock: Clock;
  /** A client of another node. */
  readonly peer: (node: Node) => ServiceClient<typeof DataNodeService>;
}

/** What keeping a chunk needs to know of the request. */
type KeepTerms = Pick<StoreChunkOpen, "sessionId" | "epoch" | "replicaNodes" | "writeQuorum">;

/** What a result says of the chunk. */
interface StoredTerms {
  readonly chunkId: Uint8Array;
  readonly lengthBytes: bigint;
}

const FRAME_BYTES = 128 * 1024;

/** A datanode of a test: chunks in memory, the real protocol, and what can go wrong. */
export class MemoryDatanode {
  readonly nodeNumber: number;
  readonly copies = new Map<ChunkId, Copy>();
  /** Runs before each read; may wait or throw. */
  beforeRead: (chunkId: ChunkId, signal: AbortSignal) => Promise<void> = async () => undefined;
  /** Runs before each frame of a chunk that is stored is taken; may wait or throw. */
  beforeTake: (offsetBytes: number, signal: AbortSignal) => Promise<void> = async () => undefined;
  /** Runs before each frame that is read is sent. */
  beforeSend: (offsetBytes: number, signal: AbortSignal) => Promise<void> = async () => undefined;
  /** What it says that it stored, of what it did. */
  tell: (stored: StoredTerms) => StoredTerms = (stored) => stored;
  /** Chunk bytes that came over the network to be stored. */
  receivedBytes = 0;
  sentBytes = 0;
  reads = 0;
  /** Chunks that came, and went, in one message. */
  wholePuts = 0;
  wholeReads = 0;
  readonly #parts: MemoryDatanodeParts;

  constructor(parts: MemoryDatanodeParts) {
    this.nodeNumber = parts.nodeNumber;
    this.#parts = parts;
  }

  /** Flips a bit of a copy. */
  corrupt(id: ChunkId, offsetBytes = 0): void {
    const copy = this.copies.get(id);
    if (copy === undefined) throw new Error(`node ${this.nodeNumber} has no chunk ${id}`);
    copy.bytes = Uint8Array.from(copy.bytes);
    copy.bytes[offsetBytes] = (copy.bytes[offsetBytes] ?? 0) ^ 1;
  }

  /** Puts other bytes in the place of a copy, with checksums that fit them. */
  replace(id: ChunkId, bytes: Uint8Array): void {
    this.copies.set(id, { bytes, checksums: blockChecksums(bytes), epoch: 1 });
  }

  handlers(): ServiceHandlers<typeof DataNodeService> {
    const unused = async () => {
      throw new CairnError("unimplemented", "not part of a test's datanode");
    };
    return {
      storeChunk: (requests, call) => this.#store(requests, call),
      retrieveChunk: (requests, call) => this.#retrieve(requests, call),
      hasChunks: async (request) => ({
        chunks: request.chunkIds.map((idBytes) => {
          const id = chunkIdFromBytes(idBytes);
          const copy = this.copies.get(id);
          if (copy === undefined) return { isHeld: false };
          const lengthBytes = copy.bytes.byteLength;
          const claim = { sessionId: request.sessionId, epoch: Number(request.epoch), lengthBytes };
          return {
            isHeld: true,
            lengthBytes: BigInt(lengthBytes),
            ...(request.sessionId.byteLength > 0 && { receipt: this.#receipt(id, claim) }),
          };
        }),
      }),
      putChunk: async (request, call) => {
        await this.beforeTake(0, call.signal);
        if (!request.isIdVerified) this.wholePuts += 1;
        this.receivedBytes += request.data.byteLength;
        const data = Uint8Array.from(request.data);
        return { result: await this.#keep(request, request.chunkId, [data]) };
      },
      getChunk: async (request, call) => {
        const id = chunkIdFromBytes(request.chunkId);
        this.wholeReads += 1;
        await this.beforeRead(id, call.signal);
        const copy = this.copies.get(id);
        if (copy === undefined) throw new CairnError("chunkNotFound", `no chunk ${id} is here`);
        const { bytes, checksums } = copy;
        return {
          chunkLengthBytes: BigInt(bytes.byteLength),
          blockChecksums: checksums,
          data: bytes,
        };
      },
      replicateChunk: unused,
      deleteChunks: unused,
      listChunks: unused,
      verifyChunk: unused,
      healthCheck: unused,
    };
  }

  async *#store(requests: AsyncIterable<StoreChunkRequest>, call: Call) {
    let open: StoreChunkOpen | undefined;
    let receiver: ChunkReceiver | undefined;
    const parts: Uint8Array[] = [];
    let idBytes = new Uint8Array(0);
    for await (const { step } of requests) {
      if (step.case === "open") {
        open = step.value;
        receiver = new ChunkReceiver({
          direction: "store",
          lengthLimitBytes: Number(open.lengthLimitBytes),
          lengthBytes: open.lengthBytes === 0n ? undefined : Number(open.lengthBytes),
          verifiesBlocks: true,
        });
        idBytes = Uint8Array.from(open.chunkId);
      } else if (step.case === "data" && receiver !== undefined) {
        await this.beforeTake(receiver.receivedBytes, call.signal);
        const frame = receiver.accept(step.value);
        parts.push(Uint8Array.from(frame.data));
        this.receivedBytes += frame.data.byteLength;
        if (step.value.chunkId.byteLength > 0) idBytes = Uint8Array.from(step.value.chunkId);
        const bytesReceived = BigInt(receiver.receivedBytes);
        yield { step: { case: "ack" as const, value: { bytesReceived, readyForNext: true } } };
        if (frame.isFinal) break;
      }
    }
    if (open === undefined || receiver === undefined) {
      throw new CairnError("invalidArgument", "a store begins with open");
    }
    receiver.end();
    yield { step: { case: "result" as const, value: await this.#keep(open, idBytes, parts) } };
  }

  async #keep(open: KeepTerms, idBytes: Uint8Array, parts: readonly Uint8Array[]) {
    const bytes = Buffer.concat(parts);
    const id = chunkIdFromBytes(idBytes);
    if (chunkIdFromBytes(sha256(bytes)) !== id) {
      throw new CairnError("chunkMismatch", `the bytes are not those of chunk ${id}`);
    }
    const epoch = Number(open.epoch);
    this.copies.set(id, { bytes, checksums: blockChecksums(bytes), epoch });
    const claim = { sessionId: open.sessionId, epoch, lengthBytes: bytes.byteLength };
    const receipts = [this.#receipt(id, claim)];
    const failures = [];
    for (const node of open.replicaNodes) {
      try {
        const pieces = async function* () {
          yield bytes;
        };
        const copies = await storeChunk(this.#parts.peer(node), pieces(), {
          clock: this.#parts.clock,
          sessionId: open.sessionId,
          epoch,
          writeQuorum: 1,
          chunkId: id,
          lengthBytes: bytes.byteLength,
        });
        receipts.push(...copies.receipts.map(({ nodeNumber, mac }) => ({ nodeNumber, mac })));
      } catch (error) {
        if (!(error instanceof CairnError)) throw error;
        const { nodeNumber } = node;
        failures.push({ nodeNumber, reason: error.reason, message: error.message });
      }
    }
    if (receipts.length < open.writeQuorum) {
      throw new CairnError("quorumNotReached", `${receipts.length} copies are stored`, {
        details: Object.fromEntries(
          failures.map((each) => [`node${each.nodeNumber}`, each.reason]),
        ),
      });
    }
    const stored = { chunkId: idBytes, lengthBytes: BigInt(bytes.byteLength) };
    return { ...this.tell(stored), receipts, failures };
  }

  #receipt(
    chunkId: ChunkId,
    claim: { readonly sessionId: Uint8Array; readonly epoch: number; readonly lengthBytes: number },
  ) {
    const { nodeNumber, receiptKey } = this.#parts;
    return { nodeNumber, mac: makeReceipt(receiptKey, { ...claim, chunkId, nodeNumber }) };
  }

  async *#retrieve(
    requests: Parameters<ServiceHandlers<typeof DataNodeService>["retrieveChunk"]>[0],
    call: Call,
  ) {
    const { open } = await firstOpen(requests);
    const id = chunkIdFromBytes(open.chunkId);
    this.reads += 1;
    await this.beforeRead(id, call.signal);
    const copy = this.copies.get(id);
    if (copy === undefined) {
      throw new CairnError("chunkNotFound", `node ${this.nodeNumber} has no chunk ${id}`);
    }
    const { bytes, checksums } = copy;
    const offsetBytes = Number(open.offsetBytes);
    const wanted = Number(open.lengthBytes) || bytes.byteLength - offsetBytes;
    const blocks = blockRange({
      offsetBytes,
      lengthBytes: wanted,
      chunkLengthBytes: bytes.byteLength,
    });
    const endBytes = blocks.offsetBytes + blocks.lengthBytes;
    for (let at = blocks.offsetBytes; at < endBytes; at += FRAME_BYTES) {
      await this.beforeSend(at, call.signal);
      const data = bytes.subarray(at, Math.min(endBytes, at + FRAME_BYTES));
      const firstBlock = at / 65_536;
      const frame = {
        offsetBytes: at,
        data,
        blockChecksums: checksums.slice(
          firstBlock,
          firstBlock + Math.ceil(data.byteLength / 65_536),
        ),
        isFinal: at + data.byteLength >= endBytes,
      };
      this.sentBytes += data.byteLength;
      yield {
        chunkLengthBytes: BigInt(bytes.byteLength),
        data: frameToMessage(frame, { chunkId: id }),
      };
    }
  }

  /** Ids of the copies, as the wire has them. */
  heldIds(): Uint8Array[] {
    return [...this.copies.keys()].map(chunkIdToBytes);
  }
}

async function firstOpen(
  requests: Parameters<ServiceHandlers<typeof DataNodeService>["retrieveChunk"]>[0],
) {
  const iterator = requests[Symbol.asyncIterator]();
  const first = await iterator.next();
  if (first.done === true || first.value.step.case !== "open") {
    throw new CairnError("invalidArgument", "a retrieval begins with open");
  }
  return { open: first.value.step.value };
}
