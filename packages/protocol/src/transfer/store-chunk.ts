import type { MessageInitShape } from "@bufbuild/protobuf";
import { createSha256 } from "@cairnfs/base/checksum";
import type { Clock } from "@cairnfs/base/clock";
import { abortError, CairnError } from "@cairnfs/base/errors";
import { CHUNK_BYTES_MAX, type ChunkId, chunkIdFromBytes, chunkIdToBytes } from "../chunk-id.ts";
import type { Node, Receipt } from "../gen/cairn/v1/common_pb.ts";
import type {
  DataNodeService,
  ReplicaFailure,
  StoreChunkRequestSchema,
  StoreChunkResult,
} from "../gen/cairn/v1/datanode_pb.ts";
import type { ServiceClient } from "../rpc/client.ts";
import { observed } from "../rpc/iterables.ts";
import type { Metadata } from "../rpc/service.ts";
import { numberFromUint64 } from "../uint64.ts";
import { frameToMessage } from "./chunk-frame.ts";
import { cutFrames, FRAME_DATA_BYTES_DEFAULT, WINDOW_BYTES_DEFAULT } from "./chunk-sender.ts";
import { SendWindow } from "./send-window.ts";
import { Watchdog } from "./watchdog.ts";

/** How long a receiver may take none of the bytes in flight. Longer than a primary waits for its replicas. */
export const STALL_MS_DEFAULT = 15_000;
/** How long the nodes may take to make the chunk durable once they have all of it. */
export const RESULT_TIMEOUT_MS_DEFAULT = 60_000;

export interface StoreChunkOptions {
  readonly clock: Clock;
  readonly sessionId: Uint8Array;
  readonly epoch: number;
  /** Copies that must be durable for success, the called node's own counted. */
  readonly writeQuorum: number;
  /** Nodes the called one forwards to. */
  readonly replicaNodeNumbers?: readonly number[];
  /** Where the replicas are, for a node that may not know them yet. */
  readonly replicaNodes?: readonly Node[];
  /**
   * The id when it is known beforehand; a function that is asked for it once all pieces have been read; or nothing,
   * to have it computed while sending.
   */
  readonly chunkId?: ChunkId | (() => ChunkId | Promise<ChunkId>) | undefined;
  /** When known beforehand. */
  readonly lengthBytes?: number | undefined;
  /** At most this long; `lengthBytes` when that is known, else 512 MiB. */
  readonly lengthLimitBytes?: number | undefined;
  readonly frameBytes?: number;
  readonly windowBytes?: number;
  readonly stallMs?: number;
  readonly resultTimeoutMs?: number;
  readonly metadata?: Metadata | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told how many bytes the nodes have taken so far. */
  readonly onProgress?: (bytesReceived: number) => void;
}

/** A chunk that is durable on the nodes whose receipts are here. */
export interface StoredCopies {
  readonly chunkId: ChunkId;
  readonly lengthBytes: number;
  readonly receipts: readonly Receipt[];
  /** Replicas that do not have it, and why. */
  readonly failures: readonly ReplicaFailure[];
}

/**
 * Stores one chunk through `client`: resolves when the write quorum holds it durably. The pieces must stay as they
 * are until then, and are not read to their end when the nodes hold the chunk already. Leaves nothing running behind.
 */
export async function storeChunk(
  client: Pick<ServiceClient<typeof DataNodeService>, "storeChunk">,
  pieces: AsyncIterable<Uint8Array>,
  options: StoreChunkOptions,
): Promise<StoredCopies> {
  const window = new SendWindow({
    clock: options.clock,
    windowBytes: options.windowBytes ?? WINDOW_BYTES_DEFAULT,
    stallMs: options.stallMs ?? STALL_MS_DEFAULT,
  });
  // A node may have the chunk already, and then the pieces are not read.
  const sent: SentChunk = {
    chunkId: typeof options.chunkId === "string" ? options.chunkId : undefined,
    lengthBytes: options.lengthBytes,
  };
  const result = await callStoreChunk(client, storeRequests(pieces, window, options, sent), {
    ...options,
    window,
    resultTimeoutMs: options.resultTimeoutMs ?? RESULT_TIMEOUT_MS_DEFAULT,
  });
  const chunkId = chunkIdFromBytes(result.chunkId);
  const lengthBytes = numberFromUint64(result.lengthBytes, "length_bytes");
  checkStored({ chunkId, lengthBytes }, sent);
  return { chunkId, lengthBytes, receipts: result.receipts, failures: result.failures };
}

/** What a node must have stored, as far as it is known. */
interface SentChunk {
  chunkId: ChunkId | undefined;
  lengthBytes: number | undefined;
}

