import { listenFailure } from "@cairnfs/base/bind-address";
import type { Clock } from "@cairnfs/base/clock";
import { CairnError } from "@cairnfs/base/errors";
import { Server, ServerCredentials, type ServerDuplexStream } from "@grpc/grpc-js";
import { formatAddress, parseAddress } from "../rpc/address.ts";
import { CallState } from "../rpc/call-state.ts";
import { checkedSizeOfParts } from "../rpc/codec.ts";
import { MessageQueue } from "../rpc/message-queue.ts";
import type { Route, Router } from "../rpc/router.ts";
import { RunningCalls } from "../rpc/running-calls.ts";
import { serveStream } from "../rpc/serve-stream.ts";
import { errorOfHandler } from "../rpc/status.ts";
import type { Listener, MessageParts } from "../rpc/transport.ts";
import { CHANNEL_OPTIONS, fromGrpcMetadata, grpcStatusOf } from "./grpc-status.ts";
import { joinToBuffer } from "./join.ts";

/** How long a stopping server waits for clients to hang up. */
const GOODBYE_MS = 500;

type GrpcCall = ServerDuplexStream<Buffer, MessageParts>;

/**
 * Serves a router to any gRPC client. Every method is registered as a stream both ways, since on the wire
 * a call that answers once is a stream of one message.
 */
export class GrpcListener implements Listener {
  readonly address: string;
  readonly #server: Server;
  readonly #clock: Clock;
  readonly #running: RunningCalls;
  #closing: Promise<void> | undefined;

  /** Resolves when the address is bound; one that cannot be is refused as `invalidConfig`. */
  static async open(address: string, router: Router, clock: Clock): Promise<GrpcListener> {
    const { host } = parseAddress(address);
    const server = new Server(CHANNEL_OPTIONS);
    const running = new RunningCalls(clock);
    for (const route of router.routes()) {
      server.addService(
        {
          [route.path]: {
            path: route.path,
            requestStream: true,
            responseStream: true,
            requestDeserialize: (bytes: Buffer) => bytes,
            requestSerialize: (bytes: Buffer) => bytes,
            responseDeserialize: (bytes: Buffer) => [bytes],
            responseSerialize: joinToBuffer,
          },
        },
        { [route.path]: (call: GrpcCall) => answer(route, call, clock, running) },
      );
    }
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync(address, ServerCredentials.createInsecure(), (cause, bound) => {
        if (cause === null) resolve(bound);
        else reject(listenFailure(address, cause));
      });
    });
    return new GrpcListener(formatAddress({ host, port }), server, clock, running);
  }

  private constructor(address: string, server: Server, clock: Clock, running: RunningCalls) {
    this.address = address;
    this.#server = server;
    this.#clock = clock;
    this.#running = running;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const freed = new Promise<void>((resolve) => {
      this.#server.tryShutdown(() => resolve());
    });
    await this.#running.stop(new CairnError("shuttingDown", `${this.address} is stopping`));
    const timer = this.#clock.after(GOODBYE_MS, () => this.#server.forceShutdown());
    await freed;
    timer.cancel();
  }
}

function answer(route: Route, call: GrpcCall, clock: Clock, running: RunningCalls): void {
  const deadlineMs = Number(call.getDeadline());
  const state = new CallState(clock, {
    peer: call.getPeer(),
    metadata: fromGrpcMetadata(call.metadata),
    timeoutMs: Number.isFinite(deadlineMs) ? Math.max(1, deadlineMs - clock.now()) : undefined,
  });
  const requests = new MessageQueue({
    onRoom: () => call.resume(),
    onReturn: () => call.resume(),
  });
  const leave = () => {
    if (state.hasEnded) return;
    const error = new CairnError("cancelled", "the caller has left");
    state.abort(error);
    requests.abort(error);
  };
  const fail = (error: CairnError) => call.emit("error", grpcStatusOf(error));
  call.on("data", (message: Buffer) => {
    if (!requests.push(message)) call.pause();
  });
  // Node's own client ends the requests of a call that it cancels and resets the stream a moment later: two turns of the
  // event loop let the reset be seen first where it came along. A handler that must know reads its last message.
  call.on("end", () => setImmediate(() => setImmediate(() => requests.end())));
  call.on("cancelled", leave).on("close", leave);
  const onStop = (error: CairnError) => {
    fail(error);
    requests.abort(error);
  };
  const answered =
    route.kind === "unary"
      ? answerOnce(route, requests, state, call)
      : serveStream(route, requests, state, {
          send: (message) => call.write(message),
          room: () => room(call),
          end: (error) => {
            if (error === undefined) call.end();
            else fail(error);
          },
        });
  // Neither rejects.
  void running.add(state, onStop, answered);
}

async function answerOnce(
  route: Extract<Route, { kind: "unary" }>,
  requests: MessageQueue,
  state: CallState,
  call: GrpcCall,
): Promise<void> {
  try {
    const request = await requests.next();
    if (request.done === true) {
      throw new CairnError("invalidArgument", `${route.path} takes one request and got none`);
    }
    const message = await route.unary(request.value, state);
    if (state.hasEnded) return;
    checkedSizeOfParts(message);
    call.write(message);
    call.end();
  } catch (error) {
    if (!state.hasEnded) call.emit("error", grpcStatusOf(errorOfHandler(error, state.signal)));
  } finally {
    state.end();
    await requests.return();
  }
}

/** Resolves when the call takes more, or nobody is there any more. */
function room(call: GrpcCall): Promise<void> {
  return new Promise((resolve) => {
    const settle = () => {
      call.off("drain", settle).off("close", settle).off("cancelled", settle);
      resolve();
    };
    call.on("drain", settle).on("close", settle).on("cancelled", settle);
    if (call.destroyed || call.cancelled) settle();
  });
}
