import type { Socket } from "node:net";
import { eventually } from "@cairnfs/base/testing/eventually";
import { MESSAGE_BYTES_MAX } from "../../rpc/limits.ts";
import { encodeFrameHeader, FrameType } from "../frame.ts";
import { encodeHello, PROTOCOL_VERSION } from "../hello.ts";

/** One frame, whatever it says. */
export function frame(
  type: number,
  streamId: number,
  flags = 0,
  body: Uint8Array = Buffer.alloc(0),
) {
  const header = encodeFrameHeader({ bodyBytes: body.byteLength, streamId, type, flags });
  return Buffer.concat([header, body]);
}

/** The first frame of a peer of this version. */
export function hello(version = PROTOCOL_VERSION): Buffer {
  const body = encodeHello({ version, messageBytesMax: MESSAGE_BYTES_MAX, callsMax: 1 });
  return frame(FrameType.hello, 0, 0, body);
}

/** A request of the EchoService, without metadata or deadline. */
export function requestBody(method: string, message: Uint8Array = Buffer.alloc(0)): Buffer {
  const path = Buffer.from(`/cairn.test.v1.EchoService/${method}`);
  const head = Buffer.alloc(8);
  head.writeUInt16BE(path.byteLength, 4);
  return Buffer.concat([head, path, message]);
}

/** A peer that says whatever the test wants. */
export class Stranger {
  readonly socket: Socket;
  received = Buffer.alloc(0);
  isClosed = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (bytes) => {
      this.received = Buffer.concat([this.received, bytes]);
    });
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.isClosed = true;
    });
  }

  say(...parts: Uint8Array[]): void {
    this.socket.write(Buffer.concat(parts));
  }

  /** The types of the whole frames that came so far. */
  frames(): { type: number; streamId: number; flags: number; body: Buffer }[] {
    const frames = [];
    for (let at = 0; at + 10 <= this.received.byteLength; ) {
      const end = at + 10 + this.received.readUInt32BE(at);
      frames.push({
        type: this.received.readUInt8(at + 8),
        streamId: this.received.readUInt32BE(at + 4),
        flags: this.received.readUInt8(at + 9),
        body: this.received.subarray(at + 10, end),
      });
      at = end;
    }
    return frames;
  }

  closed(): Promise<void> {
    return eventually(() => {
      if (!this.isClosed) throw new Error("the connection is open");
    });
  }
}

/** A header that promises a body. */
export function sizeOnly(bodyBytes: number, type: number, streamId: number): Buffer {
  return encodeFrameHeader({ bodyBytes, streamId, type, flags: 0 });
}
