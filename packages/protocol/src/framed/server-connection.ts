import type { Clock } from "@cairnfs/base/clock";
import { CairnError } from "@cairnfs/base/errors";
import { CallState } from "../rpc/call-state.ts";
import { checkedSizeOfParts, sizeOfParts } from "../rpc/codec.ts";
import { MESSAGE_BYTES_MAX, UNREAD_BYTES_MAX } from "../rpc/limits.ts";
import { MessageQueue } from "../rpc/message-queue.ts";
import type { Route, Router } from "../rpc/router.ts";
import { serveStream } from "../rpc/serve-stream.ts";
import { errorOfHandler } from "../rpc/status.ts";
import type { MessageParts } from "../rpc/transport.ts";
import { type CallHead, encodeFailure, readCallHead } from "./call-head.ts";
import { ANSWERS_UNTAKEN, CALLS_MAX, type Connection, type ConnectionOwner } from "./connection.ts";
import { type Frame, FrameFlag, FrameType, takeBytes } from "./frame.ts";

/** The requests of unanswered calls may take this much memory before no more are read. */
const REQUEST_BYTES_MAX = 32 * 1024 * 1024;
/** Unsent answers may take this much memory before no more requests are read. */
const ANSWER_BYTES_MAX = 8 * 1024 * 1024;

interface RunningCall {
  readonly state: CallState;
  readonly requestBytes: number;
  readonly requests: MessageQueue | undefined;
  /** The caller sends no more. */
  isClosed: boolean;
}

/** A server's end of a connection: finds the handlers, and answers. */
export class ServerConnection implements ConnectionOwner {
  readonly #connection: Connection;
  readonly #router: Router;
  readonly #clock: Clock;
  readonly #onGone: (connection: ServerConnection) => void;
  readonly #calls = new Map<number, RunningCall>();
  #lastId = 0;
  #requestBytes = 0;
  #isStopping = false;
  #onIdleCalls: (() => void) | undefined;

  constructor(
    connect: (owner: ConnectionOwner) => Connection,
    parts: {
      readonly router: Router;
      readonly clock: Clock;
      readonly onGone: (connection: ServerConnection) => void;
    },
  ) {
    this.#router = parts.router;
    this.#clock = parts.clock;
    this.#onGone = parts.onGone;
    this.#connection = connect(this);
  }

  get hasCalls(): boolean {
    return this.#calls.size > 0;
  }

  onFrame(frame: Frame): void {
    switch (frame.type) {
      case FrameType.request:
        this.#onRequest(frame);
        return;
      case FrameType.data:
        this.#onData(frame);
        return;
      case FrameType.cancel:
        this.#checkKnown(frame.streamId);
        this.#onCancel(frame.streamId);
        return;
      case FrameType.goaway:
        return;
      default:
        throw new CairnError("protocolViolation", `a client sends no frames of type ${frame.type}`);
    }
  }

  onIdle(): void {
    // The client closes what it does not need; the kernel finds out about clients that are gone.
  }

  onClosed(error: CairnError): void {
    for (const { state, requests } of this.#calls.values()) {
      state.abort(error);
      requests?.abort(error);
    }
    this.#onGone(this);
  }

