import { backoffMs } from "@cairnfs/base/backoff";
import { createSha256 } from "@cairnfs/base/checksum";
import { CairnError, type Reason } from "@cairnfs/base/errors";
import { chunkIdFromBytes } from "@cairnfs/protocol/chunk-id";
import type { Node } from "@cairnfs/protocol/gen/cairn/v1/common_pb";
import { blockRange } from "@cairnfs/protocol/transfer/retrieve-chunk";
import type { ClientConfig } from "../config.ts";
import type { NodeHealth } from "../node-health.ts";
import type { NodeTable } from "../node-table.ts";
import type { ChunkMap, LocatedChunk } from "./chunk-map.ts";
import { firstOf, type Raced } from "./first-of.ts";
import type { PieceRange } from "./range.ts";
import {
  type DataNodeClient,
  type FrameOutcome,
  openReplicaStream,
  type ReplicaStream,
} from "./replica-stream.ts";
import { replicasInOrder } from "./replicas-in-order.ts";

/** What a reader of pieces works with. */
export interface PieceReaderParts {
  readonly config: ClientConfig;
  readonly nodes: NodeTable;
  readonly health: NodeHealth;
  readonly connect: (node: Node) => DataNodeClient;
  /** Tells the coordinator of a copy that is not what it should be; never waits, never fails. */
  readonly report: (chunk: LocatedChunk, nodeNumber: number, kind: "corrupt" | "missing") => void;
}

export interface PieceRequest {
  readonly chunk: LocatedChunk;
  readonly range: PieceRange;
  /** Where to ask for the chunk again when none of its nodes gives it. */
  readonly map: ChunkMap;
  readonly signal: AbortSignal;
}

/** Rounds over all replicas of a chunk; before each but the first the chunk map and the node table are asked for again. */
const ROUNDS = 3;
/** How often one piece may ask a second replica: where everything is slow, asking twice makes it slower. */
const RIVALS_MOST = 3;

/**
 * The bytes of a part of one chunk, verified block by block (and by the chunk's id when the part is all of it), trimmed to the
 * byte. A replica that is slow gets a rival, one that fails is followed by another from where it stopped. Rejects with
 * `chunkUnavailable` when no node has it, naming each and why.
 */
export async function readPiece(
  parts: PieceReaderParts,
  request: PieceRequest,
): Promise<Uint8Array[]> {
  const reading = new PieceReading(parts, request);
  try {
    return await reading.run();
  } finally {
    reading.stop();
  }
}

class PieceReading {
  readonly #parts: PieceReaderParts;
  readonly #request: PieceRequest;
  readonly #endBytes: number;
  readonly #startBytes: number;
  #chunk: LocatedChunk;
  /** Where the bytes taken so far end, in the chunk; at a block's start until all are there. */
  #atBytes: number;
  #taken: Uint8Array[] = [];
  /** The stream that brought everything so far; `undefined` when there were several. */
  #soleStream: ReplicaStream | "none" | undefined = "none";
  /** The last frame was the stream's final one: if it was the chunk's sole stream, it has compared the id. */
  #isFinal = false;
  #candidates: number[] = [];
  #active: ReplicaStream | undefined;
  #rival: ReplicaStream | undefined;
  #rivals = 0;
  #endActiveRead: () => void = () => undefined;
  readonly #failures = new Map<number, CairnError>();
  /** Nodes whose bytes were wrong: they are not asked again for this piece. */
  readonly #corrupt = new Set<number>();

  constructor(parts: PieceReaderParts, request: PieceRequest) {
    this.#parts = parts;
    this.#request = request;
    this.#chunk = request.chunk;
    const blocks = blockRange({
      ...request.range,
      chunkLengthBytes: request.chunk.lengthBytes,
    });
    this.#startBytes = blocks.offsetBytes;
    this.#endBytes = blocks.offsetBytes + blocks.lengthBytes;
    this.#atBytes = blocks.offsetBytes;
  }

  async run(): Promise<Uint8Array[]> {
    for (let round = 1; round <= ROUNDS; round++) {
      if (round > 1) await this.#lookAgain(round - 1);
      this.#candidates = this.#order();
      if (await this.#readRound()) {
        this.#finishActive();
        return this.#trimmed();
      }
    }
    throw this.#unavailable();
  }

