import type { Clock } from "@cairnfs/base/clock";
import { abortError, CairnError } from "@cairnfs/base/errors";
import { checkedSizeOfParts } from "../rpc/codec.ts";
import { OutgoingStream } from "../rpc/outgoing-stream.ts";
import type { ClientTransport, MessageParts, WireCallOptions } from "../rpc/transport.ts";
import { ClientConnection } from "./client-connection.ts";
import type { Connection, ConnectionOwner } from "./connection.ts";
import { Turns } from "./turns.ts";

/** How many streams to one peer may be under way at once; more wait for their turn. */
const STREAMS_MAX = 64;

/** Calls to one address over the framed transport: one connection for all small calls, one for each stream. */
export class FramedTransport implements ClientTransport {
  readonly address: string;
  readonly #clock: Clock;
  readonly #connect: (owner: ConnectionOwner) => Connection;
  #calls: ClientConnection | undefined;
  /** Waiting for room on the connection for small calls. */
  readonly #callTurns: Turns;
  readonly #idleStreams: ClientConnection[] = [];
  readonly #streams = new Set<ClientConnection>();
  readonly #streamTurns: Turns;
  #isClosed = false;

  constructor(address: string, clock: Clock, connect: (owner: ConnectionOwner) => Connection) {
    this.address = address;
    this.#clock = clock;
    this.#connect = connect;
    this.#callTurns = new Turns(clock);
    this.#streamTurns = new Turns(clock);
  }

  unary(path: string, request: MessageParts, options: WireCallOptions): Promise<Uint8Array> {
    try {
      checkedSizeOfParts(request);
      const connection = this.#callsConnection(options.signal);
      if (connection.hasRoom && this.#callTurns.isEmpty) {
        return connection.unary(path, request, options);
      }
      return this.#unaryInTurn(path, request, options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  stream(
    path: string,
    requests: AsyncIterable<MessageParts>,
    options: WireCallOptions,
  ): AsyncIterable<Uint8Array> {
    return new OutgoingStream(requests, options.signal, async (stream) => {
      for (;;) {
        const connection = await this.#borrow(options.signal);
        // It may have ended while we were told of it; then it is nobody's.
        if (!connection.isRetired) return connection.stream(path, stream, options);
      }
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const error = new CairnError("cancelled", "the transport was closed");
    this.#callTurns.refuse(error);
    this.#streamTurns.refuse(error);
    this.#calls?.fail(error);
    for (const connection of [...this.#streams]) connection.fail(error);
  }

  #unaryInTurn(path: string, request: MessageParts, options: WireCallOptions): Promise<Uint8Array> {
    const { signal, timeoutMs } = options;
    const askedMs = this.#clock.monotonicMs();
    return new Promise((resolve, reject) => {
      const begin = () => {
        // What the call has waited is gone from its time.
        const waitedMs = this.#clock.monotonicMs() - askedMs;
        const leftMs = timeoutMs === undefined ? undefined : Math.max(0, timeoutMs - waitedMs);
        const wire = { ...options, timeoutMs: leftMs };
        this.#callsConnection(undefined).unary(path, request, wire).then(resolve, reject);
      };
      this.#callTurns.wait({ begin, refuse: reject }, { signal, timeoutMs });
      this.#admitCalls();
    });
  }

  #callsConnection(signal: AbortSignal | undefined): ClientConnection {
    this.#checkOpen(signal);
    this.#calls ??= new ClientConnection(this.#clock, this.#connect, {
      onRetired: (connection) => {
        if (this.#calls === connection) this.#calls = undefined;
        this.#admitCalls();
      },
      onRoom: () => this.#admitCalls(),
      hasWaiting: () => !this.#callTurns.isEmpty,
    });
    return this.#calls;
  }

  #admitCalls(): void {
    if (this.#isClosed) return;
    this.#callTurns.admitWhile(() => this.#callsConnection(undefined).hasRoom);
    // No call may end that would let the others in when it is the bytes that have no room.
    if (!this.#callTurns.isEmpty) this.#calls?.onceWritten(() => this.#admitCalls());
  }

  #borrow(signal: AbortSignal | undefined): Promise<ClientConnection> {
    return new Promise((resolve, reject) => {
      this.#checkOpen(signal);
      const begin = () => resolve(this.#takeStream());
      if (this.#streamTurns.isEmpty && this.#hasStream) begin();
      else this.#streamTurns.wait({ begin, refuse: reject }, { signal });
    });
  }

  get #hasStream(): boolean {
    return this.#idleStreams.length > 0 || this.#streams.size < STREAMS_MAX;
  }

  #takeStream(): ClientConnection {
    return this.#idleStreams.pop() ?? this.#openStream();
  }

  #admitStreams(): void {
    if (!this.#isClosed) this.#streamTurns.admitWhile(() => this.#hasStream);
  }

  #openStream(): ClientConnection {
    const connection = new ClientConnection(this.#clock, this.#connect, {
      onRetired: (retired) => {
        this.#streams.delete(retired);
        const at = this.#idleStreams.indexOf(retired);
        if (at >= 0) this.#idleStreams.splice(at, 1);
        this.#admitStreams();
      },
      onRoom: (free) => {
        this.#idleStreams.push(free);
        this.#admitStreams();
      },
      hasWaiting: () => false,
    });
    this.#streams.add(connection);
    return connection;
  }

  #checkOpen(signal: AbortSignal | undefined): void {
    if (this.#isClosed) throw new CairnError("cancelled", "the transport was closed");
    if (signal?.aborted === true) throw abortError(signal);
  }
}
