import type { Clock } from "@cairnfs/base/clock";
import { abortError, CairnError } from "@cairnfs/base/errors";
import { sizeOfParts } from "../rpc/codec.ts";
import { UNREAD_BYTES_MAX } from "../rpc/limits.ts";
import type { OutgoingStream, StreamWire } from "../rpc/outgoing-stream.ts";
import { errorFromStatus } from "../rpc/status.ts";
import type { MessageParts, WireCallOptions } from "../rpc/transport.ts";
import { callHeadSize, decodeFailure, metadataSize, writeCallHead } from "./call-head.ts";
import { CALLS_MAX, type Connection, type ConnectionOwner } from "./connection.ts";
import { Deadlines } from "./deadlines.ts";
import { type Frame, FrameFlag, FrameType, STREAM_ID_MAX, takeBytes } from "./frame.ts";

/** What a connection tells the transport that it belongs to. */
export interface ClientConnectionEvents {
  /** No more calls may be made on it. Those under way go on. */
  onRetired(connection: ClientConnection): void;
  /** There is room for calls again, or its only stream has ended. */
  onRoom(connection: ClientConnection): void;
  /** Whether calls wait for room on it. */
  hasWaiting(): boolean;
}

/** One who waits for the frames of a call. */
interface Pending {
  /** By the connection's clock; undefined when something else watches over it. */
  readonly deadlineMs: number | undefined;
  /** A data frame; a stream that is full gives false. */
  onData(message: Uint8Array): boolean;
  onEnd(frame: Frame): void;
  onFailed(error: CairnError): void;
}

/** A client's connection: many small calls side by side, or one stream at a time. */
export class ClientConnection implements ConnectionOwner {
  readonly #connection: Connection;
  readonly #events: ClientConnectionEvents;
  readonly #pending = new Map<number, Pending>();
  readonly #deadlines: Deadlines;
  #nextId: number;
  #isRetired = false;
  #hasGoaway = false;
  #isAwaitingRoom = false;

  constructor(
    clock: Clock,
    connect: (owner: ConnectionOwner) => Connection,
    events: ClientConnectionEvents,
    firstId = 1,
  ) {
    this.#events = events;
    this.#nextId = firstId;
    this.#deadlines = new Deadlines(clock, (nowMs) => this.#expire(nowMs));
    this.#connection = connect(this);
  }

  get hasCalls(): boolean {
    return this.#pending.size > 0 || (!this.#isRetired && this.#events.hasWaiting());
  }

  get isRetired(): boolean {
    return this.#isRetired;
  }

  /** Whether another small call may be made now. */
  get hasRoom(): boolean {
    return (
      this.#pending.size < CALLS_MAX && this.#connection.writer.pendingBytes < 8 * UNREAD_BYTES_MAX
    );
  }

