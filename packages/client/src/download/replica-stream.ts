import type { Clock } from "@cairnfs/base/clock";
import { CairnError } from "@cairnfs/base/errors";
import type { DataNodeService } from "@cairnfs/protocol/gen/cairn/v1/datanode_pb";
import type { ServiceClient } from "@cairnfs/protocol/rpc/client";
import type { ChunkFrame } from "@cairnfs/protocol/transfer/chunk-frame";
import { retrieveFrames } from "@cairnfs/protocol/transfer/retrieve-chunk";
import { linkAbort } from "../abort.ts";
import type { LocatedChunk } from "./chunk-map.ts";

export type DataNodeClient = ServiceClient<typeof DataNodeService>;

export type FrameOutcome =
  | { readonly kind: "frame"; readonly frame: ChunkFrame }
  | { readonly kind: "end" }
  | { readonly kind: "failure"; readonly error: CairnError };

/** One node's answer to a read, frame by frame. Its failures are values, so that several can be raced. */
export interface ReplicaStream {
  readonly nodeNumber: number;
  readonly startedMs: number;
  /** Whether it began where the piece begins. */
  readonly firstOffsetBytes: number;
  /** The outcome of the next frame; asked again before it has come, the same. */
  next(): Promise<FrameOutcome>;
  /** The frame was used: `next` asks for the one after it. */
  consume(): void;
  /** Breaks the call off; does not wait. */
  cancel(): void;
  /** Lets the call end by itself after its final frame was used, so that its connection stays of use. Does not wait. */
  finish(): void;
}

export interface ReplicaStreamOptions {
  readonly clock: Clock;
  readonly nodeNumber: number;
  readonly chunk: LocatedChunk;
  readonly offsetBytes: number;
  readonly lengthBytes: number;
  readonly stallMs: number;
  readonly signal: AbortSignal;
}

/** Begins to read a range of a chunk from one node. `connect` may fail: that is the stream's failure. */
export function openReplicaStream(
  connect: () => Promise<DataNodeClient>,
  options: ReplicaStreamOptions,
): ReplicaStream {
  const { clock, chunk } = options;
  const abort = linkAbort(options.signal);
  const frames = readFrames(connect, options, abort.signal);
  let pending: Promise<FrameOutcome> | undefined;
  return {
    nodeNumber: options.nodeNumber,
    startedMs: clock.monotonicMs(),
    firstOffsetBytes: options.offsetBytes,
    next: () => {
      pending ??= frames.next().then(
        (next): FrameOutcome =>
          next.done === true ? { kind: "end" } : { kind: "frame", frame: next.value },
        (error: unknown): FrameOutcome => {
          if (error instanceof CairnError) return { kind: "failure", error };
          throw error;
        },
      );
      return pending;
    },
    consume: () => {
      pending = undefined;
    },
    cancel: () => {
      abort.abort(new CairnError("cancelled", `the read of chunk ${chunk.id} is not needed`));
      abort.release();
      // Frees the call if the reader stands at a frame; what is under way ends by the signal, unheard.
      frames.return().catch(() => undefined);
      pending?.catch(() => undefined);
    },
    finish: () => {
      // All bytes are here and verified: how the call ends changes nothing.
      frames
        .next()
        .catch(() => undefined)
        .finally(abort.release);
    },
  };
}

async function* readFrames(
  connect: () => Promise<DataNodeClient>,
  options: ReplicaStreamOptions,
  signal: AbortSignal,
): AsyncGenerator<ChunkFrame, void, undefined> {
  yield* retrieveFrames(await connect(), {
    clock: options.clock,
    chunkId: options.chunk.id,
    offsetBytes: options.offsetBytes,
    lengthBytes: options.lengthBytes,
    chunkLengthBytes: options.chunk.lengthBytes,
    windowBytes: 0,
    stallMs: options.stallMs,
    signal,
  });
}
