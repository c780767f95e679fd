import type { Clock, Timer } from "@cairnfs/base/clock";
import { CairnError } from "@cairnfs/base/errors";
import { chunkIdToBytes } from "@cairnfs/protocol/chunk-id";
import type { DataNodeService } from "@cairnfs/protocol/gen/cairn/v1/datanode_pb";
import type { ServiceClient } from "@cairnfs/protocol/rpc/client";
import { passedOn } from "@cairnfs/protocol/rpc/interceptor";
import type { Call } from "@cairnfs/protocol/rpc/service";
import type { ChunkStore, WholeChunk } from "../store/chunk-store.ts";
import { Acknowledgements, type ReceiptInit, type ReplicaFailureInit } from "./acknowledgements.ts";
import type { CompleteChunk, ForwardProofs } from "./forward-proofs.ts";
import { receiptFrom } from "./receipt-from.ts";
import type { StoreRequest } from "./store-request.ts";

/** A chunk in memory, its id compared with its bytes, and where its copies go. */
export interface WholePut extends StoreRequest {
  readonly chunk: WholeChunk;
}

export interface ReplicateWholeParts {
  readonly store: Pick<ChunkStore, "putWhole">;
  readonly clock: Clock;
  readonly options: {
    /** How long a replica may take while the write quorum is not met, and once it is. */
    readonly replicaCommitMs: number;
    readonly replicaGraceMs: number;
  };
  readonly ownNodeNumber: number;
  /** A client for a replica; throws a CairnError when nobody knows where it is. */
  readonly replica: (nodeNumber: number) => Pick<ServiceClient<typeof DataNodeService>, "putChunk">;
  readonly proofs: ForwardProofs;
  readonly receiptFor: (chunk: CompleteChunk) => ReceiptInit;
  /** Told of each replica that will not have the copy. */
  readonly onReplicaLost: (nodeNumber: number, error: CairnError) => void;
}

export interface WholeResult {
  readonly lengthBytes: bigint;
  readonly receipts: ReceiptInit[];
  readonly failures: ReplicaFailureInit[];
}

/**
 * Stores a chunk here and on its replicas at the same time. Resolves once the own copy and the write quorum are durable and
 * stragglers had their time. When it rejects, a copy may be durable here or there all the same, and is found by the inventory. The
 * bytes are the caller's again when it has resolved without failures.
 */
export async function replicateWhole(
  put: WholePut,
  call: Call,
  parts: ReplicateWholeParts,
): Promise<WholeResult> {
  const { id, data } = put.chunk;
  if (put.replicaNodeNumbers.length === 0) {
    await parts.store.putWhole(put.chunk);
    return resultOf(data, [parts.receiptFor({ chunkId: id, lengthBytes: data.byteLength })], []);
  }
  const running = new WholeReplication(put, call, parts);
  try {
    await running.outcome;
    return resultOf(data, running.receipts, running.failures);
  } finally {
    // The bytes are lent to the store until it is done with them.
    await running.own;
  }
}

function resultOf(
  data: Uint8Array,
  receipts: ReceiptInit[],
  failures: ReplicaFailureInit[],
): WholeResult {
  return { lengthBytes: BigInt(data.byteLength), receipts, failures };
}

class WholeReplication {
  /** Settles when it is decided whether the chunk is stored. */
  readonly outcome: Promise<void>;
  /** Settles when the own store is done with the bytes; never rejects. */
  readonly own: Promise<void>;
  readonly #put: WholePut;
  readonly #parts: ReplicateWholeParts;
  readonly #tally: Acknowledgements;
  readonly #stragglers = new AbortController();
  #grace: Timer | undefined;
  #hasEnded = false;
  /** Set when the quorum is out of reach because replicas refused the bytes: the own copy tells whose fault that is. */
  #refusal: CairnError | undefined;
  #isOwnDurable = false;
  #resolve: () => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;

  constructor(put: WholePut, call: Call, parts: ReplicateWholeParts) {
    this.#put = put;
    this.#parts = parts;
    this.#tally = new Acknowledgements({
      ownNodeNumber: parts.ownNodeNumber,
      replicaNodeNumbers: put.replicaNodeNumbers,
      writeQuorum: put.writeQuorum,
    });
    this.outcome = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    for (const nodeNumber of put.replicaNodeNumbers) void this.#forward(nodeNumber, call);
    this.own = this.#keep();
  }

  get receipts(): ReceiptInit[] {
    return this.#tally.receipts;
  }

  get failures(): ReplicaFailureInit[] {
    return this.#tally.failures;
  }

  async #keep(): Promise<void> {
    const { ownNodeNumber, store, receiptFor } = this.#parts;
    try {
      const { id, lengthBytes } = await store.putWhole(this.#put.chunk);
      this.#isOwnDurable = true;
      this.#tally.keeps(ownNodeNumber, receiptFor({ chunkId: id, lengthBytes }));
      this.#settleIfDecided();
    } catch (error) {
      this.#fail(error);
    }
  }

  async #forward(nodeNumber: number, call: Call): Promise<void> {
    const { chunk, sessionId, epoch } = this.#put;
    const { proofs } = this.#parts;
    const complete = { chunkId: chunk.id, lengthBytes: chunk.data.byteLength };
    const forwardMac = proofs.make(nodeNumber, complete);
    try {
      const { result } = await this.#parts.replica(nodeNumber).putChunk(
        {
          sessionId,
          chunkId: chunkIdToBytes(chunk.id),
          epoch: BigInt(epoch),
          writeQuorum: 1,
          isIdVerified: proofs.canProveTo(nodeNumber),
          forwardMac,
          blockChecksums: [...chunk.blockChecksums],
          data: chunk.data,
        },
        {
          signal: this.#stragglers.signal,
          metadata: passedOn(call),
          timeoutMs: this.#parts.options.replicaCommitMs,
        },
      );
      this.#tally.keeps(nodeNumber, receiptFrom(result, nodeNumber, complete));
      this.#settleIfDecided();
    } catch (error) {
      this.#lost(nodeNumber, error);
    }
  }

  #lost(nodeNumber: number, error: unknown): void {
    if (this.#hasEnded) return;
    if (!(error instanceof CairnError)) {
      this.#fail(error);
      return;
    }
    this.#tally.lost(nodeNumber, error);
    this.#parts.onReplicaLost(nodeNumber, error);
    if (!this.#tally.isQuorumPossible) {
      if (error.reason !== "chunkMismatch") {
        this.#fail(this.#tally.quorumError());
        return;
      }
      this.#refusal = this.#tally.quorumError();
    }
    this.#settleIfDecided();
  }

  #settleIfDecided(): void {
    if (this.#hasEnded) return;
    if (this.#refusal !== undefined) {
      if (this.#isOwnDurable) this.#fail(this.#refusal);
      return;
    }
    if (!this.#tally.isQuorumMet) return;
    if (this.#tally.pendingReplicas.length === 0) {
      this.#end();
      this.#resolve();
      return;
    }
    const { clock, options } = this.#parts;
    this.#grace ??= clock.after(options.replicaGraceMs, () => {
      const message = `no result within ${options.replicaGraceMs} ms after the quorum's`;
      this.#stragglers.abort(new CairnError("stalled", message));
    });
  }

  #fail(error: unknown): void {
    if (this.#hasEnded) return;
    this.#end();
    this.#stragglers.abort(
      new CairnError("cancelled", "the chunk is not stored", { cause: error }),
    );
    this.#reject(error);
  }

  #end(): void {
    this.#hasEnded = true;
    this.#grace?.cancel();
  }
}
