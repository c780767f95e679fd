import type {
  DescMessage,
  DescMethod,
  DescService,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import type { Metadata } from "./service.ts";

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Overrides the client's own timeout for this call; `Infinity` for none. */
  readonly timeoutMs?: number | undefined;
  readonly metadata?: Metadata | undefined;
}

type Request<M> = M extends { input: infer I extends DescMessage } ? MessageInitShape<I> : never;
type Response<M> = M extends { output: infer O extends DescMessage } ? MessageShape<O> : never;
type Kind<M> = M extends { methodKind: infer K extends DescMethod["methodKind"] } ? K : never;

export type ClientMethod<M> = {
  unary: (request: Request<M>, options?: CallOptions) => Promise<Response<M>>;
  server_streaming: (request: Request<M>, options?: CallOptions) => AsyncIterable<Response<M>>;
  client_streaming: (
    requests: AsyncIterable<Request<M>>,
    options?: CallOptions,
  ) => Promise<Response<M>>;
  bidi_streaming: (
    requests: AsyncIterable<Request<M>>,
    options?: CallOptions,
  ) => AsyncIterable<Response<M>>;
}[Kind<M>];

/** A service as its caller sees it. Failures are CairnErrors, the same that the handler threw. */
export type ServiceClient<S extends DescService> = {
  readonly [Name in keyof S["method"]]: ClientMethod<S["method"][Name]>;
};