  /** Calls back once when what was written has gone out or the connection has ended; nothing when it is to do so already. */
  onceWritten(done: () => void): void {
    const { writer } = this.#connection;
    if (this.#isAwaitingRoom || writer.pendingBytes === 0) return;
    this.#isAwaitingRoom = true;
    void writer.room().then(() => {
      this.#isAwaitingRoom = false;
      done();
    });
  }

  unary(path: string, request: MessageParts, options: WireCallOptions): Promise<Uint8Array> {
    const { timeoutMs } = options;
    return new Promise((resolve, reject) => {
      const id = this.#request(path, 0, request, options);
      const call = new UnaryCall(resolve, reject, options.signal, () => this.#cancel(id));
      if (timeoutMs !== undefined) call.deadlineMs = this.#deadlines.watch(timeoutMs);
      this.#pending.set(id, call);
      this.#retireAfter(id);
    });
  }

  /** The only call on this connection while it lasts. If it does not end orderly the connection ends with it. */
  stream(path: string, stream: OutgoingStream, options: WireCallOptions): StreamWire {
    const id = this.#request(path, FrameFlag.open | FrameFlag.noData, [], options);
    const { writer } = this.#connection;
    let isFinished = false;
    const finish = () => {
      isFinished = true;
      writer.header(FrameType.data, FrameFlag.closed | FrameFlag.noData, id, 0);
    };
    this.#pending.set(id, {
      deadlineMs: undefined,
      onData: (message) => stream.push(message),
      onEnd: (frame) => {
        // The server knows now what else comes is not wanted, and we that nothing is owed.
        if (!isFinished) finish();
        const isFailed = (frame.flags & FrameFlag.failed) !== 0;
        stream.end(isFailed ? errorFromStatus(decodeFailure(frame)) : undefined);
      },
      onFailed: (error) => stream.end(error),
    });
    this.#retireAfter(id);
    return {
      send: (request) => {
        if (!this.#pending.has(id)) return true;
        writer.header(FrameType.data, 0, id, sizeOfParts(request));
        for (const part of request) writer.bytes(part);
        return writer.pendingBytes < UNREAD_BYTES_MAX;
      },
      room: () => writer.room(),
      finish: () => {
        if (this.#pending.has(id)) finish();
      },
      cancel: (error) => {
        // Behind what is still under way in both directions a word of cancelling would come late.
        if (this.#pending.delete(id)) this.#connection.fail(error);
      },
      resume: () => this.#connection.readAgain("stream"),
    };
  }

  /** Fails everything under way with `error`. */
  fail(error: CairnError): void {
    this.#connection.fail(error);
  }

  onFrame(frame: Frame): void {
    const { streamId, type } = frame;
    if (type === FrameType.goaway) {
      this.#hasGoaway = true;
      this.#retire();
      return;
    }
    const pending = this.#pending.get(streamId);
    if (pending === undefined) {
      // The end of a call that we have cancelled.
      if (streamId < this.#nextId && streamId % 2 === 1) return;
      throw new CairnError("protocolViolation", `the server answers call ${streamId}, never made`);
    }
    if (type === FrameType.response) {
      // An answer that cannot be read ends the connection, and the call with it.
      pending.onEnd(frame);
      this.#pending.delete(streamId);
      // Its reader may be behind; who gets the connection next is not.
      this.#connection.readAgain("stream");
      this.#onCallEnded();
    } else if (type === FrameType.data) {
      if (!pending.onData(takeBytes(frame, frame.start))) this.#connection.stopReading("stream");
    } else {
      throw new CairnError("protocolViolation", `a server sends no frames of type ${type}`);
    }
  }

  onIdle(): void {
    this.#connection.end();
  }

  onClosed(error: CairnError): void {
    this.#retire();
    this.#deadlines.close();
    const told =
      this.#hasGoaway && error.reason === "peerGone"
        ? new CairnError("shuttingDown", "the server is stopping", { cause: error })
        : error;
    for (const pending of [...this.#pending.values()]) pending.onFailed(told);
    this.#pending.clear();
  }

  #request(
    path: string,
    flags: number,
    message: MessageParts,
    { metadata, timeoutMs }: WireCallOptions,
  ): number {
    const metadataBytes = metadataSize(metadata);
    const id = this.#nextId;
    this.#nextId += 2;
    const { writer } = this.#connection;
    const bodyBytes = callHeadSize(path, metadataBytes) + sizeOfParts(message);
    writer.header(FrameType.request, flags, id, bodyBytes);
    writeCallHead(writer, { path, timeoutMs, metadata, metadataBytes });
    for (const part of message) writer.bytes(part);
    return id;
  }

  /** Ids are used once: with the last of them the connection takes no more calls. */
  #retireAfter(id: number): void {
    if (id >= STREAM_ID_MAX - 2) this.#retire();
  }

  #cancel(id: number): void {
    if (!this.#pending.delete(id)) return;
    this.#connection.writer.header(FrameType.cancel, 0, id, 0);
    this.#onCallEnded();
  }

  /** Fails what is late, and gives the next deadline. */
  #expire(nowMs: number): number {
    let nextMs = Number.POSITIVE_INFINITY;
    for (const [id, pending] of this.#pending) {
      const { deadlineMs } = pending;
      if (deadlineMs === undefined) continue;
      if (deadlineMs > nowMs) nextMs = Math.min(nextMs, deadlineMs);
      else {
        this.#cancel(id);
        pending.onFailed(new CairnError("deadlineExceeded", "the answer did not come in time"));
      }
    }
    return nextMs;
  }

  #onCallEnded(): void {
    if (!this.#isRetired) this.#events.onRoom(this);
    else if (this.#pending.size === 0) this.#connection.end();
  }

  #retire(): void {
    if (this.#isRetired) return;
    this.#isRetired = true;
    this.#events.onRetired(this);
    if (this.#pending.size === 0) this.#connection.end();
  }
}

/** A call that is answered once. */
class UnaryCall implements Pending {
  deadlineMs: number | undefined;
  readonly #resolve: (answer: Uint8Array) => void;
  readonly #reject: (error: CairnError) => void;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort: (() => void) | undefined;

  constructor(
    resolve: (answer: Uint8Array) => void,
    reject: (error: CairnError) => void,
    signal: AbortSignal | undefined,
    cancel: () => void,
  ) {
    this.#resolve = resolve;
    this.#reject = reject;
    this.#signal = signal;
    if (signal === undefined) return;
    this.#onAbort = () => {
      cancel();
      this.onFailed(abortError(signal));
    };
    signal.addEventListener("abort", this.#onAbort);
  }

  onData(): boolean {
    throw new CairnError("protocolViolation", "a call that is answered once got a stream");
  }

  onEnd(frame: Frame): void {
    if ((frame.flags & FrameFlag.failed) === 0) this.#resolve(takeBytes(frame, frame.start));
    else this.#reject(errorFromStatus(decodeFailure(frame)));
    this.#letGo();
  }

  onFailed(error: CairnError): void {
    this.#letGo();
    this.#reject(error);
  }

  #letGo(): void {
    if (this.#onAbort !== undefined) this.#signal?.removeEventListener("abort", this.#onAbort);
  }
}
