import type { MessageInitShape } from "@bufbuild/protobuf";
import { createSha256 } from "@cairnfs/base/checksum";
import type { Clock } from "@cairnfs/base/clock";
import { abortError, CairnError } from "@cairnfs/base/errors";
import {
  BLOCK_BYTES,
  CHUNK_BYTES_MAX,
  type ChunkId,
  chunkIdFromBytes,
  chunkIdToBytes,
} from "../chunk-id.ts";
import type { DataNodeService, RetrieveChunkRequestSchema } from "../gen/cairn/v1/datanode_pb.ts";
import type { ServiceClient } from "../rpc/client.ts";
import type { Metadata } from "../rpc/service.ts";
import { numberFromUint64 } from "../uint64.ts";
import type { ChunkFrame } from "./chunk-frame.ts";
import { ChunkReceiver } from "./chunk-receiver.ts";
import { WINDOW_BYTES_DEFAULT } from "./chunk-sender.ts";
import { Latest } from "./latest.ts";
import type { Ack } from "./send-window.ts";
import { STALL_MS_DEFAULT } from "./store-chunk.ts";
import { Watchdog } from "./watchdog.ts";

export interface RetrieveChunkOptions {
  readonly clock: Clock;
  readonly chunkId: ChunkId;
  /** Where the wanted range starts; 0 unless given. */
  readonly offsetBytes?: number;
  /** How long the wanted range is; to the chunk's end unless given. */
  readonly lengthBytes?: number | undefined;
  /** How long the chunk is, when the caller knows: a copy of another length is `chunkCorrupt`. */
  readonly chunkLengthBytes?: number | undefined;
  /** How many bytes the node may send ahead of the reader; 0 leaves it to the transport. */
  readonly windowBytes?: number;
  /** How long the node may send nothing while the reader waits. */
  readonly stallMs?: number;
  /** Whether blocks and id are verified here; true unless the reader does it himself. */
  readonly verifies?: boolean;
  readonly metadata?: Metadata | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Whole frames of a copy, each block (unless told otherwise) verified against its checksum, from the block that holds the range's start to the one
 * that holds its end. When that is the whole chunk its SHA-256 is verified before the last frame is given (`chunkCorrupt`).
 * The bytes are the reader's. Leaving early ends the call.
 */
export async function* retrieveFrames(
  client: Pick<ServiceClient<typeof DataNodeService>, "retrieveChunk">,
  options: RetrieveChunkOptions,
): AsyncGenerator<ChunkFrame & { readonly chunkLengthBytes: number }, void, undefined> {
  const { signal, stallMs = STALL_MS_DEFAULT } = options;
  const controller = new AbortController();
  let failure: { readonly error: unknown } | undefined;
  const fail = (error: unknown) => {
    failure ??= { error };
    controller.abort(error);
  };
  const onAbort = () => fail(signal === undefined ? undefined : abortError(signal));
  const watchdog = new Watchdog(options.clock, stallMs, () => {
    fail(new CairnError("stalled", `the node sent nothing for ${stallMs} ms`));
  });
  const acks = new Latest<Ack>();
  signal?.addEventListener("abort", onAbort, { once: true });
  if (signal?.aborted) onAbort();

  try {
    const responses = client.retrieveChunk(retrieveRequests(options, acks), {
      signal: controller.signal,
      timeoutMs: Number.POSITIVE_INFINITY,
      metadata: options.metadata,
    });
    let intake: Intake | undefined;
    watchdog.watch();
    for await (const response of responses) {
      watchdog.rest();
      intake ??= new Intake(
        numberFromUint64(response.chunkLengthBytes, "chunk_length_bytes"),
        options,
      );
      if (response.data !== undefined) {
        const frame = intake.receiver.accept(response.data);
        intake.checkId(frame);
        yield { ...frame, chunkLengthBytes: intake.chunkLengthBytes };
        acks.set({ bytesReceived: intake.receiver.receivedBytes, readyForNext: true });
        if (frame.isFinal) acks.end();
      }
      watchdog.watch();
    }
    if (intake === undefined) throw new CairnError("peerGone", "the node sent no frame");
    intake.receiver.end();
  } catch (error) {
    throw failure === undefined ? error : failure.error;
  } finally {
    watchdog.rest();
    acks.end();
    signal?.removeEventListener("abort", onAbort);
  }
}

/** The wanted range of a chunk, verified as `retrieveFrames` says, trimmed to the byte. */
export async function* retrieveChunk(
  client: Pick<ServiceClient<typeof DataNodeService>, "retrieveChunk">,
  options: RetrieveChunkOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { offsetBytes = 0, lengthBytes } = options;
  for await (const frame of retrieveFrames(client, options)) {
    const endBytes = lengthBytes === undefined ? frame.chunkLengthBytes : offsetBytes + lengthBytes;
    const start = Math.max(0, offsetBytes - frame.offsetBytes);
    const end = Math.min(frame.data.byteLength, endBytes - frame.offsetBytes);
    if (end > start) yield frame.data.subarray(start, end);
  }
}

/** What a reader expects of the frames once it knows how long the chunk is. */
class Intake {
  readonly chunkLengthBytes: number;
  readonly receiver: ChunkReceiver;
  readonly #chunkId: ChunkId;
  readonly #hash: ReturnType<typeof createSha256> | undefined;

