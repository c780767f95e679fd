import { abortError, CairnError } from "@cairnfs/base/errors";
import { Gate } from "@cairnfs/protocol/memory/gate";
import type { MemoryListener } from "@cairnfs/protocol/memory/memory-listener";
import { CallState } from "@cairnfs/protocol/rpc/call-state";
import { checkedSizeOfParts } from "@cairnfs/protocol/rpc/codec";
import { MessageQueue } from "@cairnfs/protocol/rpc/message-queue";
import { OutgoingStream, type StreamWire } from "@cairnfs/protocol/rpc/outgoing-stream";
import { type AnswerSink, serveStream } from "@cairnfs/protocol/rpc/serve-stream";
import { errorFromStatus, errorOfHandler, statusOf } from "@cairnfs/protocol/rpc/status";
import type {
  ClientTransport,
  MessageParts,
  WireCallOptions,
} from "@cairnfs/protocol/rpc/transport";
import type { SimProcess } from "../process/sim-process.ts";
import type { RequestTrouble } from "./armed-requests.ts";
import type { SimConnection } from "./sim-connection.ts";
import type { SimNetwork } from "./sim-network.ts";

/** The calling end of the simulated network: small calls share one connection, each stream has one of its own. */
export class SimTransport implements ClientTransport {
  readonly address: string;
  readonly #network: SimNetwork;
  readonly #process: SimProcess;
  readonly #streams = new Set<SimConnection>();
  #shared: Promise<SimConnection> | undefined;
  #open: SimConnection | undefined;
  #isClosed = false;

  constructor(network: SimNetwork, process: SimProcess, address: string) {
    this.#network = network;
    this.#process = process;
    this.address = address;
  }

