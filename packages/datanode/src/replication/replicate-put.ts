import type { MessageInitShape } from "@bufbuild/protobuf";
import { present } from "@cairnfs/base/assert";
import { createSha256, type Sha256 } from "@cairnfs/base/checksum";
import type { Timer } from "@cairnfs/base/clock";
import { abortError, CairnError, hasReason } from "@cairnfs/base/errors";
import { type ChunkId, chunkIdFromBytes, chunkIdToBytes } from "@cairnfs/protocol/chunk-id";
import type {
  StoreChunkRequest,
  StoreChunkResponseSchema,
  StoreChunkResult,
  StoreChunkResultSchema,
} from "@cairnfs/protocol/gen/cairn/v1/datanode_pb";
import { passedOn } from "@cairnfs/protocol/rpc/interceptor";
import type { Call } from "@cairnfs/protocol/rpc/service";
import type { ChunkFrame } from "@cairnfs/protocol/transfer/chunk-frame";
import { ChunkReceiver } from "@cairnfs/protocol/transfer/chunk-receiver";
import { Latest } from "@cairnfs/protocol/transfer/latest";
import type { Ack } from "@cairnfs/protocol/transfer/send-window";
import { Watchdog } from "@cairnfs/protocol/transfer/watchdog";
import type { ChunkWriter } from "../store/chunk-store.ts";
import { Acknowledgements, type ReceiptInit } from "./acknowledgements.ts";
import { type CompleteChunk, forwardedOpen } from "./forward-proofs.ts";
import { FrameLine } from "./frame-line.ts";
import { receiptFrom } from "./receipt-from.ts";
import { ReplicaStream } from "./replica-stream.ts";
import type { ReplicatePutParts } from "./replicate-put-parts.ts";
import type { StoreRequest } from "./store-request.ts";
import { UntakenFrames } from "./untaken-frames.ts";

export type StoreChunkResponseInit = MessageInitShape<typeof StoreChunkResponseSchema>;
type ResultInit = MessageInitShape<typeof StoreChunkResultSchema>;

/**
 * The first node's part in storing a chunk: writes what arrives to its own store, forwards the same messages to the replicas,
 * and acknowledges to the sender what the slowest of them has taken. Ends with a result once the own copy and the write quorum
 * are durable and stragglers had their time. When it throws, a copy may be durable here or there all the same, and is found by the
 * inventory. Bytes in memory are bounded by the window, whatever the chunk's length.
 */
export async function* replicatePut(
  request: StoreRequest,
  messages: AsyncIterator<StoreChunkRequest>,
  call: Call,
  parts: ReplicatePutParts,
): AsyncGenerator<StoreChunkResponseInit, void, undefined> {
  const { lengthBytes, lengthLimitBytes, epoch } = request;
  const writer = await parts.store.put({
    lengthBytes,
    lengthLimitBytes,
    epoch,
    isIdVerified: true,
    areBlocksVerified: request.replicaNodeNumbers.length > 0,
  });
  const put = new ReplicatedPut(request, writer, call, parts);
  const onAbort = () => put.fail(abortError(call.signal));
  call.signal.addEventListener("abort", onAbort, { once: true });
  if (call.signal.aborted) onAbort();
  try {
    put.start(messages);
    for await (const { bytesReceived, readyForNext } of put.acks) {
      const value = { bytesReceived: BigInt(bytesReceived), readyForNext };
      yield { step: { case: "ack", value } };
    }
    yield { step: { case: "result", value: put.result() } };
  } finally {
    call.signal.removeEventListener("abort", onAbort);
    await put.close();
  }
}

