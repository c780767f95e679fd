import { backoffMs } from "@cairnfs/base/backoff";
import { CairnError, hasReason, type Reason } from "@cairnfs/base/errors";
import { toHex } from "@cairnfs/base/hex";
import type { CallOptions } from "@cairnfs/protocol/rpc/client";
import { IDEMPOTENCY_KEY, REQUEST_ID } from "@cairnfs/protocol/rpc/interceptor";
import type { ClientConfig } from "./config.ts";
import type { CoordinatorClient } from "./coordinator-client.ts";

/** What makes it worth trying the same call again, here or at another coordinator. */
const PASSING: ReadonlySet<Reason> = new Set<Reason>([
  "transactionConflict",
  "overloaded",
  "peerGone",
  "unreachable",
  "stalled",
  "shuttingDown",
  "deadlineExceeded",
]);
/** After these the next try goes to the next coordinator. */
const ELSEWHERE: ReadonlySet<Reason> = new Set<Reason>([
  "peerGone",
  "unreachable",
  "stalled",
  "shuttingDown",
  "deadlineExceeded",
]);

/**
 * How long too few healthy nodes are waited for: after a restart of the coordinator they all have to be heard of first. A
 * cluster that is really full is not worth more.
 */
const PLACEMENT_PATIENCE_MS = 10_000;

export interface CoordinatorCallOptions {
  readonly signal?: AbortSignal | undefined;
  /** The call changes something: it carries a key, so that a repeat has no second effect. */
  readonly isMutation?: boolean | undefined;
  /** Instead of the configured patience. */
  readonly patienceMs?: number | undefined;
  /** Too few healthy nodes are waited for, a while. */
  readonly waitsForNodes?: boolean | undefined;
}

/** The way to the coordinators: tries again while they are away, and changes to the next one. */
export class CoordinatorLink {
  readonly #clients: readonly CoordinatorClient[];
  readonly #config: ClientConfig;
  /** 32 digits of chance: no other client has the same keys. */
  readonly #clientId: string;
  readonly #requestPrefix: string;
  #current = 0;
  #sequence = 0;
  #isClosed = false;

  constructor(clients: readonly CoordinatorClient[], config: ClientConfig) {
    this.#clients = clients;
    this.#config = config;
    this.#clientId = toHex(config.random.bytes(16));
    this.#requestPrefix = this.#clientId.slice(0, 16);
  }

  /** The outcome of `send`, tried again within the patience while the reason of its failure may pass. */
  async call<T>(
    send: (client: CoordinatorClient, options: CallOptions) => Promise<T>,
    options: CoordinatorCallOptions = {},
  ): Promise<T> {
    const { signal } = options;
    const callOptions: CallOptions = {
      signal,
      metadata: this.metadata(options.isMutation === true),
    };
    let startedMs: number | undefined;
    for (let failures = 1; ; failures++) {
      this.#refuseClosed();
      const at = this.#current;
      try {
        return await send(this.#client(at), callOptions);
      } catch (error) {
        if (signal?.aborted) throw error;
        const patienceMs = this.#patienceMs(error, options);
        if (!(error instanceof CairnError) || patienceMs === undefined) throw error;
        const nowMs = this.#config.clock.monotonicMs();
        startedMs ??= nowMs;
        if (this.#isClosed || nowMs - startedMs >= patienceMs) throw error;
        this.failedAt(at, error);
        const pauseMs = backoffMs(failures, { baseMs: 20, capMs: 2_000 }, this.#config.random);
        await this.#config.clock.sleep(pauseMs, signal);
      }
    }
  }

  /** The client in use now, and its place for `failedAt`; for streams, which the caller resumes himself. */
  current(): { readonly client: CoordinatorClient; readonly at: number } {
    this.#refuseClosed();
    return { client: this.#client(this.#current), at: this.#current };
  }

  /** Turns to the next coordinator unless somebody has done so already. */
  failedAt(at: number, error: unknown): void {
    if (at !== this.#current) return;
    if (error instanceof CairnError && ELSEWHERE.has(error.reason)) {
      this.#current = (this.#current + 1) % this.#clients.length;
    }
  }

  /** Ids for one call and its repeats. */
  metadata(isMutation: boolean): ReadonlyMap<string, string> {
    const sequence = (this.#sequence++).toString(16).padStart(16, "0");
    const metadata = new Map<string, string>();
    metadata.set(REQUEST_ID, this.#requestPrefix + sequence);
    if (isMutation) metadata.set(IDEMPOTENCY_KEY, this.#clientId + sequence);
    return metadata;
  }

  /** Ends the patience of calls that are waiting to try again. */
  close(): void {
    this.#isClosed = true;
  }

  /** How long a call that failed like this is tried again; `undefined` for not at all. */
  #patienceMs(error: unknown, options: CoordinatorCallOptions): number | undefined {
    const patienceMs = options.patienceMs ?? this.#config.patienceMs;
    if (isPassing(error)) return patienceMs;
    const isWaited = options.waitsForNodes === true && hasReason(error, "placementUnavailable");
    return isWaited ? Math.min(patienceMs, PLACEMENT_PATIENCE_MS) : undefined;
  }

  #client(at: number): CoordinatorClient {
    const client = this.#clients[at];
    if (client === undefined) throw new CairnError("internal", "no coordinator is configured");
    return client;
  }

  #refuseClosed(): void {
    if (this.#isClosed) throw new CairnError("cancelled", "the client is closed");
  }
}

/** Whether the reason of this failure may pass by itself. */
export function isPassing(error: unknown): error is CairnError {
  return error instanceof CairnError && PASSING.has(error.reason);
}
