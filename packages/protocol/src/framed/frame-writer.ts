import type { Socket } from "node:net";
import { isAwaited, partLeft } from "../rpc/sent-parts.ts";
import { FRAME_HEADER_BYTES } from "./frame.ts";

const BATCH_BYTES = 32 * 1024;
/** Smaller parts are cheaper to copy than to be written by themselves. */
const COPIED_BYTES_MAX = 4 * 1024;

/**
 * Gathers what is written in one turn of the event loop and hands it to the socket at once. Large parts are not copied;
 * they stay the giver's and must not change until they are sent.
 */
export class FrameWriter {
  readonly #socket: Socket;
  #batch = Buffer.allocUnsafeSlow(BATCH_BYTES);
  /** The batch up to here was handed over. */
  #sealed = 0;
  #used = 0;
  #pieces: Uint8Array[] = [];
  #queuedBytes = 0;
  #isFlushing = false;
  #isClosed = false;
  #waiting: (() => void)[] = [];

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("drain", () => this.#wake());
  }

  /** What was written and the kernel has not taken yet. */
  get pendingBytes(): number {
    return this.#queuedBytes + this.#socket.writableLength;
  }

  /** Resolves when the kernel has taken everything, or the connection is closed; never rejects. */
  room(): Promise<void> {
    if (this.#isClosed || this.pendingBytes === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Begins a frame; its body must follow. */
  header(type: number, flags: number, streamId: number, bodyBytes: number): void {
    const at = this.#take(FRAME_HEADER_BYTES);
    const batch = this.#batch;
    batch.writeUInt32BE(bodyBytes, at);
    batch.writeUInt32BE(streamId, at + 4);
    batch[at + 8] = type;
    batch[at + 9] = flags;
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    setImmediate(this.#flushNow);
  }

  uint8(value: number): void {
    const at = this.#take(1);
    this.#batch[at] = value;
  }

  uint16(value: number): void {
    const at = this.#take(2);
    this.#batch.writeUInt16BE(value, at);
  }

  uint32(value: number): void {
    const at = this.#take(4);
    this.#batch.writeUInt32BE(value, at);
  }

  text(value: string, sizeBytes: number): void {
    const at = this.#take(sizeBytes);
    this.#batch.write(value, at, sizeBytes, "utf8");
  }

  bytes(part: Uint8Array): void {
    if (part.byteLength <= COPIED_BYTES_MAX) {
      const at = this.#take(part.byteLength);
      this.#batch.set(part, at);
      partLeft(part);
      return;
    }
    this.#seal();
    this.#pieces.push(part);
    this.#queuedBytes += part.byteLength;
  }

  /** Hands everything to the socket now rather than at the end of the turn. */
  flush(): void {
    this.#seal();
    const pieces = this.#pieces;
    const [first] = pieces;
    if (first === undefined || this.#isClosed) return;
    this.#pieces = [];
    this.#queuedBytes = 0;
    const socket = this.#socket;
    let hasRoom: boolean;
    if (pieces.length === 1) {
      hasRoom = this.#send(first);
    } else {
      socket.cork();
      hasRoom = true;
      for (const piece of pieces) hasRoom = this.#send(piece);
      socket.uncork();
    }
    if (hasRoom) this.#wake();
  }

  /** Nothing is written any more; who waits goes on. */
  close(): void {
    this.#isClosed = true;
    this.#pieces = [];
    this.#wake();
  }

  #send(piece: Uint8Array): boolean {
    // Called back also when the socket ends before: the kernel has let go of it then, too.
    return isAwaited(piece)
      ? this.#socket.write(piece, () => partLeft(piece))
      : this.#socket.write(piece);
  }

  readonly #flushNow = (): void => {
    this.#isFlushing = false;
    this.flush();
  };

  #take(sizeBytes: number): number {
    if (this.#used + sizeBytes > this.#batch.byteLength) {
      this.#seal();
      // The old one is still being written: it is let go, not used again.
      this.#batch = Buffer.allocUnsafeSlow(Math.max(BATCH_BYTES, sizeBytes));
      this.#sealed = 0;
      this.#used = 0;
    }
    const at = this.#used;
    this.#used += sizeBytes;
    this.#queuedBytes += sizeBytes;
    return at;
  }

  #seal(): void {
    if (this.#used === this.#sealed) return;
    this.#pieces.push(this.#batch.subarray(this.#sealed, this.#used));
    this.#sealed = this.#used;
  }

  #wake(): void {
    if (this.#waiting.length === 0) return;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
