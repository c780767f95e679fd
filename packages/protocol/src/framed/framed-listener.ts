import type { Server } from "node:net";
import { listenFailure } from "@cairnfs/base/bind-address";
import type { Clock } from "@cairnfs/base/clock";
import { CairnError } from "@cairnfs/base/errors";
import { formatAddress, parseAddress } from "../rpc/address.ts";
import { pagedReceiveBuffers } from "../rpc/receive-buffers.ts";
import type { Router } from "../rpc/router.ts";
import type { Listener } from "../rpc/transport.ts";
import { Connection, type ConnectionLimits } from "./connection.ts";
import { ServerConnection } from "./server-connection.ts";
import { createAcceptor } from "./socket.ts";

/** How many connections one server takes; more are closed at once. */
const CONNECTIONS_MAX = 16_384;
/** How many may wait to be taken: thousands of nodes come at once when their coordinator is back. */
const BACKLOG = 4096;
/** How long a stopping server waits for handlers that were told, and for clients to read their last answers. */
const STOP_GRACE_MS = 5_000;
const GOODBYE_MS = 1_000;

export interface ListenerParts {
  readonly clock: Clock;
  readonly limits: ConnectionLimits;
  readonly router: Router;
}

/** Serves a router over the framed transport. */
export class FramedListener implements Listener {
  readonly address: string;
  readonly #server: Server;
  readonly #clock: Clock;
  readonly #connections: Set<ServerConnection>;
  #closing: Promise<void> | undefined;

  /** Resolves when the address is bound; one that cannot be is refused as `invalidConfig`. */
  static async open(address: string, parts: ListenerParts): Promise<FramedListener> {
    const { host, port } = parseAddress(address);
    const connections = new Set<ServerConnection>();
    const server = createAcceptor((accept) => {
      const connection = new ServerConnection(
        (owner) =>
          new Connection(owner, {
            clock: parts.clock,
            limits: parts.limits,
            peer: undefined,
            // What comes in large is for a disk.
            buffers: pagedReceiveBuffers,
            openSocket: accept,
          }),
        {
          router: parts.router,
          clock: parts.clock,
          onGone: (gone) => connections.delete(gone),
        },
      );
      connections.add(connection);
      if (connections.size > CONNECTIONS_MAX) {
        connection.fail(new CairnError("overloaded", "too many connections"));
      }
    });
    await new Promise<void>((resolve, reject) => {
      server.once("error", (cause) => {
        reject(listenFailure(address, cause));
      });
      server.listen({ host, port, backlog: BACKLOG }, resolve);
    });
    const bound = server.address();
    const boundPort = typeof bound === "object" && bound !== null ? bound.port : port;
    return new FramedListener(formatAddress({ host, port: boundPort }), server, {
      clock: parts.clock,
      connections,
    });
  }

  private constructor(
    address: string,
    server: Server,
    parts: { readonly clock: Clock; readonly connections: Set<ServerConnection> },
  ) {
    this.address = address;
    this.#server = server;
    this.#clock = parts.clock;
    this.#connections = parts.connections;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const freed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    const error = new CairnError("shuttingDown", `${this.address} is stopping`);
    const stopped = [...this.#connections].map((connection) => connection.stop(error));
    await this.#within(STOP_GRACE_MS, Promise.all(stopped));
    await this.#within(GOODBYE_MS, this.#allGone());
    for (const connection of [...this.#connections]) connection.fail(error);
    await freed;
  }

  async #allGone(): Promise<void> {
    // Clients close when they have read the goodbye; there is no event for all of them together.
    while (this.#connections.size > 0) await this.#clock.sleep(5);
  }

  async #within(limitMs: number, work: Promise<unknown>): Promise<void> {
    const controller = new AbortController();
    const timeout = this.#clock.sleep(limitMs, controller.signal).catch(() => undefined);
    await Promise.race([work, timeout]);
    controller.abort();
  }
}
