import type { CallOptions } from "@cairnfs/protocol/rpc/client";
import { withCallerSignal } from "./abort.ts";
import type { CoordinatorClient } from "./coordinator-client.ts";
import type { CoordinatorLink } from "./coordinator-link.ts";

type Send<T> = (client: CoordinatorClient, options: CallOptions) => Promise<T>;

/** Calls to the coordinators as the methods of the SDK make them: each ends with its caller's signal. */
export class CoordinatorCalls {
  readonly #link: CoordinatorLink;

  constructor(link: CoordinatorLink) {
    this.#link = link;
  }

  /** The answer to a question. */
  ask<T>(signal: AbortSignal | undefined, send: Send<T>): Promise<T> {
    return withCallerSignal(signal, () => this.#link.call(send, { signal }));
  }

  /** The answer to a call that changes something: it carries a key, so that a repeat has no second effect. */
  change<T>(signal: AbortSignal | undefined, send: Send<T>): Promise<T> {
    return withCallerSignal(signal, () => this.#link.call(send, { signal, isMutation: true }));
  }
}
