import { SystemClock } from "@cairnfs/base/clock";
import { Lifecycle } from "@cairnfs/base/lifecycle";
import { Prng } from "@cairnfs/base/random";
import { silentTelemetry, type Telemetry } from "@cairnfs/base/telemetry";
import { FaultDisk } from "@cairnfs/base/testing/fault-disk";
import { type CairnClient, connect } from "@cairnfs/client";
import { coordinatorSettings } from "@cairnfs/coordinator/config";
import { Coordinator } from "@cairnfs/coordinator/coordinator";
import { datanodeSettings } from "@cairnfs/datanode/config";
import { Datanode } from "@cairnfs/datanode/datanode";
import { MemoryKv } from "@cairnfs/kv/memory/memory-kv";
import { MemoryNetwork } from "@cairnfs/protocol/memory/memory-network";
import { gatewaySettings } from "../config.ts";
import { Gateway } from "../gateway.ts";
import { type TestKey, TestS3 } from "./test-s3.ts";

export interface GatewayClusterOptions {
  readonly datanodes?: number;
  readonly gateway?: Record<string, unknown>;
  readonly coordinator?: Record<string, unknown>;
  readonly telemetry?: Telemetry;
}

/** A whole cluster in memory with a gateway on a loopback port, and a client that signs. */
export class GatewayCluster implements AsyncDisposable {
  readonly network: MemoryNetwork;
  readonly coordinator: Coordinator;
  readonly datanodes: readonly Datanode[];
  /** The SDK on the same cluster. */
  readonly client: CairnClient;
  readonly gateway: Gateway;
  /** The root user, signing each request in its headers. */
  readonly s3: TestS3;
  readonly #lifecycle: Lifecycle;

  private constructor(
    parts: Pick<
      GatewayCluster,
      "network" | "coordinator" | "datanodes" | "client" | "gateway" | "s3"
    >,
    lifecycle: Lifecycle,
  ) {
    this.network = parts.network;
    this.coordinator = parts.coordinator;
    this.datanodes = parts.datanodes;
    this.client = parts.client;
    this.gateway = parts.gateway;
    this.s3 = parts.s3;
    this.#lifecycle = lifecycle;
  }

  static async open(options: GatewayClusterOptions = {}): Promise<GatewayCluster> {
    const lifecycle = new Lifecycle();
    try {
      return new GatewayCluster(await openParts(lifecycle, options), lifecycle);
    } catch (error) {
      await lifecycle.close();
      throw error;
    }
  }

  /** The same gateway as another user sees it, or as nobody: `undefined` signs nothing. */
  as(key: TestKey | undefined): TestS3 {
    return new TestS3(this.gateway.address, key);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#lifecycle.close();
  }
}

async function openParts(lifecycle: Lifecycle, options: GatewayClusterOptions) {
  const clock = new SystemClock();
  const telemetry = options.telemetry ?? silentTelemetry;
  const network = new MemoryNetwork({ clock });
  const kv = lifecycle.add(new MemoryKv());
  const count = options.datanodes ?? 1;
  const coordinator = lifecycle.add(
    await Coordinator.open(
      coordinatorSettings.parse({
        address: "coordinator:0",
        defaultReplicationFactor: Math.min(3, count),
        allowInsecureBind: true,
        ...options.coordinator,
      }),
      { kv, network, clock, random: new Prng(7), telemetry },
    ),
  );
  const datanodes: Datanode[] = [];
  for (let number = 1; number <= count; number++) {
    const config = datanodeSettings.parse({
      dataDir: "/data",
      store: "memory",
      address: `node-${number}`,
      grpcAddress: "",
      httpAddress: "",
      coordinatorAddress: coordinator.address,
    });
    const disk = new FaultDisk(new Prng(number));
    const random = new Prng(1000 + number);
    const parts = { disk, network, clock, random, telemetry };
    datanodes.push(lifecycle.add(await Datanode.open(config, parts)));
  }
  const client = lifecycle.add(
    await connect({ coordinator: coordinator.address, network, clock, random: new Prng(11) }),
  );
  await allHealthy(client, count, clock);
  await client.access.ensureRootKey({ pair: ROOT_KEY });
  const gateway = lifecycle.add(
    await Gateway.open(gatewaySettings.parse({ address: "127.0.0.1:0", ...options.gateway }), {
      client,
      clock,
      random: new Prng(13),
      telemetry,
    }),
  );
  const s3 = new TestS3(gateway.address, ROOT_KEY);
  return { network, coordinator, datanodes, client, gateway, s3 };
}

/** The key of the root user of a test cluster. */
export const ROOT_KEY: TestKey = {
  accessKeyId: "TESTROOTKEY000000000",
  secretKey: "test-root-secret-0000000000000000000000000",
};

async function allHealthy(client: CairnClient, count: number, clock: SystemClock): Promise<void> {
  for (;;) {
    const nodes = await client.nodes();
    if (nodes.filter(({ state }) => state === "healthy").length >= count) return;
    await clock.sleep(5);
  }
}