class ReplicatedPut {
  readonly acks = new Latest<Ack>();
  readonly #request: StoreRequest;
  readonly #writer: ChunkWriter;
  readonly #parts: ReplicatePutParts;
  readonly #receiver: ChunkReceiver;
  /** Undefined when the sender compares the id, which it has to prove. */
  readonly #hash: Sha256 | undefined;
  readonly #tally: Acknowledgements;
  readonly #ownLine = new FrameLine<ChunkFrame>();
  readonly #replicas = new Map<number, ReplicaStream>();
  readonly #idle: Watchdog;
  #keeping: Promise<void> | undefined;
  #ownTakenBytes = 0;
  #ackedBytes = 0;
  readonly #untaken = new UntakenFrames();
  #isOwnDurable = false;
  #chunkId: ChunkId | undefined;
  #hasEnded = false;
  /** Set when the quorum is out of reach because replicas refused the bytes: the own copy tells whose fault that is. */
  #refusal: CairnError | undefined;
  #grace: Timer | undefined;
  #onTaken: (() => void) | undefined;
  readonly #call: Call;

  constructor(request: StoreRequest, writer: ChunkWriter, call: Call, parts: ReplicatePutParts) {
    this.#request = request;
    this.#writer = writer;
    this.#call = call;
    this.#parts = parts;
    this.#chunkId = request.chunkId;
    const isProofAnnounced = request.isIdVerified && parts.proofs.canCheck;
    this.#hash = isProofAnnounced ? undefined : createSha256();
    // Without replicas the store compares.
    if (request.replicaNodeNumbers.length === 0) {
      this.#untaken.provenElsewhere(Number.POSITIVE_INFINITY);
    }
    this.#receiver = new ChunkReceiver({
      direction: "store",
      lengthLimitBytes: request.lengthLimitBytes,
      lengthBytes: request.lengthBytes,
      // The store or a replica does.
      verifiesBlocks: false,
    });
    this.#tally = new Acknowledgements({
      ownNodeNumber: parts.ownNodeNumber,
      replicaNodeNumbers: request.replicaNodeNumbers,
      writeQuorum: request.writeQuorum,
    });
    const { receiveStallMs } = parts.options;
    this.#idle = new Watchdog(parts.clock, receiveStallMs, () => {
      this.fail(new CairnError("stalled", `the sender sent nothing for ${receiveStallMs} ms`));
    });
  }

  start(messages: AsyncIterator<StoreChunkRequest>): void {
    for (const nodeNumber of this.#request.replicaNodeNumbers) this.#openReplica(nodeNumber);
    this.#keeping = this.#keep();
    // Not awaited: it ends with the stream of messages, which ends with the call. Its failures are the put's.
    void this.#receive(messages);
  }

  result(): ResultInit {
    return {
      chunkId: chunkIdToBytes(this.#knownId()),
      lengthBytes: BigInt(this.#receiver.receivedBytes),
      receipts: this.#tally.receipts,
      failures: this.#tally.failures,
    };
  }

  /** Ends everything that goes on with `error`, unless it has ended. */
  fail(error: unknown): void {
    if (this.#hasEnded) return;
    this.#end(error);
    this.acks.fail(error);
  }

  /** Resolves when nothing goes on any more and the own copy is either kept or forgotten. */
  async close(): Promise<void> {
    if (!this.#hasEnded) this.fail(new CairnError("cancelled", "the caller left"));
    await this.#keeping;
  }

  #end(reason: unknown): void {
    this.#hasEnded = true;
    this.#grace?.cancel();
    this.#idle.rest();
    this.#ownLine.fail(reason);
    for (const replica of this.#replicas.values()) replica.abort(reason);
    this.#onTaken?.();
    this.#untaken.wake();
  }

  #finish(): void {
    if (this.#hasEnded) return;
    this.#end(new CairnError("cancelled", "the chunk is stored"));
    this.acks.end();
  }

  async #receive(messages: AsyncIterator<StoreChunkRequest>): Promise<void> {
    try {
      while (!this.#receiver.isComplete) {
        await this.#roomInWindow();
        if (this.#hasEnded) return;
        this.#idle.watch();
        const next = await messages.next();
        this.#idle.rest();
        if (this.#hasEnded) return;
        if (next.done === true) this.#receiver.end();
        else this.#take(next.value);
      }
      this.#ownLine.end();
      for (const replica of this.#replicas.values()) replica.end();
    } catch (error) {
      this.fail(error);
    }
  }

  #take(message: StoreChunkRequest): void {
    if (message.step.case !== "data") {
      throw new CairnError("invalidArgument", "a message after the open has no data");
    }
    const { proofs } = this.#parts;
    const { value } = message.step;
    if (value.chunkId.byteLength > 0) this.#learnId(chunkIdFromBytes(value.chunkId));
    const frame = this.#receiver.accept(value);
    this.#hash?.update(frame.data);
    const chunk = frame.isFinal ? this.#complete() : undefined;
    // Nobody gets the final frame of bytes that are not the id's.
    if (chunk !== undefined) proofs.checkId(chunk, this.#hash, value.forwardMac);
    for (const nodeNumber of this.#tally.pendingReplicas) {
      const onward = chunk === undefined ? message : proofs.provenFrame(value, nodeNumber, chunk);
      this.#replicas.get(nodeNumber)?.push(onward, frame.data.byteLength);
    }
    this.#ownLine.push(frame);
    this.#untaken.push(frame);
  }

  #learnId(chunkId: ChunkId): void {
    this.#chunkId ??= chunkId;
    if (this.#chunkId === chunkId) return;
    throw new CairnError(
      "chunkMismatch",
      `a frame is of chunk ${chunkId}, expected ${this.#chunkId}`,
    );
  }

  #complete(): CompleteChunk {
    return { chunkId: this.#knownId(), lengthBytes: this.#receiver.receivedBytes };
  }

  #knownId(): ChunkId {
    if (this.#chunkId !== undefined) return this.#chunkId;
    throw new CairnError("invalidArgument", "the final frame has no chunk id and none was known");
  }

  /** A sender that keeps to its window never waits here; one that does not is held up instead of filling memory. */
  async #roomInWindow(): Promise<void> {
    while (!this.#hasEnded && this.#untakenBytes() >= this.#parts.options.windowBytes) {
      await new Promise<void>((resolve) => {
        this.#onTaken = resolve;
      });
      this.#onTaken = undefined;
    }
  }

  #untakenBytes(): number {
    const { receivedBytes } = this.#receiver;
    return receivedBytes - (this.#tally.takenBytes ?? receivedBytes);
  }

  #advance(): void {
    if (this.#hasEnded) return;
    const bytesReceived = this.#receiver.receivedBytes - this.#untakenBytes();
    // Who is ahead of the slowest makes no difference to the sender.
    if (bytesReceived > this.#ackedBytes) {
      this.#ackedBytes = bytesReceived;
      this.acks.set({ bytesReceived, readyForNext: true });
      this.#try(() => this.#untaken.release(bytesReceived));
    }
    this.#onTaken?.();
    this.#untaken.wake();
  }

  /** Whether the frames match their checksums; the put has failed when they do not. */
  #try(proveFrames: () => void): boolean {
    try {
      proveFrames();
      return true;
    } catch (error) {
      this.fail(error);
      return false;
    }
  }

  /** Makes sure of all blocks before they are kept: a replica is about to have taken the last of them, or none will. */
  async #proveRest(): Promise<void> {
    const { proofs } = this.#parts;
    await this.#untaken.provenByOthers(
      this.#receiver.receivedBytes,
      this.#parts.clock,
      () => !this.#hasEnded && this.#tally.pendingReplicas.some(proofs.canProveTo, proofs),
    );
    if (this.#hasEnded || !this.#try(() => this.#untaken.prove())) {
      throw new CairnError("cancelled", "the put has failed");
    }
  }

  /** The own copy: written as frames arrive, committed when they are complete, forgotten when the put fails before. */
  async #keep(): Promise<void> {
    const { ownNodeNumber } = this.#parts;
    let isCommitting = false;
    try {
      for await (const frame of this.#ownLine) {
        if (frame.data.byteLength > 0) await this.#writer.write(frame);
        this.#ownTakenBytes += frame.data.byteLength;
        this.#tally.took(ownNodeNumber, this.#ownTakenBytes);
        this.#advance();
        this.#failIfRefused();
      }
      await this.#proveRest();
      isCommitting = true;
      const { id, lengthBytes } = await this.#writer.commit(this.#knownId());
      this.#isOwnDurable = true;
      this.#tally.keeps(ownNodeNumber, this.#parts.receiptFor({ chunkId: id, lengthBytes }));
      this.#failIfRefused();
      this.#finishIfEnough();
    } catch (error) {
      this.fail(error);
      if (!isCommitting) await this.#writer.abort();
    }
  }

  #openReplica(nodeNumber: number): void {
    const { clock, options, proofs } = this.#parts;
    const open = forwardedOpen(this.#request, proofs.canProveTo(nodeNumber));
    try {
      const stream = new ReplicaStream(this.#parts.replica(nodeNumber), open, {
        clock,
        stallMs: options.replicaStallMs,
        commitMs: options.replicaCommitMs,
        metadata: passedOn(this.#call),
        onProgress: (takenBytes) => {
          // What the client says is a node could say anything.
          if (proofs.canProveTo(nodeNumber)) this.#untaken.provenElsewhere(takenBytes);
          this.#tally.took(nodeNumber, takenBytes);
          this.#advance();
        },
      });
      this.#replicas.set(nodeNumber, stream);
      stream.result.then(
        (result) => this.#replicaKeeps(nodeNumber, result),
        (error: unknown) => this.#replicaLost(nodeNumber, error),
      );
    } catch (error) {
      this.#replicaLost(nodeNumber, error);
    }
  }

  #replicaKeeps(nodeNumber: number, result: StoreChunkResult): void {
    const chunkId = this.#chunkId;
    const lengthBytes = this.#request.lengthBytes ?? this.#receiver.receivedBytes;
    const chunk = chunkId === undefined ? undefined : { chunkId, lengthBytes };
    let receipt: ReceiptInit;
    try {
      receipt = receiptFrom(result, nodeNumber, chunk);
    } catch (error) {
      this.#replicaLost(nodeNumber, error);
      return;
    }
    // One that had the chunk already has not read all that is on its way there.
    if (!this.#hasTakenAll(nodeNumber)) this.#untaken.linger();
    this.#tally.keeps(nodeNumber, receipt);
    this.#advance();
    this.#finishIfEnough();
  }

  #hasTakenAll(nodeNumber: number): boolean {
    const { isComplete, receivedBytes } = this.#receiver;
    return isComplete && this.#replicas.get(nodeNumber)?.takenBytes === receivedBytes;
  }

  #replicaLost(nodeNumber: number, error: unknown): void {
    if (this.#hasEnded) return;
    if (!(error instanceof CairnError)) {
      this.fail(error);
      return;
    }
    this.#untaken.linger();
    this.#tally.lost(nodeNumber, error);
    this.#parts.onReplicaLost(nodeNumber, error);
    if (!this.#tally.isQuorumPossible) {
      const failure = this.#tally.quorumError();
      if (!hasReason(error, "chunkMismatch")) {
        this.fail(failure);
        return;
      }
      this.#refusal = failure;
      this.#failIfRefused();
    }
    this.#advance();
    this.#finishIfEnough();
  }

  /** Fails once the own store has judged everything that a replica may have refused, and found nothing wrong with it. */
  #failIfRefused(): void {
    const { isComplete, receivedBytes } = this.#receiver;
    const isJudged = isComplete ? this.#isOwnDurable : this.#ownTakenBytes === receivedBytes;
    if (this.#refusal === undefined || !isJudged) return;
    if (this.#try(() => this.#untaken.prove())) this.fail(this.#refusal);
  }

  #finishIfEnough(): void {
    if (this.#hasEnded || !this.#tally.isQuorumMet) return;
    if (this.#tally.pendingReplicas.length === 0) {
      this.#finish();
      return;
    }
    const { replicaGraceMs } = this.#parts.options;
    this.#grace ??= this.#parts.clock.after(replicaGraceMs, () => {
      for (const nodeNumber of this.#tally.pendingReplicas) {
        const replica = present(this.#replicas.get(nodeNumber), "a pending replica has a stream");
        replica.abort(
          new CairnError("stalled", `no result within ${replicaGraceMs} ms after the quorum's`),
        );
      }
    });
  }
}