  /** Tells all callers that the server stops, and resolves when their handlers have finished. */
  stop(error: CairnError): Promise<void> {
    this.#isStopping = true;
    for (const [id, { state, requests }] of this.#calls) {
      if (state.hasEnded) continue;
      this.#fail(id, error);
      state.abort(error);
      requests?.abort(error);
    }
    this.#connection.goAway();
    if (this.#calls.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onIdleCalls = resolve;
    });
  }

  /** Ends the connection, whatever is under way. */
  fail(error: CairnError): void {
    this.#connection.fail(error);
  }

  #onRequest(frame: Frame): void {
    const id = frame.streamId;
    if (id % 2 === 0 || id <= this.#lastId) {
      throw new CairnError("protocolViolation", `a client cannot open stream ${id} here`);
    }
    this.#lastId = id;
    const head = readCallHead(frame);
    const isStream = (frame.flags & FrameFlag.open) !== 0;
    const refusal = this.#refusal(frame, head);
    const route = this.#router.find(head.path);
    if (refusal !== undefined) this.#fail(id, refusal);
    else if (route === undefined) {
      this.#fail(id, new CairnError("unimplemented", `${head.path} is not served here`));
    } else if ((route.kind === "unary") === isStream) {
      this.#fail(id, new CairnError("protocolViolation", `${head.path} is ${route.kind}`));
    } else if (route.kind === "unary") this.#startUnary(route, id, head, frame);
    else this.#startStream(route, id, head);
  }

  #refusal(frame: Frame, head: CallHead): CairnError | undefined {
    if (this.#isStopping) return new CairnError("shuttingDown", "the server is stopping");
    const sizeBytes = frame.end - head.messageStart;
    if (sizeBytes <= MESSAGE_BYTES_MAX) return undefined;
    return new CairnError("messageTooLarge", `a request of ${sizeBytes} bytes is too large`);
  }

  #startUnary(
    route: Extract<Route, { kind: "unary" }>,
    id: number,
    head: CallHead,
    frame: Frame,
  ): void {
    const message = takeBytes(frame, head.messageStart);
    const state = this.#newState(head);
    this.#begin(id, {
      state,
      requestBytes: message.byteLength,
      requests: undefined,
      isClosed: true,
    });
    route.unary(message, state).then(
      (answer) => {
        if (!state.hasEnded) this.#answer(id, answer);
        this.#finish(id);
      },
      (error: unknown) => {
        if (!state.hasEnded) this.#fail(id, errorOfHandler(error, state.signal));
        this.#finish(id);
      },
    );
  }

  #startStream(route: Exclude<Route, { kind: "unary" }>, id: number, head: CallHead): void {
    const state = this.#newState(head);
    const readAgain = () => this.#connection.readAgain(`stream ${id}`);
    const requests = new MessageQueue({ onRoom: readAgain, onReturn: readAgain });
    this.#begin(id, { state, requestBytes: 0, requests, isClosed: false });
    const { writer } = this.#connection;
    const served = serveStream(route, requests, state, {
      send: (answer) => {
        writer.header(FrameType.data, 0, id, sizeOfParts(answer));
        for (const part of answer) writer.bytes(part);
        return writer.pendingBytes < UNREAD_BYTES_MAX;
      },
      room: () => writer.room(),
      end: (error) => {
        if (error !== undefined) this.#fail(id, error);
        else writer.header(FrameType.response, FrameFlag.noData, id, 0);
      },
    });
    // Never rejects.
    void served.then(() => this.#finish(id));
  }

  #onData(frame: Frame): void {
    const { streamId, flags } = frame;
    const sizeBytes = frame.end - frame.start;
    if (sizeBytes > MESSAGE_BYTES_MAX) {
      throw new CairnError("messageTooLarge", `a message of ${sizeBytes} bytes is too large`);
    }
    const call = this.#calls.get(streamId);
    // What the caller had sent before it heard that the call is over.
    if (call === undefined) {
      this.#checkKnown(streamId);
      return;
    }
    const { requests } = call;
    if (requests === undefined || call.isClosed) {
      throw new CairnError("protocolViolation", `stream ${streamId} takes no data any more`);
    }
    if ((flags & FrameFlag.noData) === 0) {
      const hasRoom = requests.push(takeBytes(frame, frame.start));
      if (!hasRoom) this.#connection.stopReading(`stream ${streamId}`);
    }
    if ((flags & FrameFlag.closed) !== 0) {
      call.isClosed = true;
      requests.end();
    }
  }

  #onCancel(streamId: number): void {
    this.#checkKnown(streamId);
    const call = this.#calls.get(streamId);
    const error = gone("the caller gave up");
    call?.state.abort(error);
    // A handler may wait for requests that do not come.
    call?.requests?.abort(error);
  }

  #checkKnown(streamId: number): void {
    if (streamId > this.#lastId || streamId % 2 === 0) {
      throw new CairnError("protocolViolation", `stream ${streamId} was never opened`);
    }
  }

  #newState({ metadata, timeoutMs }: CallHead): CallState {
    return new CallState(this.#clock, { peer: this.#connection.peer, metadata, timeoutMs });
  }

  #begin(id: number, call: RunningCall): void {
    this.#calls.set(id, call);
    this.#requestBytes += call.requestBytes;
    if (this.#isBusy) this.#connection.stopReading("busy");
  }

  #finish(id: number): void {
    const call = this.#calls.get(id);
    if (call === undefined) return;
    call.state.end();
    this.#calls.delete(id);
    this.#requestBytes -= call.requestBytes;
    if (!this.#isBusy) this.#connection.readAgain("busy");
    if (this.#calls.size === 0) this.#onIdleCalls?.();
  }

  get #isBusy(): boolean {
    return this.#calls.size >= CALLS_MAX || this.#requestBytes >= REQUEST_BYTES_MAX;
  }

  #answer(id: number, answer: MessageParts): void {
    try {
      const sizeBytes = checkedSizeOfParts(answer);
      const { writer } = this.#connection;
      writer.header(FrameType.response, 0, id, sizeBytes);
      for (const part of answer) writer.bytes(part);
      this.#bound();
    } catch (error) {
      if (!(error instanceof CairnError)) throw error;
      this.#fail(id, error);
    }
  }

  #fail(id: number, error: CairnError): void {
    const body = encodeFailure(error);
    const { writer } = this.#connection;
    writer.header(FrameType.response, FrameFlag.failed, id, body.byteLength);
    writer.bytes(body);
    this.#bound();
  }

  /** A client that does not read its answers is not read from either. */
  #bound(): void {
    const { writer } = this.#connection;
    if (writer.pendingBytes < ANSWER_BYTES_MAX) return;
    this.#connection.stopReading(ANSWERS_UNTAKEN);
    void writer.room().then(() => this.#connection.readAgain(ANSWERS_UNTAKEN));
  }
}

function gone(message: string): CairnError {
  return new CairnError("cancelled", message);
}
