import type {
  DescMessage,
  DescMethod,
  DescService,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";

/** Names and values that travel with a call beside its message, as gRPC metadata does. Keys are lower case. */
export type Metadata = ReadonlyMap<string, string>;

/** What a handler knows of the call it answers. Transports make it; handlers only read it. */
export interface Call {
  /** Fires when the caller goes away, the deadline passes or the server stops. */
  readonly signal: AbortSignal;
  readonly peer: string;
  readonly metadata: Metadata;
}

type MethodsOf<S extends DescService> = S["method"];
type Input<M> = M extends { input: infer I extends DescMessage } ? MessageShape<I> : never;
type Output<M> = M extends { output: infer O extends DescMessage } ? MessageInitShape<O> : never;
type Kind<M> = M extends { methodKind: infer K extends DescMethod["methodKind"] } ? K : never;

/** How a method is answered. A handler throws a CairnError to fail the call; anything else becomes `internal`. */
export type Handler<M> = {
  unary: (request: Input<M>, call: Call) => Promise<Output<M>>;
  server_streaming: (request: Input<M>, call: Call) => AsyncIterable<Output<M>>;
  client_streaming: (requests: AsyncIterable<Input<M>>, call: Call) => Promise<Output<M>>;
  bidi_streaming: (requests: AsyncIterable<Input<M>>, call: Call) => AsyncIterable<Output<M>>;
}[Kind<M>];

/** All handlers of a service, by the methods' local names. */
export type ServiceHandlers<S extends DescService> = {
  readonly [Name in keyof MethodsOf<S>]: Handler<MethodsOf<S>[Name]>;
};
