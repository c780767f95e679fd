import type { Clock } from "@cairnfs/base/clock";
import { abortError, CairnError } from "@cairnfs/base/errors";
import { checkedSizeOfParts } from "../rpc/codec.ts";
import { OutgoingStream } from "../rpc/outgoing-stream.ts";
import type { ClientTransport, MessageParts, WireCallOptions } from "../rpc/transport.ts";
import { ClientConnection } from "./client-connection.ts";
import type { Connection, ConnectionOwner } from "./connection.ts";

/** How many streams to one peer may be under way at once; more wait for their turn. */
const STREAMS_MAX = 64;
/** How many calls may wait for a turn; more are refused as `overloaded`. */
const WAITING_MAX = 16_384;

/** Calls to one address over the framed transport: one connection for all small calls, one for each stream. */
export class FramedTransport implements ClientTransport {
  readonly address: string;
  readonly #clock: Clock;
  readonly #connect: (owner: ConnectionOwner) => Connection;
  #calls: ClientConnection | undefined;
  /** Waiting for room on the connection for small calls. */
  readonly #callTurns = new Turns();
  readonly #idleStreams: ClientConnection[] = [];
  readonly #streams = new Set<ClientConnection>();
  readonly #streamTurns = new Turns();
  #isClosed = false;

  constructor(address: string, clock: Clock, connect: (owner: ConnectionOwner) => Connection) {
    this.address = address;
    this.#clock = clock;
    this.#connect = connect;
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
        // It may have ended while we were told of it.
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

  async #unaryInTurn(
    path: string,
    request: MessageParts,
    options: WireCallOptions,
  ): Promise<Uint8Array> {
    for (;;) {
      await this.#callTurns.wait(options.signal);
      const connection = this.#callsConnection(options.signal);
      if (connection.hasRoom) return connection.unary(path, request, options);
    }
  }

  #callsConnection(signal: AbortSignal | undefined): ClientConnection {
    this.#checkOpen(signal);
    this.#calls ??= new ClientConnection(this.#clock, this.#connect, {
      onRetired: (connection) => {
        if (this.#calls === connection) this.#calls = undefined;
        this.#callTurns.next();
      },
      onRoom: () => this.#callTurns.next(),
    });
    return this.#calls;
  }

  async #borrow(signal: AbortSignal | undefined): Promise<ClientConnection> {
    for (;;) {
      this.#checkOpen(signal);
      const idle = this.#idleStreams.pop();
      if (idle !== undefined) return idle;
      if (this.#streams.size < STREAMS_MAX) return this.#openStream();
      await this.#streamTurns.wait(signal);
    }
  }

  #openStream(): ClientConnection {
    const connection = new ClientConnection(this.#clock, this.#connect, {
      onRetired: (retired) => {
        this.#streams.delete(retired);
        const at = this.#idleStreams.indexOf(retired);
        if (at >= 0) this.#idleStreams.splice(at, 1);
        this.#streamTurns.next();
      },
      onRoom: (free) => {
        this.#idleStreams.push(free);
        this.#streamTurns.next();
      },
    });
    this.#streams.add(connection);
    return connection;
  }

  #checkOpen(signal: AbortSignal | undefined): void {
    if (this.#isClosed) throw new CairnError("cancelled", "the transport was closed");
    if (signal?.aborted === true) throw abortError(signal);
  }
}

interface Turn {
  readonly admit: () => void;
  readonly refuse: (error: CairnError) => void;
}

/** Who waits for room, first come first served. */
class Turns {
  readonly #waiting: Turn[] = [];

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  wait(signal: AbortSignal | undefined): Promise<void> {
    if (this.#waiting.length >= WAITING_MAX) {
      throw new CairnError("overloaded", `${WAITING_MAX} calls wait for this peer already`);
    }
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#waiting.splice(this.#waiting.indexOf(turn), 1);
        if (signal !== undefined) reject(abortError(signal));
      };
      const turn: Turn = {
        admit: () => {
          signal?.removeEventListener("abort", onAbort);
          resolve();
        },
        refuse: (error) => {
          signal?.removeEventListener("abort", onAbort);
          reject(error);
        },
      };
      signal?.addEventListener("abort", onAbort);
      this.#waiting.push(turn);
    });
  }

  next(): void {
    this.#waiting.shift()?.admit();
  }

  refuse(error: CairnError): void {
    for (const turn of this.#waiting.splice(0)) turn.refuse(error);
  }
}
