import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Clock } from "@cairnfs/base/clock";
import { CairnError } from "@cairnfs/base/errors";
import type {
  RetrieveChunkRequest,
  RetrieveChunkResponseSchema,
} from "@cairnfs/protocol/gen/cairn/v1/datanode_pb";
import { whenSent } from "@cairnfs/protocol/rpc/sent-parts";
import { type ChunkFrame, frameToMessage } from "@cairnfs/protocol/transfer/chunk-frame";
import { sendWithin } from "@cairnfs/protocol/transfer/chunk-sender";
import { blockRange } from "@cairnfs/protocol/transfer/retrieve-chunk";
import { SendWindow } from "@cairnfs/protocol/transfer/send-window";
import { numberFromUint64 } from "@cairnfs/protocol/uint64";
import type { ChunkStore } from "../store/chunk-store.ts";
import { type AskedRange, askedRange } from "./asked-range.ts";
import { firstMessage } from "./first-message.ts";

export type RetrieveChunkResponseInit = MessageInitShape<typeof RetrieveChunkResponseSchema>;

export interface ServeChunkParts {
  readonly store: ChunkStore;
  readonly clock: Clock;
  /** How long a reader with a window may take nothing. */
  readonly readerStallMs: number;
}

/** Serves a range of a chunk as the reader's first message asks, within the window that it gives. */
export async function* serveChunk(
  requests: AsyncIterable<RetrieveChunkRequest>,
  { store, clock, readerStallMs }: ServeChunkParts,
): AsyncGenerator<RetrieveChunkResponseInit, void, undefined> {
  const messages = requests[Symbol.asyncIterator]();
  const opening = (await firstMessage(messages, clock, readerStallMs))?.step;
  if (opening?.case !== "open") {
    throw new CairnError("invalidArgument", "the first message is no open");
  }
  const windowBytes = numberFromUint64(opening.value.windowBytes, "window_bytes");
  const asked = await askedRange(opening.value, store);
  const window = new SendWindow({ clock, windowBytes, stallMs: readerStallMs });
  // Not awaited: it ends with the reader's messages, and they with the call.
  void acknowledge(messages, window);
  try {
    let chunkLengthBytes = BigInt(asked.chunkLengthBytes);
    const frames = framesOf(store, asked);
    const sent = windowBytes === 0 ? frames : sendWithin(window, frames);
    for await (const frame of sent) {
      yield { chunkLengthBytes, data: frameToMessage(frame, {}) };
      chunkLengthBytes = 0n;
    }
  } finally {
    window.close();
  }
}

/** The store's pieces as frames: it checks the range, and its checksums go along as they were stored. */
async function* framesOf(
  store: ChunkStore,
  asked: AskedRange,
): AsyncGenerator<ChunkFrame, void, undefined> {
  const blocks = blockRange(asked);
  const endBytes = blocks.offsetBytes + blocks.lengthBytes;
  let { offsetBytes } = blocks;
  for await (const { data, blockChecksums, release } of store.read(asked.chunkId, asked)) {
    if (release !== undefined) whenSent(data, release);
    const isFinal = offsetBytes + data.byteLength >= endBytes;
    yield { offsetBytes, data, blockChecksums, isFinal };
    offsetBytes += data.byteLength;
  }
}

async function acknowledge(
  messages: AsyncIterator<RetrieveChunkRequest>,
  window: SendWindow,
): Promise<void> {
  try {
    for (;;) {
      const next = await messages.next();
      if (next.done === true) return;
      const { step } = next.value;
      if (step.case !== "ack") {
        throw new CairnError("invalidArgument", "a message after the open is no acknowledgement");
      }
      window.acknowledge({
        bytesReceived: Number(step.value.bytesReceived),
        readyForNext: step.value.readyForNext,
      });
    }
  } catch (error) {
    window.fail(error);
  }
}