  stop(): void {
    this.#dropActive();
    this.#rival?.cancel();
    this.#rival = undefined;
  }

  /** Reads on until the piece is whole (true) or no candidate is left. */
  async #readRound(): Promise<boolean> {
    while (this.#atBytes < this.#endBytes) {
      this.#request.signal.throwIfAborted();
      if (this.#active === undefined) {
        const nodeNumber = this.#candidates.shift();
        if (nodeNumber === undefined) return false;
        this.#activate(this.#open(nodeNumber));
      }
      const won = await this.#nextOutcome();
      if (won === undefined) continue;
      this.#take(won.stream, won.outcome);
      if (this.#atBytes >= this.#endBytes && !this.#isIntact()) this.#startOver();
    }
    return true;
  }

  /** The outcome of the active stream, or of its rival when that is first. */
  async #nextOutcome(): Promise<
    { readonly stream: ReplicaStream; readonly outcome: FrameOutcome } | undefined
  > {
    const { config, health } = this.#parts;
    const active = this.#active;
    if (active === undefined) return undefined;
    const rival = this.#rival;
    if (rival !== undefined) {
      const raced = await firstOf(config.clock, [active.next(), rival.next()], undefined);
      return this.#settleRace(active, rival, raced);
    }
    const delayMs = config.hedgeDelayMs ?? health.hedgeDelayMs;
    const canHedge =
      this.#candidates.length > 0 &&
      this.#rivals < RIVALS_MOST &&
      delayMs !== Number.POSITIVE_INFINITY;
    const raced = await firstOf(config.clock, [active.next()], canHedge ? delayMs : undefined);
    if (raced === "late") {
      const nodeNumber = this.#candidates.shift();
      if (nodeNumber !== undefined) this.#rival = this.#open(nodeNumber);
      this.#rivals += 1;
      return undefined;
    }
    return { stream: active, outcome: raced.value };
  }