  constructor(chunkLengthBytes: number, options: RetrieveChunkOptions) {
    const { offsetBytes = 0, chunkId } = options;
    const expectedBytes = options.chunkLengthBytes ?? chunkLengthBytes;
    if (chunkLengthBytes !== expectedBytes) {
      throw new CairnError(
        "chunkCorrupt",
        `the node's copy of chunk ${chunkId} has ${chunkLengthBytes} bytes, expected ${expectedBytes}`,
        { details: { chunkLengthBytes, expectedBytes } },
      );
    }
    if (chunkLengthBytes < 1 || chunkLengthBytes > CHUNK_BYTES_MAX) {
      throw new CairnError(
        "protocolViolation",
        `the node says the chunk has ${chunkLengthBytes} bytes, expected 1 to ${CHUNK_BYTES_MAX}`,
      );
    }
    const range = blockRange({
      offsetBytes,
      lengthBytes: options.lengthBytes ?? chunkLengthBytes - offsetBytes,
      chunkLengthBytes,
    });
    this.chunkLengthBytes = chunkLengthBytes;
    this.#chunkId = chunkId;
    const { verifies = true } = options;
    const isWhole = range.lengthBytes === chunkLengthBytes;
    this.#hash = verifies && isWhole ? createSha256() : undefined;
    this.receiver = new ChunkReceiver({
      direction: "retrieve",
      firstOffsetBytes: range.offsetBytes,
      lengthLimitBytes: range.lengthBytes,
      lengthBytes: range.lengthBytes,
      verifiesBlocks: verifies,
    });
  }

  checkId(frame: ChunkFrame): void {
    if (this.#hash === undefined) return;
    this.#hash.update(frame.data);
    if (!frame.isFinal) return;
    const actual = chunkIdFromBytes(this.#hash.digest());
    if (actual !== this.#chunkId) {
      throw new CairnError(
        "chunkCorrupt",
        `the copy of chunk ${this.#chunkId} has the bytes of ${actual}`,
      );
    }
  }
}

/** The whole blocks that a range of a chunk touches. */
export function blockRange(range: {
  readonly offsetBytes: number;
  readonly lengthBytes: number;
  readonly chunkLengthBytes: number;
}): { readonly offsetBytes: number; readonly lengthBytes: number } {
  const offsetBytes = Math.floor(range.offsetBytes / BLOCK_BYTES) * BLOCK_BYTES;
  const endBytes = Math.min(
    Math.ceil((range.offsetBytes + range.lengthBytes) / BLOCK_BYTES) * BLOCK_BYTES,
    range.chunkLengthBytes,
  );
  return { offsetBytes, lengthBytes: endBytes - offsetBytes };
}

async function* retrieveRequests(
  options: RetrieveChunkOptions,
  acks: Latest<Ack>,
): AsyncGenerator<MessageInitShape<typeof RetrieveChunkRequestSchema>, void, undefined> {
  yield {
    step: {
      case: "open",
      value: {
        chunkId: chunkIdToBytes(options.chunkId),
        offsetBytes: BigInt(options.offsetBytes ?? 0),
        lengthBytes: BigInt(options.lengthBytes ?? 0),
        windowBytes: BigInt(options.windowBytes ?? WINDOW_BYTES_DEFAULT),
      },
    },
  };
  for await (const { bytesReceived, readyForNext } of acks) {
    yield {
      step: { case: "ack", value: { bytesReceived: BigInt(bytesReceived), readyForNext } },
    };
  }
}
