import type { Closable } from "@cairnfs/base/lifecycle";
import { CoordinatorService } from "../gen/cairn/v1/coordinator_pb.ts";
import { DataNodeService } from "../gen/cairn/v1/datanode_pb.ts";
import type { ServiceClient } from "./client.ts";
import { type ClientOptions, createClient } from "./create-client.ts";
import { mapped } from "./iterables.ts";
import type { Network } from "./network.ts";
import type { ClientTransport, MessageParts, WireCallOptions } from "./transport.ts";

export interface NodePoolOptions extends ClientOptions {
  /** How many addresses are kept connected; the one unused for longest is let go beyond that. 256 unless given. */
  readonly addressesMax?: number | undefined;
}

const ADDRESSES_MAX = 256;

/**
 * Clients by address, made when first asked for. A client stays good for ever: the connections of an address that
 * was let go are made again when the client is used. A call under way is never let go.
 */
export class NodePool implements Closable {
  readonly #network: Network;
  readonly #options: NodePoolOptions;
  /** In the order of their last use. */
  readonly #open = new Map<string, OpenTransport>();

  constructor(network: Network, options: NodePoolOptions) {
    this.#network = network;
    this.#options = options;
  }

  datanode(address: string): ServiceClient<typeof DataNodeService> {
    const entry = this.#use(address);
    entry.datanode ??= createClient(DataNodeService, this.#pooled(address), this.#options);
    return entry.datanode;
  }

  coordinator(address: string): ServiceClient<typeof CoordinatorService> {
    const entry = this.#use(address);
    entry.coordinator ??= createClient(CoordinatorService, this.#pooled(address), this.#options);
    return entry.coordinator;
  }

  async close(): Promise<void> {
    const transports = [...this.#open.values()].map((entry) => entry.transport);
    this.#open.clear();
    await Promise.all(transports.map((transport) => transport.close()));
  }

  /** A transport that finds its connection in the pool at each call. */
  #pooled(address: string): ClientTransport {
    return {
      address,
      unary: async (path: string, request: MessageParts, options: WireCallOptions) => {
        const entry = this.#use(address);
        entry.calls += 1;
        try {
          return await entry.transport.unary(path, request, options);
        } finally {
          entry.calls -= 1;
        }
      },
      stream: (path, requests, options) => ({
        [Symbol.asyncIterator]: () => {
          const entry = this.#use(address);
          entry.calls += 1;
          const answers = entry.transport.stream(path, requests, options);
          const counted = mapped(
            answers,
            (answer) => answer,
            () => {
              entry.calls -= 1;
            },
          );
          return counted[Symbol.asyncIterator]();
        },
      }),
      close: () => Promise.resolve(),
    };
  }

  #use(address: string): OpenTransport {
    let entry = this.#open.get(address);
    if (entry === undefined) {
      entry = { transport: this.#network.connect(address), calls: 0 };
      this.#letGo();
    } else {
      this.#open.delete(address);
    }
    this.#open.set(address, entry);
    return entry;
  }

  #letGo(): void {
    const addressesMax = this.#options.addressesMax ?? ADDRESSES_MAX;
    for (const [address, entry] of this.#open) {
      if (this.#open.size < addressesMax) return;
      if (entry.calls > 0) continue;
      this.#open.delete(address);
      // Nothing waits on it: closing an idle transport only frees its sockets.
      void entry.transport.close();
    }
  }
}

interface OpenTransport {
  readonly transport: ClientTransport;
  calls: number;
  datanode?: ServiceClient<typeof DataNodeService>;
  coordinator?: ServiceClient<typeof CoordinatorService>;
}
