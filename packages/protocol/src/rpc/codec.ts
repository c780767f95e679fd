import {
  create,
  type DescMessage,
  fromBinary,
  type Message,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { CairnError, type Reason } from "@cairnfs/base/errors";
import {
  type ChunkDataStream,
  ChunkDataStreamSchema,
  type RetrieveChunkResponse,
  RetrieveChunkResponseSchema,
  type StoreChunkRequest,
} from "../gen/cairn/v1/datanode_pb.ts";
import { MESSAGE_BYTES_MAX } from "./limits.ts";
import type { MessageParts } from "./transport.ts";

/*
 * Messages that carry a ChunkDataStream have it in field 15, their last, and its `data` is field 15 as well. So
 * the payload ends the encoding, and header and payload are two parts:
 *
 *     [ other fields | 7a len | fields 1 to 5 of the stream | 7a len ] [ data ... ]
 */
const FIELD_15_BYTES = (15 << 3) | 2;
const NO_BYTES = new Uint8Array(0);

/**
 * The message as bytes, exactly as protobuf has it. The payload of a chunk stream is a part of its own and
 * not copied: it is the caller's array, and must not change until it is sent.
 */
export function encodeMessage<D extends DescMessage>(
  schema: D,
  init: MessageInitShape<D>,
): MessageParts {
  const message = create(schema, init);
  const split = SPLIT_BY_TYPE.get(schema.typeName);
  return split?.(message) ?? [toBinary(schema, message)];
}

/**
 * The message that `bytes` encode; what is not one fails with `reason`. Fields of bytes are views of `bytes`.
 */
export function decodeMessage<D extends DescMessage>(
  schema: D,
  bytes: Uint8Array,
  reason: Reason,
): MessageShape<D> {
  try {
    return fromBinary(schema, bytes);
  } catch (cause) {
    // Whatever the decoder says of bytes from outside, it means this.
    throw new CairnError(reason, `${bytes.byteLength} bytes are no ${schema.typeName}`, { cause });
  }
}

/** How many bytes the parts have together. */
export function sizeOfParts(parts: MessageParts): number {
  let sizeBytes = 0;
  for (const part of parts) sizeBytes += part.byteLength;
  return sizeBytes;
}

/** The size of the parts, which is within the limit for messages; otherwise `messageTooLarge`. */
export function checkedSizeOfParts(parts: MessageParts): number {
  const sizeBytes = sizeOfParts(parts);
  if (sizeBytes > MESSAGE_BYTES_MAX) {
    throw new CairnError(
      "messageTooLarge",
      `a message has at most ${MESSAGE_BYTES_MAX} bytes, not ${sizeBytes}`,
      { details: { sizeBytes } },
    );
  }
  return sizeBytes;
}

/** The parts in one array of their own. */
export function joinParts(parts: MessageParts): Uint8Array {
  const joined = new Uint8Array(sizeOfParts(parts));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.byteLength;
  }
  return joined;
}

/** Undefined where there is no payload to keep apart. The types are those of the keys below. */
const SPLIT_BY_TYPE: ReadonlyMap<string, (message: Message) => MessageParts | undefined> = new Map([
  [
    "cairn.v1.StoreChunkRequest",
    (message: Message) => {
      const { step, $unknown } = message as StoreChunkRequest;
      if (step.case !== "data" || $unknown !== undefined) return undefined;
      return splitStream(NO_BYTES, step.value);
    },
  ],
  [
    "cairn.v1.RetrieveChunkResponse",
    (message: Message) => {
      const { data, chunkLengthBytes, $unknown } = message as RetrieveChunkResponse;
      if (data === undefined || $unknown !== undefined) return undefined;
      const rest =
        chunkLengthBytes === 0n
          ? NO_BYTES
          : toBinary(
              RetrieveChunkResponseSchema,
              create(RetrieveChunkResponseSchema, { chunkLengthBytes }),
            );
      return splitStream(rest, data);
    },
  ],
]);

function splitStream(rest: Uint8Array, stream: ChunkDataStream): MessageParts | undefined {
  const payload = stream.data;
  if (payload.byteLength === 0 || stream.$unknown !== undefined) return undefined;
  const fields = toBinary(ChunkDataStreamSchema, { ...stream, data: NO_BYTES });
  const payloadLengthBytes = varintSize(payload.byteLength);
  const streamBytes = fields.byteLength + 1 + payloadLengthBytes + payload.byteLength;
  const header = new Uint8Array(
    rest.byteLength + 1 + varintSize(streamBytes) + (streamBytes - payload.byteLength),
  );
  header.set(rest);
  header[rest.byteLength] = FIELD_15_BYTES;
  let at = putVarint(header, rest.byteLength + 1, streamBytes);
  header.set(fields, at);
  at += fields.byteLength;
  header[at] = FIELD_15_BYTES;
  putVarint(header, at + 1, payload.byteLength);
  return [header, payload];
}

function varintSize(value: number): number {
  let sizeBytes = 1;
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 128)) sizeBytes += 1;
  return sizeBytes;
}

/** Writes `value` at `at` and gives the place behind it. */
function putVarint(target: Uint8Array, at: number, value: number): number {
  let next = at;
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) target[next++] = (rest % 128) | 0x80;
  target[next++] = rest;
  return next;
}