  async unary(path: string, request: MessageParts, options: WireCallOptions): Promise<Uint8Array> {
    checkedSizeOfParts(request);
    const { signal, timeoutMs } = options;
    if (signal?.aborted === true) throw abortError(signal);
    const bytes = Buffer.concat(request);
    return new Promise((resolve, reject) => {
      let isOver = false;
      let onEnd: () => void = () => undefined;
      const finish = (settle: () => void) => {
        if (isOver) return;
        isOver = true;
        signal?.removeEventListener("abort", onAbort);
        deadline?.cancel();
        onEnd();
        settle();
      };
      const fail = (error: CairnError) => finish(() => reject(error));
      const onAbort = () => {
        if (signal !== undefined) fail(abortError(signal));
      };
      signal?.addEventListener("abort", onAbort);
      const deadline =
        timeoutMs === undefined
          ? undefined
          : this.#process.clock.after(timeoutMs, () => {
              fail(new CairnError("deadlineExceeded", "the answer did not come in time"));
            });
      this.#connection().then(
        (connection) => {
          if (isOver) return;
          const ended = this.#ask(connection, { path, bytes, options }, (error, answer) => {
            if (error === undefined) finish(() => resolve(answer ?? new Uint8Array(0)));
            else fail(error);
          });
          const unwatch = connection.onBroken("client", fail);
          onEnd = () => {
            unwatch();
            ended();
          };
        },
        (error: unknown) => fail(asCairnError(error)),
      );
    });
  }

  stream(
    path: string,
    requests: AsyncIterable<MessageParts>,
    options: WireCallOptions,
  ): AsyncIterable<Uint8Array> {
    return new OutgoingStream(requests, options.signal, (stream) =>
      this.#openStream(path, stream, options),
    );
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const connection of this.#streams) connection.close("client");
    this.#streams.clear();
    const shared = this.#open;
    this.#open = undefined;
    shared?.breakEnd("client", "the transport was closed");
  }

  /** The connection of small calls, made anew when it has broken. */
  #connection(): Promise<SimConnection> {
    if (this.#isClosed) return Promise.reject(closedError());
    if (this.#open?.isBroken("client") === true) {
      this.#shared = undefined;
      this.#open = undefined;
    }
    this.#shared ??= this.#network.dial(this.#process, this.address, undefined).then(
      (connection) => {
        if (this.#isClosed) {
          connection.close("client");
          throw closedError();
        }
        this.#open = connection;
        return connection;
      },
      (error: unknown) => {
        this.#shared = undefined;
        throw error;
      },
    );
    return this.#shared;
  }

  /** Sends a request; `answered` hears of its end. The function returned tells the server that nobody waits any more. */
  #ask(
    connection: SimConnection,
    call: { readonly path: string; readonly bytes: Uint8Array; readonly options: WireCallOptions },
    answered: (error: CairnError | undefined, answer?: Uint8Array) => void,
  ): () => void {
    const { path, bytes, options } = call;
    let served: CallState | undefined;
    let hasAnswer = false;
    const trouble = this.#troubleFor(connection, path);
    const answer = (error: CairnError | undefined, message?: Uint8Array) => {
      trouble.onAnswer?.();
      connection.send("server", `${path} ${message?.byteLength ?? error?.reason}`, () => {
        hasAnswer = true;
        answered(error, message);
      });
    };
    const arrive = () => {
      trouble.onArrival?.();
      if (!connection.process("server").isAlive) return;
      const listener = this.#network.listenerAt(this.address)?.listener;
      if (listener === undefined) {
        answer(new CairnError("shuttingDown", `${this.address} is stopping`));
        return;
      }
      served = this.#callState(connection, options);
      const unwatch = connection.onBroken("server", (error) => served?.abort(error));
      void serveUnary(listener, { path, bytes, call: served }, answer).finally(unwatch);
    };
    connection.send("client", `${path} ${bytes.byteLength}`, arrive, trouble.holdMs);
    return () => {
      if (hasAnswer) return;
      connection.send("client", `${path} cancelled`, () => {
        served?.abort(new CairnError("cancelled", "the caller gave up"));
      });
    };
  }

  async #openStream(
    path: string,
    stream: OutgoingStream,
    options: WireCallOptions,
  ): Promise<StreamWire> {
    if (this.#isClosed) throw closedError();
    const connection = await this.#network
      .dial(this.#process, this.address, options.signal)
      .catch((error: unknown) => {
        throw asCairnError(error);
      });
    this.#streams.add(connection);
    const gates = { toServer: new Gate(), toClient: new Gate() };
    const end = (error?: CairnError) => {
      this.#streams.delete(connection);
      gates.toServer.open();
      stream.end(error);
      connection.close("client");
    };
    connection.onBroken("client", (error) => end(error));
    const requests = new MessageQueue({
      onRoom: () => connection.send("server", "room", () => gates.toServer.open()),
      onReturn: () => connection.send("server", "room", () => gates.toServer.open()),
    });
    const trouble = this.#troubleFor(connection, path);
    const arrive = () => {
      trouble.onArrival?.();
      if (!connection.process("server").isAlive) return;
      const { onAnswer } = trouble;
      this.#serveStream(connection, { path, stream, requests, options, gates, end, onAnswer });
    };
    connection.send("client", path, arrive, trouble.holdMs);
    return {
      send: (request) => {
        const bytes = Buffer.concat(request);
        connection.send("client", `${path} > ${bytes.byteLength}`, () => {
          if (requests.push(bytes)) return;
          connection.send("server", "full", () => gates.toServer.shut());
        });
        return gates.toServer.isOpen;
      },
      room: () => gates.toServer.passed(),
      finish: () => connection.send("client", "end", () => requests.end()),
      cancel: () => {
        this.#streams.delete(connection);
        gates.toServer.open();
        connection.close("client");
      },
      resume: () => connection.send("client", "room", () => gates.toClient.open()),
    };
  }

  #serveStream(connection: SimConnection, opened: OpenedStream): void {
    const { path, stream, requests, options, gates, end, onAnswer } = opened;
    const fail = (error: CairnError) => {
      connection.send("server", `${path} ${error.reason}`, () => end(overTheWire(error)));
    };
    const listener = this.#network.listenerAt(this.address)?.listener;
    if (listener === undefined) {
      fail(new CairnError("shuttingDown", `${this.address} is stopping`));
      return;
    }
    let route: ReturnType<MemoryListener["find"]>;
    try {
      route = listener.find(path);
      if (route.kind === "unary") {
        throw new CairnError("protocolViolation", `${path} is unary and was called as a stream`);
      }
    } catch (error) {
      fail(asCairnError(error));
      return;
    }
    const call = this.#callState(connection, options);
    connection.onBroken("server", (error) => {
      call.abort(error);
      requests.abort(error);
      gates.toClient.open();
    });
    const sink: AnswerSink = {
      send: (answer) => {
        const bytes = Buffer.concat(answer);
        connection.send("server", `${path} < ${bytes.byteLength}`, () => {
          if (stream.push(bytes)) return;
          connection.send("client", "full", () => gates.toClient.shut());
        });
        return gates.toClient.isOpen;
      },
      room: () => gates.toClient.passed(),
      end: (error) => {
        onAnswer?.();
        if (error === undefined) connection.send("server", `${path} end`, () => end());
        else fail(error);
      },
    };
    void listener.run(call, fail, serveStream(route, requests, call, sink));
  }

  #troubleFor(connection: SimConnection, path: string): RequestTrouble {
    return this.#network.armed.take(path, connection.process("server").host);
  }

  #callState(connection: SimConnection, options: WireCallOptions): CallState {
    return new CallState(connection.process("server").clock, {
      peer: this.#process.host,
      metadata: new Map(options.metadata),
      timeoutMs: options.timeoutMs,
    });
  }
}

interface OpenedStream {
  readonly path: string;
  readonly stream: OutgoingStream;
  readonly requests: MessageQueue;
  readonly options: WireCallOptions;
  readonly gates: { readonly toServer: Gate; readonly toClient: Gate };
  readonly end: (error?: CairnError) => void;
  readonly onAnswer: (() => void) | undefined;
}

async function serveUnary(
  listener: MemoryListener,
  {
    path,
    bytes,
    call,
  }: { readonly path: string; readonly bytes: Uint8Array; readonly call: CallState },
  answer: (error: CairnError | undefined, message?: Uint8Array) => void,
): Promise<void> {
  try {
    const route = listener.find(path);
    if (route.kind !== "unary") {
      throw new CairnError("protocolViolation", `${path} is a stream and was called as unary`);
    }
    const onStop = (error: CairnError) => answer(overTheWire(error));
    const parts = await listener.run(call, onStop, route.unary(bytes, call));
    checkedSizeOfParts(parts);
    if (!call.hasEnded) answer(undefined, Buffer.concat(parts));
  } catch (error) {
    if (!call.hasEnded) answer(overTheWire(errorOfHandler(error, call.signal)));
  } finally {
    call.end();
  }
}

/** The error as its receiver rebuilds it: whatever does not cross a wire is lost here too. */
function overTheWire(error: CairnError): CairnError {
  return errorFromStatus(statusOf(error));
}

function asCairnError(error: unknown): CairnError {
  if (error instanceof CairnError) return error;
  return new CairnError("cancelled", "the call was given up", { cause: error });
}

function closedError(): CairnError {
  return new CairnError("cancelled", "the transport was closed");
}
