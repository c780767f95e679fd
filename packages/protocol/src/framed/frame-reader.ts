import { CairnError } from "@cairnfs/base/errors";
import type { ReceiveBuffers } from "../rpc/receive-buffers.ts";
import {
  FIRST_BODY_BYTES_MAX,
  FRAME_BODY_BYTES_MAX,
  FRAME_HEADER_BYTES,
  type Frame,
} from "./frame.ts";

const SCRATCH_BYTES = 64 * 1024;
/**
 * Where small frames are read to, on all connections: each read is dealt with before the next one begins. Thousands of connections
 * are idle most of the time, and need no memory of their own for that.
 */
const sharedScratch: Buffer = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
/** For those that have a part of a frame when a read ends; so many lie ready. */
const spareScratches: Buffer[] = [];
const SPARE_SCRATCHES_MAX = 64;
/** A frame that lacks more than this is read to where it stays. */
const DIRECT_BYTES_MIN = 8 * 1024;

export interface FrameEvents {
  /** May throw a CairnError to refuse the frame: that is the end of the connection. */
  onFrame(frame: Frame): void;
  /** The peer broke the rules; nothing is read any more. */
  onViolation(error: CairnError): void;
}

/**
 * Makes frames of the bytes of a socket, which it gives the room to be read into: small frames come through a
 * buffer that is used again and again, a large one straight into the array that its receiver keeps. The room must be filled
 * and told of in one go, with nothing read elsewhere in between.
 */
export class FrameReader {
  readonly #events: FrameEvents;
  readonly #buffers: ReceiveBuffers;
  /** The shared one while nothing is held. */
  #scratch: Buffer = sharedScratch;
  readonly #frame: Frame = {
    type: 0,
    flags: 0,
    streamId: 0,
    bytes: sharedScratch,
    start: 0,
    end: 0,
    isOwned: false,
  };
  /** Bytes at the front of the scratch that are not a whole frame yet. */
  #heldBytes = 0;
  #body: Buffer | undefined;
  #bodyFilledBytes = 0;
  #bodyBytesMax = FIRST_BODY_BYTES_MAX;
  #isStopped = false;

  constructor(events: FrameEvents, buffers: ReceiveBuffers) {
    this.#events = events;
    this.#buffers = buffers;
  }

  /** Whether the peer owes the rest of a frame. */
  get isInFrame(): boolean {
    return this.#body !== undefined || this.#heldBytes > 0;
  }

  /** The peer has said who it is: frames may have their full size from now on. */
  allowLongFrames(): void {
    this.#bodyBytesMax = FRAME_BODY_BYTES_MAX;
  }

  /** Where the next bytes of the socket belong; never empty. */
  room(): Uint8Array {
    if (this.#body !== undefined) return this.#body.subarray(this.#bodyFilledBytes);
    return this.#heldBytes === 0 ? this.#scratch : this.#scratch.subarray(this.#heldBytes);
  }

  /** So many bytes were read into the room. */
  received(sizeBytes: number): void {
    if (this.#isStopped) return;
    try {
      if (this.#body === undefined) this.#readScratch(this.#heldBytes + sizeBytes);
      else this.#readBody(this.#body, sizeBytes);
    } catch (error) {
      this.#isStopped = true;
      // Everything else that is thrown here is a bug, and must not look like the peer's.
      if (!(error instanceof CairnError)) throw error;
      this.#events.onViolation(error);
    }
  }

  /** Nothing that comes from now on is looked at. */
  stop(): void {
    this.#isStopped = true;
  }

  #readBody(body: Buffer, sizeBytes: number): void {
    this.#bodyFilledBytes += sizeBytes;
    if (this.#bodyFilledBytes < body.byteLength) return;
    this.#body = undefined;
    const frame = this.#frame;
    frame.bytes = body;
    frame.start = 0;
    frame.end = body.byteLength;
    frame.isOwned = true;
    this.#events.onFrame(frame);
  }

  #readScratch(filledBytes: number): void {
    const scratch = this.#scratch;
    let at = 0;
    while (filledBytes - at >= FRAME_HEADER_BYTES) {
      const bodyBytes = scratch.readUInt32BE(at);
      if (bodyBytes > this.#bodyBytesMax) throw this.#tooLong(bodyBytes);
      const frame = this.#frame;
      frame.streamId = scratch.readUInt32BE(at + 4);
      frame.type = scratch.readUInt8(at + 8);
      frame.flags = scratch.readUInt8(at + 9);
      const start = at + FRAME_HEADER_BYTES;
      const end = start + bodyBytes;
      if (end > filledBytes) {
        if (
          bodyBytes + FRAME_HEADER_BYTES > SCRATCH_BYTES ||
          end - filledBytes > DIRECT_BYTES_MIN
        ) {
          this.#beginBody(bodyBytes, start, filledBytes);
          return;
        }
        break;
      }
      frame.bytes = scratch;
      frame.start = start;
      frame.end = end;
      frame.isOwned = false;
      this.#events.onFrame(frame);
      if (this.#isStopped) return;
      at = end;
    }
    this.#hold(at, filledBytes);
  }

  /** Keeps what a read has brought of a frame that is not whole. */
  #hold(from: number, filledBytes: number): void {
    const scratch = this.#scratch;
    this.#heldBytes = filledBytes - from;
    if (this.#heldBytes === 0) {
      this.#shareScratch();
    } else if (scratch === sharedScratch) {
      this.#scratch = spareScratches.pop() ?? Buffer.allocUnsafeSlow(SCRATCH_BYTES);
      scratch.copy(this.#scratch, 0, from, filledBytes);
    } else if (from > 0) {
      scratch.copyWithin(0, from, filledBytes);
    }
  }

  #shareScratch(): void {
    if (this.#scratch === sharedScratch) return;
    if (spareScratches.length < SPARE_SCRATCHES_MAX) spareScratches.push(this.#scratch);
    this.#scratch = sharedScratch;
  }

  #beginBody(bodyBytes: number, start: number, filledBytes: number): void {
    const body = this.#buffers.take(bodyBytes);
    this.#bodyFilledBytes = this.#scratch.copy(body, 0, start, filledBytes);
    this.#body = body;
    this.#heldBytes = 0;
    this.#shareScratch();
  }

  #tooLong(bodyBytes: number): CairnError {
    return new CairnError(
      "protocolViolation",
      `a frame has at most ${this.#bodyBytesMax} bytes here, not ${bodyBytes}`,
    );
  }
}
