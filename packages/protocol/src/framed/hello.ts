/**
 * The first frame of each side, on stream 0:
 *
 *     0       4         6   8                 12                16
 *     | magic | version | 0 | messageBytesMax | callsMax        | ...
 *
 * The magic is "CRNF". What follows the sixteen bytes is for later releases of the same version, and is ignored.
 */
import { CairnError } from "@cairnfs/base/errors";
import { MESSAGE_BYTES_MAX } from "../rpc/limits.ts";
import type { Frame } from "./frame.ts";

export const PROTOCOL_VERSION = 1;
const MAGIC = 0x43524e46;
export const HELLO_BYTES = 16;

export interface Hello {
  readonly version: number;
  /** The most bytes its sender takes in one message. */
  readonly messageBytesMax: number;
  /** How many calls its sender works on at once on one connection. */
  readonly callsMax: number;
}

export function encodeHello(hello: Hello): Buffer {
  const bytes = Buffer.alloc(HELLO_BYTES);
  bytes.writeUInt32BE(MAGIC, 0);
  bytes.writeUInt16BE(hello.version, 4);
  bytes.writeUInt32BE(hello.messageBytesMax, 8);
  bytes.writeUInt32BE(hello.callsMax, 12);
  return bytes;
}

/** The hello in a frame; what is none fails with `protocolViolation`. Any version is read. */
export function decodeHello(frame: Frame): Hello {
  const { bytes, start, end } = frame;
  if (end - start < HELLO_BYTES || bytes.readUInt32BE(start) !== MAGIC) {
    throw new CairnError("protocolViolation", "the peer did not begin with a hello");
  }
  return {
    version: bytes.readUInt16BE(start + 4),
    messageBytesMax: bytes.readUInt32BE(start + 8),
    callsMax: bytes.readUInt32BE(start + 12),
  };
}

export function ownHello(callsMax: number): Hello {
  return { version: PROTOCOL_VERSION, messageBytesMax: MESSAGE_BYTES_MAX, callsMax };
}
