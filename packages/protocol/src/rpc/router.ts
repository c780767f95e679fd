import type { DescMethod } from "@bufbuild/protobuf";
import type { Call } from "./service.ts";
import type { MessageParts } from "./transport.ts";

/** One method with its types erased: bytes in, bytes out. All that a transport server sees. */
export type Route =
  | {
      readonly path: string;
      readonly kind: "unary";
      unary(request: Uint8Array, call: Call): Promise<MessageParts>;
    }
  | {
      readonly path: string;
      readonly kind: Exclude<DescMethod["methodKind"], "unary">;
      stream(requests: AsyncIterable<Uint8Array>, call: Call): AsyncIterable<MessageParts>;
    };

/** The methods a server answers, by path: "/cairn.v1.CoordinatorService/Stat". */
export interface Router {
  find(path: string): Route | undefined;
  routes(): Iterable<Route>;
}
