import type { DescMessage, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { present } from "@cairnfs/base/assert";
import { CairnError, type Reason } from "@cairnfs/base/errors";
import { CODECS } from "../gen/codecs.ts";
import { MESSAGE_BYTES_MAX } from "./limits.ts";
import type { MessageCodec } from "./message-codec.ts";
import type { MessageParts } from "./transport.ts";
import { WireReader } from "./wire-reader.ts";
import { WireWriter } from "./wire-writer.ts";

/** Makes the parts of one message after the other: encoding one takes no turn of the event loop. */
const WRITER = new WireWriter();

/**
 * The message as bytes, exactly as protobuf has it. Large fields of bytes are parts of their own and not copied:
 * they are the caller's arrays, and must not change until they are sent.
 */
export function encodeMessage<D extends DescMessage>(
  schema: D,
  init: MessageInitShape<D>,
): MessageParts {
  return encodeWith(codecOf(schema), init);
}

/**
 * The message that `bytes` encode; what is not one fails with `reason`. Fields of bytes are views of `bytes`, and fields
 * that this release does not know are passed over.
 */
export function decodeMessage<D extends DescMessage>(
  schema: D,
  bytes: Uint8Array,
  reason: Reason,
): MessageShape<D> {
  // The register has the codec of each type under its name.
  return decodeWith(codecOf(schema), schema, bytes, reason) as MessageShape<D>;
}

/** A function that does what `encodeMessage` does, for one type. */
export function encoderOf<D extends DescMessage>(
  schema: D,
): (init: MessageInitShape<D>) => MessageParts {
  const codec = codecOf(schema);
  return (init) => encodeWith(codec, init);
}

/** A function that does what `decodeMessage` does, for one type and one reason. */
export function decoderOf<D extends DescMessage>(
  schema: D,
  reason: Reason,
): (bytes: Uint8Array) => MessageShape<D> {
  const codec = codecOf(schema);
  return (bytes) => decodeWith(codec, schema, bytes, reason) as MessageShape<D>;
}

function codecOf(schema: DescMessage): MessageCodec {
  return present(CODECS.get(schema.typeName), `${schema.typeName} has no codec: run npm run gen`);
}

function encodeWith(codec: MessageCodec, init: object): MessageParts {
  WRITER.begin();
  codec.write(WRITER, init as never);
  return WRITER.finish();
}

function decodeWith(codec: MessageCodec, schema: DescMessage, bytes: Uint8Array, reason: Reason) {
  try {
    return codec.read(new WireReader(bytes), bytes.byteLength);
  } catch (cause) {
    if (!(cause instanceof CairnError)) throw cause;
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