  #settleRace(
    active: ReplicaStream,
    rival: ReplicaStream,
    raced: Raced<FrameOutcome> | "late",
  ): { readonly stream: ReplicaStream; readonly outcome: FrameOutcome } | undefined {
    if (raced === "late") return undefined;
    const winner = raced.index === 0 ? active : rival;
    const loser = raced.index === 0 ? rival : active;
    this.#rival = undefined;
    if (raced.value.kind === "frame") {
      loser.cancel();
      // The loser may still be asked, after all others.
      this.#candidates.push(loser.nodeNumber);
      if (winner === rival) this.#parts.health.failed(loser.nodeNumber);
    }
    if (winner === rival || raced.value.kind !== "frame") {
      const goesOn = raced.value.kind === "frame" ? winner : loser;
      this.#endActiveRead();
      this.#activate(goesOn);
    }
    return { stream: winner, outcome: raced.value };
  }

  #take(stream: ReplicaStream, outcome: FrameOutcome): void {
    const { config, health } = this.#parts;
    if (outcome.kind === "frame") {
      const { frame } = outcome;
      if (frame.offsetBytes === stream.firstOffsetBytes) {
        health.firstBytes(stream.nodeNumber, config.clock.monotonicMs() - stream.startedMs);
      }
      stream.consume();
      if (this.#soleStream === "none") this.#soleStream = stream;
      else if (this.#soleStream !== stream) this.#soleStream = undefined;
      this.#isFinal = frame.isFinal;
      this.#taken.push(frame.data);
      this.#atBytes = frame.offsetBytes + frame.data.byteLength;
      return;
    }
    const error =
      outcome.kind === "failure"
        ? outcome.error
        : new CairnError("protocolViolation", "the node sent fewer bytes than were asked for");
    this.#failed(stream, error);
  }

  #failed(stream: ReplicaStream, error: CairnError): void {
    const { nodeNumber } = stream;
    this.#request.signal.throwIfAborted();
    this.#failures.set(nodeNumber, error);
    if (error.reason === "chunkCorrupt" || error.reason === "rangeNotSatisfiable") {
      this.#corrupt.add(nodeNumber);
      this.#parts.report(this.#chunk, nodeNumber, "corrupt");
    } else if (error.reason === "chunkNotFound") {
      this.#parts.report(this.#chunk, nodeNumber, "missing");
    } else {
      // The disk may have lost the copy, or the node its way to it: the node itself finds out which.
      if (error.reason === "storeFailed") this.#parts.report(this.#chunk, nodeNumber, "corrupt");
      this.#parts.health.failed(nodeNumber);
    }
    if (stream === this.#active) this.#dropActive();
    else stream.cancel();
  }

  /** A stream of a whole chunk compares the id itself at its final frame; what came from several is compared here. */
  #isIntact(): boolean {
    const isWhole = this.#startBytes === 0 && this.#endBytes === this.#chunk.lengthBytes;
    if (!isWhole || (this.#soleStream !== undefined && this.#isFinal)) return true;
    const hash = createSha256();
    for (const part of this.#taken) hash.update(part);
    return chunkIdFromBytes(hash.digest()) === this.#chunk.id;
  }

  /** Nobody knows whose bytes were wrong: everything comes from the next candidate alone. */
  #startOver(): void {
    this.#dropActive();
    this.#taken = [];
    this.#atBytes = this.#startBytes;
    this.#soleStream = "none";
    this.#isFinal = false;
  }

  #trimmed(): Uint8Array[] {
    const { range } = this.#request;
    const cutFront = range.offsetBytes - this.#startBytes;
    const first = this.#taken[0];
    if (first !== undefined && cutFront > 0) this.#taken[0] = first.subarray(cutFront);
    const cutBack = this.#endBytes - (range.offsetBytes + range.lengthBytes);
    const last = this.#taken.at(-1);
    if (last !== undefined && cutBack > 0) {
      this.#taken[this.#taken.length - 1] = last.subarray(0, last.byteLength - cutBack);
    }
    return this.#taken;
  }

  #open(nodeNumber: number): ReplicaStream {
    const { config, nodes, connect } = this.#parts;
    const { signal } = this.#request;
    return openReplicaStream(async () => connect(await nodes.get(nodeNumber, signal)), {
      clock: config.clock,
      nodeNumber,
      chunk: this.#chunk,
      offsetBytes: this.#atBytes,
      lengthBytes: this.#endBytes - this.#atBytes,
      stallMs: config.stallMs,
      signal,
    });
  }

  #activate(stream: ReplicaStream): void {
    this.#active = stream;
    this.#endActiveRead = this.#parts.health.readBegins(stream.nodeNumber);
  }

  #finishActive(): void {
    this.#endActiveRead();
    if (this.#isFinal) this.#active?.finish();
    else this.#active?.cancel();
    this.#active = undefined;
  }

  #dropActive(): void {
    this.#endActiveRead();
    this.#active?.cancel();
    this.#active = undefined;
  }

  #order(): number[] {
    const usable = this.#chunk.nodeNumbers.filter((nodeNumber) => !this.#corrupt.has(nodeNumber));
    return replicasInOrder(this.#parts, usable);
  }

  /** Copies move and nodes change their address: asks for both again. A coordinator that is away is no reason to give up. */
  async #lookAgain(failedRounds: number): Promise<void> {
    const { config, nodes } = this.#parts;
    const { signal, map } = this.#request;
    await config.clock.sleep(
      backoffMs(failedRounds, { baseMs: 100, capMs: 2_000 }, config.random),
      signal,
    );
    try {
      await nodes.resync(signal);
      this.#chunk = await map.refreshed(this.#chunk, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof CairnError)) throw error;
    }
  }

  #unavailable(): CairnError {
    const tried = [...this.#failures].map(
      ([nodeNumber, error]) => `node ${nodeNumber}: ${error.reason} (${error.message})`,
    );
    const reasons = new Set<Reason>([...this.#failures.values()].map((error) => error.reason));
    const where = tried.length === 0 ? "no node is known to hold it" : tried.join("; ");
    return new CairnError(
      "chunkUnavailable",
      `chunk ${this.#chunk.id} at offset ${this.#chunk.offsetBytes} cannot be read: ${where}`,
      {
        details: {
          chunkId: this.#chunk.id,
          offsetBytes: this.#chunk.offsetBytes,
          nodeNumbers: this.#chunk.nodeNumbers.join(","),
          reasons: [...reasons].join(","),
        },
        cause: [...this.#failures.values()].at(-1),
      },
    );
  }
}
