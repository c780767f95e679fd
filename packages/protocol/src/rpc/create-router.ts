import type {
  DescMessage,
  DescMethod,
  DescService,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import { assert } from "@cairnfs/base/assert";
import { CairnError } from "@cairnfs/base/errors";
import { decoderOf, encoderOf } from "./codec.ts";
import { EncodedMessage } from "./encoded-message.ts";
import {
  aroundStream,
  aroundUnary,
  type IncomingCall,
  type ServerInterceptor,
} from "./interceptor.ts";
import { mapped } from "./iterables.ts";
import type { Route, Router } from "./router.ts";
import type { Call, Metadata, ServiceHandlers } from "./service.ts";
import { errorOfHandler } from "./status.ts";
import type { MessageParts } from "./transport.ts";

export interface RouterBuilder {
  /** Answers the methods of `service` with `handlers`. A service is added once. */
  add<S extends DescService>(service: S, handlers: ServiceHandlers<S>): this;
  /** The router with all services added so far. */
  build(): Router;
}

/**
 * Begins a router. Its routes fail with CairnErrors only: what else a handler throws becomes `internal`, and the
 * interceptors (the first is the outermost) see it as it was thrown.
 */
export function createRouter(interceptors: readonly ServerInterceptor[] = []): RouterBuilder {
  const routes = new Map<string, Route>();
  return {
    add(service, handlers) {
      for (const method of service.methods) {
        const path = `/${service.typeName}/${method.name}`;
        assert(!routes.has(path), `${path} has a handler already`);
        routes.set(path, routeOf(path, method, handlers, interceptors));
      }
      return this;
    },
    build() {
      const built = new Map(routes);
      return { find: (path) => built.get(path), routes: () => built.values() };
    },
  };
}

type Init = MessageInitShape<DescMessage>;
type Request = MessageShape<DescMessage>;

/** The four kinds with their types erased; `ServiceHandlers` has checked them against the descriptor. */
interface ErasedHandlers {
  readonly [name: string]:
    | ((
        request: Request | AsyncIterable<Request>,
        call: Call,
      ) => Promise<Init> | AsyncIterable<Init>)
    | undefined;
}

function routeOf(
  path: string,
  method: DescMethod,
  handlers: object,
  interceptors: readonly ServerInterceptor[],
): Route {
  // The descriptor says of each method which of the kinds it is, and the handlers were typed by it.
  const erased = handlers as ErasedHandlers;
  const handler = erased[method.localName]?.bind(handlers);
  assert(handler !== undefined, `${path} has no handler`);
  const decode = decoderOf(method.input, "invalidArgument");
  const encodeInit = encoderOf(method.output);
  const encode = (init: Init) => (init instanceof EncodedMessage ? init.parts : encodeInit(init));

  if (method.methodKind === "unary") {
    return {
      path,
      kind: "unary",
      async unary(request, call) {
        try {
          const message = decode(request);
          if (interceptors.length === 0) return encode(await asPromise(handler(message, call)));
          const answer = await aroundUnary(
            interceptors,
            new RoutedCall(path, method, call),
            (passed) => asPromise(handler(message, passed)),
          );
          return encode(answer);
        } catch (error) {
          throw errorOfHandler(error, call.signal);
        }
      },
    };
  }

  const answersOnce = method.methodKind === "client_streaming";
  const asksOnce = method.methodKind === "server_streaming";
  async function* streamed(
    requests: AsyncIterable<Uint8Array>,
    call: IncomingCall,
  ): AsyncGenerator<Init> {
    const asked = asksOnce ? decode(await firstOf(requests, path)) : mapped(requests, decode);
    if (!answersOnce) {
      yield* asIterable(handler?.(asked, call));
      return;
    }
    yield await aroundUnary(interceptors, call, (passed) => asPromise(handler?.(asked, passed)));
  }
  return {
    path,
    kind: method.methodKind,
    stream(requests, call) {
      const received = new RoutedCall(path, method, call);
      const answers = answersOnce
        ? streamed(requests, received)
        : aroundStream(interceptors, received, (passed) => streamed(requests, passed));
      return encoded(answers, encode, call);
    },
  };
}

async function* encoded(
  answers: AsyncIterable<Init>,
  encode: (init: Init) => MessageParts,
  call: Call,
): AsyncGenerator<MessageParts> {
  try {
    for await (const answer of answers) yield encode(answer);
  } catch (error) {
    throw errorOfHandler(error, call.signal);
  }
}

async function firstOf(requests: AsyncIterable<Uint8Array>, path: string): Promise<Uint8Array> {
  for await (const request of requests) return request;
  throw new CairnError("invalidArgument", `${path} takes one request and got none`);
}

/** A call as interceptors see it. */
class RoutedCall implements IncomingCall {
  readonly path: string;
  readonly method: DescMethod;
  readonly peer: string;
  readonly metadata: Metadata;
  readonly #call: Call;

  constructor(path: string, method: DescMethod, call: Call) {
    this.path = path;
    this.method = method;
    this.peer = call.peer;
    this.metadata = call.metadata;
    this.#call = call;
  }

  /** Made when first asked for: most handlers never do. */
  get signal(): AbortSignal {
    return this.#call.signal;
  }
}

function asPromise(answer: Promise<Init> | AsyncIterable<Init> | undefined): Promise<Init> {
  assert(answer instanceof Promise, "a handler that answers once gives a promise");
  return answer;
}

function asIterable(answer: Promise<Init> | AsyncIterable<Init> | undefined): AsyncIterable<Init> {
  assert(
    answer !== undefined && Symbol.asyncIterator in answer,
    "a handler that streams gives an async iterable",
  );
  return answer;
}
