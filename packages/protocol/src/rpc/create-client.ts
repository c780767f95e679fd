import { setMaxListeners } from "node:events";
import type {
  DescMessage,
  DescMethod,
  DescService,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import { backoffMs } from "@cairnfs/base/backoff";
import { type Clock, deadlineAfter } from "@cairnfs/base/clock";
import { abortError, CairnError } from "@cairnfs/base/errors";
import { toHex } from "@cairnfs/base/hex";
import type { Random } from "@cairnfs/base/random";
import type { CallOptions, ServiceClient } from "./client.ts";
import { decoderOf, encoderOf } from "./codec.ts";
import {
  aroundStream,
  aroundUnary,
  type ClientInterceptor,
  IDEMPOTENCY_KEY,
  type OutgoingCall,
  REQUEST_ID,
} from "./interceptor.ts";
import { mapped, once } from "./iterables.ts";
import { deservesRetry, RETRY_DEFAULT, type RetryPolicy, repeatable } from "./retry.ts";
import type { Metadata } from "./service.ts";
import type { ClientTransport, MessageParts } from "./transport.ts";

export interface ClientOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** The deadline of calls that answer once, unless the call says otherwise. Streams have none unless given. */
  readonly timeoutMs: number;
  /** `RETRY_DEFAULT` unless given. */
  readonly retry?: RetryPolicy | undefined;
  /** The first is the outermost. They go around the call as a whole, not around each attempt. */
  readonly interceptors?: readonly ClientInterceptor[] | undefined;
}

/**
 * The methods of `service` as functions that call the peer behind `transport`. Each call gets a request id, and a
 * mutating one an idempotency key, unless its metadata has them. A stream begins when its answers are first asked for.
 */
export function createClient<S extends DescService>(
  service: S,
  transport: ClientTransport,
  options: ClientOptions,
): ServiceClient<S> {
  const caller = new Caller(transport, options);
  const methods: Record<string, unknown> = {};
  for (const method of service.methods) methods[method.localName] = callable(caller, method);
  // Built from the same descriptor that the type is derived from: each name with the function of its kind.
  return methods as ServiceClient<S>;
}

type Init = MessageInitShape<DescMessage>;
type Answer = MessageShape<DescMessage>;

function callable(caller: Caller, method: DescMethod): unknown {
  const plan = planOf(method);
  const encode = encoderOf(method.input);
  switch (method.methodKind) {
    case "unary":
      return (request: Init, options?: CallOptions) => caller.unary(plan, encode(request), options);
    case "server_streaming":
      return (request: Init, options?: CallOptions) =>
        caller.stream(plan, once(encode(request)), options);
    case "client_streaming":
      return (requests: AsyncIterable<Init>, options?: CallOptions) =>
        caller.single(plan, mapped(requests, encode), options);
    case "bidi_streaming":
      return (requests: AsyncIterable<Init>, options?: CallOptions) =>
        caller.stream(plan, mapped(requests, encode), options);
  }
}

/** What is known of a method before it is called. */
interface MethodPlan {
  readonly method: DescMethod;
  readonly path: string;
  readonly decode: (answer: Uint8Array) => Answer;
  readonly isRepeatable: boolean;
  readonly isKeyed: boolean;
}

function planOf(method: DescMethod): MethodPlan {
  const repeat = repeatable(method);
  return {
    method,
    path: `/${method.parent.typeName}/${method.name}`,
    decode: decoderOf(method.output, "protocolViolation"),
    isRepeatable: repeat !== undefined,
    isKeyed: repeat === "keyed",
  };
}

interface OpenCall {
  readonly call: OutgoingCall;
  release(): void;
}

const nothingToRelease = () => undefined;

class Caller {
  readonly #transport: ClientTransport;
  readonly #options: ClientOptions;
  readonly #interceptors: readonly ClientInterceptor[];
  readonly #clientId: string;
  readonly #requestPrefix: string;
  #requests = 0;
  #mutations = 0;

  constructor(transport: ClientTransport, options: ClientOptions) {
    this.#transport = transport;
    this.#options = options;
    this.#interceptors = options.interceptors ?? [];
    this.#clientId = toHex(options.random.bytes(16));
    this.#requestPrefix = this.#clientId.slice(0, 16);
  }

