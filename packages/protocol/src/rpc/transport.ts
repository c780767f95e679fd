import type { Closable } from "@cairnfs/base/lifecycle";
import type { Metadata } from "./service.ts";

/**
 * One message as bytes, in the pieces it was encoded in; they follow each other on the wire.
 * So a payload is sent behind its header without being copied.
 */
export type MessageParts = readonly Uint8Array[];

export interface WireCallOptions {
  /** Ends the call, here and at the server. */
  readonly signal?: AbortSignal | undefined;
  /**
   * What is left until the deadline, told to the server; undefined for none. A unary call fails with
   * `deadlineExceeded` when it has passed; a stream has a signal for that.
   */
  readonly timeoutMs?: number | undefined;
  readonly metadata: Metadata;
}

/**
 * Calls to one address. Connects when first used and again after a failure, so it never needs
 * to be replaced. Bytes of an answer belong to the receiver; bytes of a request belong to the
 * caller again when the call has ended.
 */
export interface ClientTransport extends Closable {
  readonly address: string;
  unary(path: string, request: MessageParts, options: WireCallOptions): Promise<Uint8Array>;
  /**
   * Any of the streaming kinds. The requests are read at the server's pace, the answers at the caller's. Leaving
   * the answers early cancels the call; when the call ends the requests' iterator is returned.
   */
  stream(
    path: string,
    requests: AsyncIterable<MessageParts>,
    options: WireCallOptions,
  ): AsyncIterable<Uint8Array>;
}

/** A server that listens. Closing it stops new calls, aborts those under way and frees the address. */
export interface Listener extends Closable {
  /** host:port, with the port that was really bound. */
  readonly address: string;
}
