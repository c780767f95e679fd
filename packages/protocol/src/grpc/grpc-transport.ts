import type { Clock } from "@cairnfs/base/clock";
import { abortError, CairnError } from "@cairnfs/base/errors";
import {
  Client,
  type ClientDuplexStream,
  connectivityState,
  credentials,
  type Metadata as GrpcMetadata,
  type ServiceError,
} from "@grpc/grpc-js";
import { checkedSizeOfParts } from "../rpc/codec.ts";
import { OutgoingStream, type StreamWire } from "../rpc/outgoing-stream.ts";
import type { ClientTransport, MessageParts, WireCallOptions } from "../rpc/transport.ts";
import { CHANNEL_OPTIONS, errorFromGrpc, toGrpcMetadata } from "./grpc-status.ts";
import { joinToBuffer } from "./join.ts";

type GrpcStream = ClientDuplexStream<MessageParts, Buffer>;

const asIs = (bytes: Buffer) => bytes;

/** Calls to one address over gRPC. */
export class GrpcTransport implements ClientTransport {
  readonly address: string;
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #calls = new Set<(error: CairnError) => void>();
  #isClosed = false;

  constructor(address: string, clock: Clock) {
    this.address = address;
    this.#clock = clock;
    this.#client = new Client(address, credentials.createInsecure(), {
      ...CHANNEL_OPTIONS,
      "grpc.initial_reconnect_backoff_ms": 100,
      "grpc.max_reconnect_backoff_ms": 2_000,
      "grpc.use_local_subchannel_pool": 1,
    });
  }

  async unary(path: string, request: MessageParts, options: WireCallOptions): Promise<Uint8Array> {
    checkedSizeOfParts(request);
    const { signal } = options;
    if (signal?.aborted === true) throw abortError(signal);
    this.#checkOpen();
    return new Promise((resolve, reject) => {
      const settle = () => {
        this.#calls.delete(fail);
        signal?.removeEventListener("abort", onAbort);
      };
      const call = this.#client.makeUnaryRequest(
        path,
        joinToBuffer,
        asIs,
        request,
        toGrpcMetadata(options.metadata),
        this.#deadline(options),
        (failure: ServiceError | null, answer?: Buffer) => {
          settle();
          if (failure !== null) reject(this.#errorOf(failure));
          else if (answer !== undefined) resolve(answer);
        },
      );
      const fail = (error: CairnError) => {
        settle();
        call.cancel();
        reject(error);
      };
      const onAbort = () => {
        if (signal !== undefined) fail(abortError(signal));
      };
      this.#calls.add(fail);
      signal?.addEventListener("abort", onAbort);
    });
  }

  stream(
    path: string,
    requests: AsyncIterable<MessageParts>,
    options: WireCallOptions,
  ): AsyncIterable<Uint8Array> {
    return new OutgoingStream(requests, options.signal, (stream) => {
      this.#checkOpen();
      return this.#open(path, stream, options);
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const fail of [...this.#calls]) {
      fail(new CairnError("cancelled", "the transport was closed"));
    }
    this.#client.close();
  }

  #open(path: string, stream: OutgoingStream, options: WireCallOptions): StreamWire {
    const call: GrpcStream = this.#client.makeBidiStreamRequest(
      path,
      joinToBuffer,
      asIs,
      toGrpcMetadata(options.metadata),
      this.#deadline(options),
    );
    let failure: ServiceError | undefined;
    const fail = (error: CairnError) => {
      this.#calls.delete(fail);
      call.cancel();
      stream.end(error);
    };
    this.#calls.add(fail);
    call.on("data", (answer: Buffer) => {
      if (!stream.push(answer)) call.pause();
    });
    // The error comes before the answers that are still unread, the end behind them.
    call.on("error", (error: ServiceError) => {
      failure = error;
    });
    call.on("end", () => {
      this.#calls.delete(fail);
      stream.end(failure === undefined ? undefined : this.#errorOf(failure));
    });
    return {
      send: (request) => call.write(request),
      room: () => room(call, stream),
      finish: () => call.end(),
      cancel: () => {
        this.#calls.delete(fail);
        call.cancel();
        // What was received and not read is not wanted any more, and must not hold the call.
        call.resume();
      },
      resume: () => call.resume(),
    };
  }

  #deadline({ timeoutMs }: WireCallOptions): { deadline?: number } {
    return timeoutMs === undefined ? {} : { deadline: this.#clock.now() + timeoutMs };
  }

  #errorOf(failure: { code: number; details: string; metadata: GrpcMetadata }): CairnError {
    const state = this.#client.getChannel().getConnectivityState(false);
    return errorFromGrpc(failure, state !== connectivityState.TRANSIENT_FAILURE);
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new CairnError("cancelled", "the transport was closed");
  }
}

/** Resolves when the call takes more, or is over. */
function room(call: GrpcStream, stream: OutgoingStream): Promise<void> {
  return new Promise((resolve) => {
    const settle = () => {
      call.off("drain", settle).off("status", settle).off("close", settle);
      resolve();
    };
    call.on("drain", settle).on("status", settle).on("close", settle);
    if (stream.hasEnded || call.destroyed) settle();
  });
}
