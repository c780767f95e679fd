/**
 * The frame of the fast transport: ten bytes of header, then the body.
 *
 *     0      4        8      9       10
 *     | size | stream | type | flags | body ...
 *
 * All integers are big-endian. `size` counts the body alone. Clients open odd streams, servers none; stream 0 is the
 * connection itself. The register of types and flags is docs/formats/framed-rpc.md.
 */
import { MESSAGE_BYTES_MAX, METADATA_BYTES_MAX } from "../rpc/limits.ts";

export const FRAME_HEADER_BYTES = 10;
/** A message, and beside it the path and the metadata of a call. */
export const FRAME_BODY_BYTES_MAX = MESSAGE_BYTES_MAX + METADATA_BYTES_MAX + 4 * 1024;
/** Before the hello of the peer was read, nothing longer is. */
export const FIRST_BODY_BYTES_MAX = 256;
export const STREAM_ID_MAX = 0x7fff_ffff;

export const FrameType = {
  request: 1,
  response: 2,
  data: 3,
  hello: 4,
  cancel: 5,
  ping: 6,
  pong: 7,
  goaway: 8,
} as const;
export type FrameType = (typeof FrameType)[keyof typeof FrameType];

export const FrameFlag = {
  /** Data: the sender's last of this stream. */
  closed: 0x01,
  /** Request: of a stream; data frames follow. */
  open: 0x02,
  /** There is no message in the body: an empty one would be something else. */
  noData: 0x04,
  /** Response: the body is an error. */
  failed: 0x08,
} as const;

export interface FrameHeader {
  readonly bodyBytes: number;
  readonly streamId: number;
  readonly type: number;
  readonly flags: number;
}

/** A frame as it was received. The object and, unless `isOwned`, the bytes are the reader's again when it gets back control. */
export interface Frame {
  type: number;
  flags: number;
  streamId: number;
  /** Holds the body from `start` to `end`. */
  bytes: Buffer;
  start: number;
  end: number;
  isOwned: boolean;
}

/** Writes the ten bytes of a header at `at`. */
export function putFrameHeader(target: Buffer, at: number, header: FrameHeader): void {
  target.writeUInt32BE(header.bodyBytes, at);
  target.writeUInt32BE(header.streamId, at + 4);
  target[at + 8] = header.type;
  target[at + 9] = header.flags;
}

export function encodeFrameHeader(header: FrameHeader): Buffer {
  const bytes = Buffer.alloc(FRAME_HEADER_BYTES);
  putFrameHeader(bytes, 0, header);
  return bytes;
}

export function decodeFrameHeader(bytes: Buffer): FrameHeader {
  return {
    bodyBytes: bytes.readUInt32BE(0),
    streamId: bytes.readUInt32BE(4),
    type: bytes.readUInt8(8),
    flags: bytes.readUInt8(9),
  };
}

/** The bytes of the frame from `from` on, as an array that the caller keeps. */
export function takeBytes(frame: Frame, from: number): Uint8Array {
  const { bytes, end } = frame;
  if (frame.isOwned) {
    return from === 0 && end === bytes.byteLength ? bytes : bytes.subarray(from, end);
  }
  const sizeBytes = end - from;
  // A slice of the shared pool keeps 8 KiB alive: only where many small ones share it.
  const copy = sizeBytes < 1024 ? Buffer.allocUnsafe(sizeBytes) : Buffer.allocUnsafeSlow(sizeBytes);
  bytes.copy(copy, 0, from, end);
  return copy;
}