function checkStored(
  stored: { readonly chunkId: ChunkId; readonly lengthBytes: number },
  sent: SentChunk,
): void {
  const { chunkId, lengthBytes } = stored;
  if (chunkId !== sent.chunkId) {
    const expected = sent.chunkId ?? "none before all of it was sent";
    throw new CairnError(
      "protocolViolation",
      `the node stored chunk ${chunkId}, expected ${expected}`,
    );
  }
  if (lengthBytes !== (sent.lengthBytes ?? lengthBytes)) {
    throw new CairnError(
      "protocolViolation",
      `the node stored ${lengthBytes} bytes of chunk ${chunkId}, expected ${sent.lengthBytes}`,
    );
  }
}

export type StoreChunkRequestInit = MessageInitShape<typeof StoreChunkRequestSchema>;

export interface StoreCallOptions {
  readonly clock: Clock;
  /** Opened by the acknowledgements; when it breaks the call ends with its error. */
  readonly window: SendWindow;
  /** How long to wait for the result once everything was taken. */
  readonly resultTimeoutMs: number;
  readonly metadata?: Metadata | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (bytesReceived: number) => void;
}

/**
 * Carries out one StoreChunk call with requests that somebody else makes; closes the window when it ends. An error of
 * the requests ends the call and is thrown as it is.
 */
export async function callStoreChunk(
  client: Pick<ServiceClient<typeof DataNodeService>, "storeChunk">,
  requests: AsyncIterable<StoreChunkRequestInit>,
  options: StoreCallOptions,
): Promise<StoreChunkResult> {
  const { window, signal, resultTimeoutMs } = options;
  const controller = new AbortController();
  let failure: { readonly error: unknown } | undefined;
  const fail = (error: unknown) => {
    failure ??= { error };
    controller.abort(error);
  };
  const onAbort = () => fail(signal === undefined ? undefined : abortError(signal));
  const patience = new Watchdog(options.clock, resultTimeoutMs, () => {
    fail(new CairnError("stalled", `the node gave no result within ${resultTimeoutMs} ms`));
  });
  window.onFailure(fail);
  signal?.addEventListener("abort", onAbort, { once: true });
  if (signal?.aborted) onAbort();

  const watched = observed(requests, {
    onEnd: () => patience.watch(),
    // The transport may hide what went wrong on our side behind its own words.
    onFailed: fail,
  });

  try {
    const responses = client.storeChunk(watched, {
      signal: controller.signal,
      timeoutMs: Number.POSITIVE_INFINITY,
      metadata: options.metadata,
    });
    for await (const { step } of responses) {
      patience.progress();
      if (step.case === "result") return step.value;
      if (step.case === "ack") {
        window.acknowledge({
          bytesReceived: Number(step.value.bytesReceived),
          readyForNext: step.value.readyForNext,
        });
        options.onProgress?.(window.ackedBytes);
      }
    }
    throw new CairnError("peerGone", "the node ended the call without a result");
  } catch (error) {
    throw failure === undefined ? error : failure.error;
  } finally {
    patience.rest();
    signal?.removeEventListener("abort", onAbort);
    window.close();
  }
}

async function* storeRequests(
  pieces: AsyncIterable<Uint8Array>,
  window: SendWindow,
  options: StoreChunkOptions,
  sent: SentChunk,
): AsyncGenerator<StoreChunkRequestInit, void, undefined> {
  const { chunkId, sessionId, frameBytes = FRAME_DATA_BYTES_DEFAULT } = options;
  const hash = chunkId === undefined ? createSha256() : undefined;
  yield openRequest(options);
  for await (const frame of cutFrames(pieces, frameBytes)) {
    await window.room(frame.data.byteLength);
    window.sent(frame.data.byteLength);
    hash?.update(frame.data);
    let finalId: ChunkId | undefined;
    if (frame.isFinal) {
      if (hash !== undefined) finalId = chunkIdFromBytes(hash.digest());
      else finalId = typeof chunkId === "function" ? await chunkId() : chunkId;
      sent.chunkId = finalId;
      sent.lengthBytes = frame.offsetBytes + frame.data.byteLength;
    }
    const value = frameToMessage(frame, { sessionId, chunkId: finalId });
    yield { step: { case: "data", value } };
  }
}

function openRequest(options: StoreChunkOptions): StoreChunkRequestInit {
  const { chunkId, lengthBytes } = options;
  const lengthLimitBytes = options.lengthLimitBytes ?? lengthBytes ?? CHUNK_BYTES_MAX;
  return {
    step: {
      case: "open",
      value: {
        sessionId: options.sessionId,
        chunkId: typeof chunkId === "string" ? chunkIdToBytes(chunkId) : new Uint8Array(0),
        lengthBytes: BigInt(lengthBytes ?? 0),
        lengthLimitBytes: BigInt(lengthLimitBytes),
        replicaNodeNumbers: [...(options.replicaNodeNumbers ?? [])],
        replicaNodes: [...(options.replicaNodes ?? [])],
        writeQuorum: options.writeQuorum,
        epoch: BigInt(options.epoch),
      },
    },
  };
}
