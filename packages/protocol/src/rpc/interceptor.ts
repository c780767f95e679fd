import type { DescMethod } from "@bufbuild/protobuf";
import type { Clock } from "@cairnfs/base/clock";
import type { Call, Metadata } from "./service.ts";

/** A call on its way out, as interceptors see it: once, however many attempts it takes. */
export interface OutgoingCall {
  readonly method: DescMethod;
  readonly path: string;
  readonly address: string;
  readonly metadata: Metadata;
  /** The caller's, and of a stream the deadline as well; undefined where nobody can abort it. */
  readonly signal: AbortSignal | undefined;
  /** The time it has as a whole; undefined for no limit. */
  readonly timeoutMs: number | undefined;
}

/**
 * A call that came in, as interceptors see it. Its signal is made when it is first asked for, so a changed call is
 * given one that asks the first for it: a spread of it has none.
 */
export interface IncomingCall extends Call {
  readonly method: DescMethod;
  readonly path: string;
}

/**
 * What goes around every call of a client or a server, the first of a list outermost. It may refuse (throw),
 * hand on a changed call, and hear how the call ends. `unary` is for methods that answer once.
 */
export interface Interceptor<C> {
  unary?<T>(call: C, next: (call: C) => Promise<T>): Promise<T>;
  stream?<T>(call: C, next: (call: C) => AsyncIterable<T>): AsyncIterable<T>;
}

export type ClientInterceptor = Interceptor<OutgoingCall>;
export type ServerInterceptor = Interceptor<IncomingCall>;

/** Runs `innermost` inside all of `interceptors`. */
export function aroundUnary<C, T>(
  interceptors: readonly Interceptor<C>[],
  call: C,
  innermost: (call: C) => Promise<T>,
): Promise<T> {
  let next = innermost;
  for (let at = interceptors.length - 1; at >= 0; at--) {
    const interceptor = interceptors[at];
    if (interceptor?.unary === undefined) continue;
    // The outermost needs no function around it, and mostly there is no other.
    if (at === 0) return interceptor.unary(call, next);
    const inner = next;
    next = (passed) => interceptor.unary?.(passed, inner) ?? inner(passed);
  }
  return next(call);
}

/** Runs `innermost` inside all of `interceptors`. */
export function aroundStream<C, T>(
  interceptors: readonly Interceptor<C>[],
  call: C,
  innermost: (call: C) => AsyncIterable<T>,
): AsyncIterable<T> {
  let next = innermost;
  for (let at = interceptors.length - 1; at >= 0; at--) {
    const interceptor = interceptors[at];
    if (interceptor?.stream === undefined) continue;
    const inner = next;
    next = (passed) => interceptor.stream?.(passed, inner) ?? inner(passed);
  }
  return next(call);
}

/** How a call ended: with `error` undefined it was answered, or its reader had enough. */
export interface CallOutcome {
  readonly durationMs: number;
  readonly error: unknown;
}

/** Tells `report` of each call that has ended, for logs and metrics. A report must not throw. */
export function observeCalls<C>(
  clock: Clock,
  report: (call: C, outcome: CallOutcome) => void,
): Interceptor<C> {
  return {
    async unary(call, next) {
      const startedMs = clock.monotonicMs();
      let error: unknown;
      try {
        return await next(call);
      } catch (failure) {
        error = failure;
        throw failure;
      } finally {
        report(call, { durationMs: clock.monotonicMs() - startedMs, error });
      }
    },
    async *stream(call, next) {
      const startedMs = clock.monotonicMs();
      let error: unknown;
      try {
        yield* next(call);
      } catch (failure) {
        error = failure;
        throw failure;
      } finally {
        report(call, { durationMs: clock.monotonicMs() - startedMs, error });
      }
    },
  };
}

/** Identifies what a user asked for, through all calls that are made for it. */
export const REQUEST_ID = "cairn-request-id";
/** Marks repetitions of one mutating call; see coordinator.proto. */
export const IDEMPOTENCY_KEY = "cairn-idempotency-key";

/** The metadata for calls that are made on behalf of `call`: the request goes by the same id everywhere. */
export function passedOn(call: Call): Metadata {
  const requestId = call.metadata.get(REQUEST_ID);
  return requestId === undefined ? new Map() : new Map([[REQUEST_ID, requestId]]);
}
