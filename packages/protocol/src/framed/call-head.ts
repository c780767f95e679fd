/**
 * The body of a request: how long the caller waits (0: for ever), what is called, and the message.
 *
 *     0           4           6               8
 *     | timeoutMs | pathBytes | metadataBytes | path | metadata ... | message ...
 *
 * The metadata is a row of names and values:
 *
 *     | nameBytes u8 | name | valueBytes u16 | value |
 *
 * The body of a response that failed: the code of gRPC, a text for people, and an encoded cairn.v1.ErrorDetail.
 *
 *     0      1           3
 *     | code | textBytes | text ... | detail ...
 *
 * Paths and names are ASCII, values and texts UTF-8.
 */
import { CairnError } from "@cairnfs/base/errors";
import { METADATA_BYTES_MAX } from "../rpc/limits.ts";
import type { Metadata } from "../rpc/service.ts";
import { statusOf, type WireStatus } from "../rpc/status.ts";
import type { Frame } from "./frame.ts";
import type { FrameWriter } from "./frame-writer.ts";

const HEAD_BYTES = 8;
const PATH_BYTES_MAX = 1024;
const TEXT_BYTES_MAX = 4 * 1024;
const DETAIL_BYTES_MAX = 8 * 1024;
const TIMEOUT_MS_MAX = 0xffff_ffff;

/** What a request says besides its message. */
export interface CallHead {
  readonly path: string;
  readonly timeoutMs: number | undefined;
  readonly metadata: Metadata;
  /** Where in the frame's bytes the message begins. */
  readonly messageStart: number;
}

/** How many bytes the metadata takes; more than is allowed is refused as `invalidArgument`. */
export function metadataSize(metadata: Metadata): number {
  let sizeBytes = 0;
  for (const [name, value] of metadata) {
    if (name.length === 0 || name.length > 255) {
      throw new CairnError("invalidArgument", "a metadata name has 1 to 255 characters");
    }
    sizeBytes += 3 + name.length + Buffer.byteLength(value);
  }
  if (sizeBytes > METADATA_BYTES_MAX) {
    throw new CairnError(
      "invalidArgument",
      `the metadata of a call has at most ${METADATA_BYTES_MAX} bytes, not ${sizeBytes}`,
    );
  }
  return sizeBytes;
}

/** The size of what `writeCallHead` writes. */
export function callHeadSize(path: string, metadataBytes: number): number {
  return HEAD_BYTES + path.length + metadataBytes;
}

export function writeCallHead(
  writer: FrameWriter,
  call: {
    readonly path: string;
    readonly timeoutMs: number | undefined;
    readonly metadata: Metadata;
    readonly metadataBytes: number;
  },
): void {
  const timeoutMs = call.timeoutMs ?? 0;
  writer.uint32(Math.min(Math.ceil(timeoutMs), TIMEOUT_MS_MAX));
  writer.uint16(call.path.length);
  writer.uint16(call.metadataBytes);
  writer.bytes(asciiBytes(call.path));
  for (const [name, value] of call.metadata) {
    writer.uint8(name.length);
    writer.bytes(asciiBytes(name));
    const valueBytes = Buffer.byteLength(value);
    writer.uint16(valueBytes);
    writer.text(value, valueBytes);
  }
}

/** The paths and names that most calls have. */
const KNOWN_ASCII = new Map<string, Uint8Array>();
const KNOWN_ASCII_MAX = 256;

function asciiBytes(text: string): Uint8Array {
  const known = KNOWN_ASCII.get(text);
  if (known !== undefined) return known;
  const bytes = Buffer.from(text, "latin1");
  if (KNOWN_ASCII.size < KNOWN_ASCII_MAX) KNOWN_ASCII.set(text, bytes);
  return bytes;
}

/** The head of a request frame; a body that is none fails with `protocolViolation`. */
export function readCallHead(frame: Frame): CallHead {
  const { bytes, start, end } = frame;
  if (end - start < HEAD_BYTES) throw malformed();
  const timeoutMs = bytes.readUInt32BE(start);
  const pathBytes = bytes.readUInt16BE(start + 4);
  const metadataBytes = bytes.readUInt16BE(start + 6);
  const pathStart = start + HEAD_BYTES;
  const metadataStart = pathStart + pathBytes;
  const messageStart = metadataStart + metadataBytes;
  if (messageStart > end || pathBytes > PATH_BYTES_MAX || metadataBytes > METADATA_BYTES_MAX) {
    throw malformed();
  }
  return {
    path: bytes.toString("latin1", pathStart, metadataStart),
    timeoutMs: timeoutMs === 0 ? undefined : timeoutMs,
    metadata: readMetadata(bytes, metadataStart, messageStart),
    messageStart,
  };
}

const NO_METADATA: Metadata = new Map();

function readMetadata(bytes: Buffer, start: number, end: number): Metadata {
  if (start === end) return NO_METADATA;
  const metadata = new Map<string, string>();
  for (let at = start; at < end; ) {
    const nameStart = at + 1;
    const nameEnd = nameStart + bytes.readUInt8(at);
    const valueStart = nameEnd + 2;
    if (valueStart > end) throw malformed();
    const valueEnd = valueStart + bytes.readUInt16BE(nameEnd);
    if (valueEnd > end) throw malformed();
    metadata.set(
      bytes.toString("latin1", nameStart, nameEnd),
      bytes.toString("utf8", valueStart, valueEnd),
    );
    at = valueEnd;
  }
  return metadata;
}

/** The body of a response that failed. A text or details that are too long are cut or left out. */
export function encodeFailure(error: CairnError): Buffer {
  const { code, message, detail } = statusOf(error);
  const text = Buffer.from(message).subarray(0, TEXT_BYTES_MAX);
  const kept =
    detail.byteLength <= DETAIL_BYTES_MAX
      ? detail
      : statusOf(new CairnError(error.reason, "")).detail;
  const head = Buffer.alloc(3);
  head.writeUInt8(code, 0);
  head.writeUInt16BE(text.byteLength, 1);
  return Buffer.concat([head, text, kept]);
}

/** What the body of a failed response says; a body that is none fails with `protocolViolation`. */
export function decodeFailure(frame: Frame): WireStatus {
  const { bytes, start, end } = frame;
  const textStart = start + 3;
  if (textStart > end) throw malformed();
  const textEnd = textStart + bytes.readUInt16BE(start + 1);
  if (textEnd > end) throw malformed();
  return {
    code: bytes.readUInt8(start),
    message: bytes.toString("utf8", textStart, textEnd),
    detail: Buffer.from(bytes.subarray(textEnd, end)),
  };
}

function malformed(): CairnError {
  return new CairnError("protocolViolation", "the head of a call is malformed");
}