  unary(
    plan: MethodPlan,
    request: MessageParts,
    options: CallOptions | undefined,
  ): Promise<Answer> {
    const timeoutMs = options?.timeoutMs ?? this.#options.timeoutMs;
    // Deadlines of small calls are the transport's: a signal and a timer for each would cost as much as the call.
    const call = this.#outgoing(plan, options, shared(options?.signal), timeoutMs);
    if (this.#interceptors.length === 0) return this.#attempts(plan, request, call);
    return aroundUnary(this.#interceptors, call, (passed) => this.#attempts(plan, request, passed));
  }

  stream(
    plan: MethodPlan,
    requests: AsyncIterable<MessageParts>,
    options: CallOptions | undefined,
  ): AsyncIterable<Answer> {
    return {
      [Symbol.asyncIterator]: () => {
        const { call, release } = this.#open(plan, options);
        const answers = aroundStream(this.#interceptors, call, (passed) =>
          this.#answers(plan, requests, passed),
        );
        return mapped(answers, (answer) => answer, release)[Symbol.asyncIterator]();
      },
    };
  }

  async single(
    plan: MethodPlan,
    requests: AsyncIterable<MessageParts>,
    options: CallOptions | undefined,
  ): Promise<Answer> {
    const { call, release } = this.#open(plan, options);
    try {
      return await aroundUnary(this.#interceptors, call, async (passed) => {
        let answer: Answer | undefined;
        for await (const next of this.#answers(plan, requests, passed)) {
          if (answer !== undefined) throw violation(plan, "more than one answer");
          answer = next;
        }
        if (answer === undefined) throw violation(plan, "no answer");
        return answer;
      });
    } finally {
      release();
    }
  }

  #open(plan: MethodPlan, options: CallOptions | undefined): OpenCall {
    const timeoutMs = options?.timeoutMs ?? Number.POSITIVE_INFINITY;
    const signal = shared(options?.signal);
    if (timeoutMs === Number.POSITIVE_INFINITY) {
      return { call: this.#outgoing(plan, options, signal, timeoutMs), release: nothingToRelease };
    }
    const deadline = deadlineAfter(this.#options.clock, timeoutMs, signal);
    return {
      call: this.#outgoing(plan, options, deadline.signal, timeoutMs),
      release: deadline.release,
    };
  }

  #outgoing(
    plan: MethodPlan,
    options: CallOptions | undefined,
    signal: AbortSignal | undefined,
    timeoutMs: number,
  ): OutgoingCall {
    return {
      method: plan.method,
      path: plan.path,
      address: this.#transport.address,
      metadata: this.#metadata(plan, options?.metadata),
      signal,
      timeoutMs: timeoutMs === Number.POSITIVE_INFINITY ? undefined : timeoutMs,
    };
  }

  #metadata(plan: MethodPlan, given: Metadata | undefined): Metadata {
    const isComplete =
      given?.has(REQUEST_ID) === true && (!plan.isKeyed || given.has(IDEMPOTENCY_KEY));
    if (isComplete) return given;
    const metadata = new Map(given);
    if (!metadata.has(REQUEST_ID)) {
      this.#requests += 1;
      metadata.set(REQUEST_ID, this.#requestPrefix + counterDigits(this.#requests));
    }
    if (plan.isKeyed && !metadata.has(IDEMPOTENCY_KEY)) {
      this.#mutations += 1;
      metadata.set(IDEMPOTENCY_KEY, this.#clientId + counterDigits(this.#mutations));
    }
    return metadata;
  }

  async #attempts(plan: MethodPlan, request: MessageParts, call: OutgoingCall): Promise<Answer> {
    const { clock, random, retry = RETRY_DEFAULT } = this.#options;
    const { signal, metadata } = call;
    const startedMs = clock.monotonicMs();
    let timeoutMs = call.timeoutMs;
    for (let failures = 1; ; failures++) {
      try {
        const answer = await this.#transport.unary(plan.path, request, {
          signal,
          timeoutMs,
          metadata,
        });
        return plan.decode(answer);
      } catch (error) {
        if (signal?.aborted === true) throw abortError(signal);
        const isLast = !plan.isRepeatable || failures >= retry.attemptsMax;
        if (isLast || !deservesRetry(error)) throw error;
        const pauseMs = backoffMs(failures, retry.pause, random);
        timeoutMs = leftAfter(pauseMs + clock.monotonicMs() - startedMs, call.timeoutMs);
        // A pause that would outlast the deadline only delays the bad news.
        if (timeoutMs !== undefined && timeoutMs <= 0) throw error;
        await this.#pause(pauseMs, signal);
      }
    }
  }

  async #pause(pauseMs: number, signal: AbortSignal | undefined): Promise<void> {
    try {
      await this.#options.clock.sleep(pauseMs, signal);
    } catch (error) {
      throw signal === undefined ? error : abortError(signal);
    }
  }

  #answers(
    plan: MethodPlan,
    requests: AsyncIterable<MessageParts>,
    call: OutgoingCall,
  ): AsyncIterable<Answer> {
    const { signal, timeoutMs, metadata } = call;
    const answers = this.#transport.stream(plan.path, requests, { signal, timeoutMs, metadata });
    return mapped(answers, plan.decode);
  }
}

function violation(plan: MethodPlan, found: string): CairnError {
  return new CairnError("protocolViolation", `${plan.path} answers once: there was ${found}`);
}

function leftAfter(spentMs: number, timeoutMs: number | undefined): number | undefined {
  return timeoutMs === undefined ? undefined : timeoutMs - spentMs;
}

/** The caller's signal, which many calls may listen to at once without Node taking that for a leak. */
function shared(signal: AbortSignal | undefined): AbortSignal | undefined {
  if (signal !== undefined) setMaxListeners(0, signal);
  return signal;
}

function counterDigits(count: number): string {
  return count.toString(16).padStart(16, "0");
}
