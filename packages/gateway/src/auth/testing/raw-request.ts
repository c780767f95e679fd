import { parseQuery } from "../../http/addressing.ts";
import type { RawRequest, RequestBody } from "../../s3/operation.ts";

export interface RawRequestShape {
  readonly method?: string;
  /** As in the request line. */
  readonly target?: string;
  readonly headers?: readonly (readonly [name: string, value: string])[];
  readonly body?: readonly Uint8Array[];
  readonly bucket?: string;
  readonly isVirtualHosted?: boolean;
}

/** A request as it comes out of the HTTP server, for tests of what verifies it. */
export function rawRequest(shape: RawRequestShape = {}): RawRequest {
  const { method = "GET", target = "/", headers = [], body = [], bucket = "" } = shape;
  const mark = target.indexOf("?");
  const rawQuery = mark === -1 ? "" : target.slice(mark + 1);
  const byName: Record<string, string> = {};
  for (const [name, value] of headers) {
    const key = name.toLowerCase();
    byName[key] = byName[key] === undefined ? value : `${byName[key]}, ${value}`;
  }
  return {
    method,
    rawPath: mark === -1 ? target : target.slice(0, mark),
    rawQuery,
    rawHeaders: headers.flat(),
    headers: byName,
    query: parseQuery(rawQuery),
    bucket,
    key: "",
    isVirtualHosted: shape.isVirtualHosted ?? false,
    body: bodyOf(body),
    sourceAddress: "127.0.0.1",
    isSecure: false,
    requestId: "0".repeat(16),
    signal: new AbortController().signal,
  };
}

/** A body in these pieces. */
export function bodyOf(pieces: readonly Uint8Array[]): RequestBody {
  return {
    lengthBytes: pieces.reduce((sum, piece) => sum + piece.byteLength, 0),
    trailers: new Map(),
    trailerNames: [],
    async *[Symbol.asyncIterator]() {
      yield* pieces;
    },
  };
}

/** All of a body as text. */
export async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of body) pieces.push(piece);
  return Buffer.concat(pieces).toString("latin1");
}
