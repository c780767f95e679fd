import { mkdirSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { eventually } from "@cairnfs/base/testing/eventually";
import { type CairnClient, type ConnectOptions, connect } from "@cairnfs/client";
import type { Host, HostNetwork } from "./hosts/host-network.ts";
import { willBeEnded } from "./leftovers.ts";
import { ManagedProcess, type ProcessSpec } from "./managed-process.ts";

export interface ProcessClusterOptions {
  /** Names the folder of its logs. */
  readonly name: string;
  readonly datanodes?: number;
  /** Settings of the coordinator beside the defaults, as environment variables. */
  readonly coordinator?: Readonly<Record<string, string>>;
  readonly datanode?: (index: number) => DatanodeSpec;
  /** Puts the coordinator on its first host and each datanode on one of the others, instead of all on loopback. */
  readonly network?: HostNetwork;
}

export interface DatanodeSpec {
  readonly environment?: Readonly<Record<string, string>>;
  /** Instead of the `cairn` command: a script that starts a datanode with a part exchanged. */
  readonly script?: string;
  /** Instead of a folder of the cluster's own. */
  readonly dataDir?: string;
}

const CAIRN = fileURLToPath(new URL("../../cli/dist/main.js", import.meta.url));
const LOOPBACK: Host = { name: "loopback", address: "127.0.0.1", prefix: [] };
const FAST_MEMBERSHIP = {
  CAIRN_HEARTBEAT_INTERVAL_MS: "250",
  CAIRN_SUSPECT_AFTER_MS: "1500",
  CAIRN_DEAD_AFTER_MS: "6000",
  CAIRN_REPAIR_DELAY_MS: "0",
};

/** Where S3 clients reach a gateway of a cluster, with the root user's key. */
export interface GatewayAccess {
  readonly process: ManagedProcess;
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretKey: string;
}

const ROOT_KEY = { accessKeyId: "CAIRNTESTROOT", secretKey: "a+secret/of=tests~alone" };

/**
 * A cluster of real processes on loopback, in a folder of its own: one coordinator and any number of datanodes.
 * With `await using` it ends, and its folder goes, however the test ends.
 */
export class ProcessCluster implements AsyncDisposable {
  readonly folder: string;
  readonly #options: ProcessClusterOptions;
  readonly #logFolder: string;
  readonly #clients: CairnClient[] = [];
  readonly #peaks = new Map<string, number>();
  readonly #ended: () => void;
  #coordinator: ManagedProcess | undefined;
  #datanodes: ManagedProcess[] = [];
  readonly #gateways: ManagedProcess[] = [];

  private constructor(folder: string, options: ProcessClusterOptions) {
    this.folder = folder;
    this.#options = options;
    this.#logFolder = join(process.env.CAIRN_TEST_LOGS ?? resolve("tests", ".logs"), options.name);
    this.#ended = willBeEnded(this);
  }

  /** Starts all processes and resolves when every datanode is healthy. */
  static async start(options: ProcessClusterOptions): Promise<ProcessCluster> {
    const folder = join(
      tmpdir(),
      `cairnfs-${options.name}-${process.pid}-${Math.trunc(performance.now())}`,
    );
    mkdirSync(folder, { recursive: true });
    const cluster = new ProcessCluster(folder, options);
    try {
      cluster.#coordinator = await ManagedProcess.start(
        cluster.#coordinatorSpec(cluster.#anyPort(0), cluster.#anyPort(0)),
      );
      const indexes = Array.from({ length: options.datanodes ?? 6 }, (_, index) => index);
      cluster.#datanodes = await Promise.all(
        indexes.map((index) =>
          ManagedProcess.start(cluster.#datanodeSpec(index, cluster.#anyPort(index + 1))),
        ),
      );
      await cluster.untilHealthy();
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  get coordinator(): ManagedProcess {
    if (this.#coordinator === undefined) throw new Error("the coordinator was not started");
    return this.#coordinator;
  }

  get datanodes(): readonly ManagedProcess[] {
    return this.#datanodes;
  }

  datanode(index: number): ManagedProcess {
    const node = this.#datanodes[index];
    if (node === undefined) throw new Error(`there is no datanode ${index}`);
    return node;
  }

  /** The folder that datanode `index` keeps its chunks in. */
  dataDir(index: number): string {
    return this.#options.datanode?.(index).dataDir ?? join(this.folder, `datanode-${index}`);
  }

  /** A client of this cluster, closed with it. */
  async connect(options: Partial<ConnectOptions> = {}): Promise<CairnClient> {
    const client = await connect({ coordinator: this.coordinator.ready.address, ...options });
    this.#clients.push(client);
    return client;
  }

  async restartCoordinator(): Promise<void> {
    const { ready } = this.coordinator;
    await this.#endProcess(this.coordinator);
    this.#coordinator = await ManagedProcess.start(
      this.#coordinatorSpec(ready.address, ready.grpcAddress ?? this.#anyPort(0)),
    );
  }

  async restartDatanode(index: number): Promise<void> {
    const { ready } = this.datanode(index);
    await this.#endProcess(this.datanode(index));
    this.#datanodes[index] = await ManagedProcess.start(this.#datanodeSpec(index, ready.address));
  }

  /** Starts one more datanode and gives its index; resolves when the process is up, and it may still have to join. */
  async addDatanode(): Promise<number> {
    const index = this.#datanodes.length;
    const spec = this.#datanodeSpec(index, this.#anyPort(index + 1));
    this.#datanodes.push(await ManagedProcess.start(spec));
    return index;
  }

  /** Starts one more gateway; resolves when it listens. With `address` it listens where one did that has ended. */
  async startGateway(
    environment: Readonly<Record<string, string>> = {},
    address = this.#anyPort(0),
  ): Promise<GatewayAccess> {
    const process = await ManagedProcess.start(
      this.#gatewaySpec(`gateway-${this.#gateways.length}`, address, environment),
    );
    this.#gateways.push(process);
    const endpoint = `http://${process.ready.address}`;
    return { process, endpoint, region: "us-east-1", ...ROOT_KEY };
  }

  /** What a process has logged so far, by its name: coordinator, datanode-0, ... */
  log(name: string): Promise<string> {
    return readFile(join(this.#logFolder, `${name}.log`), "utf8");
  }

  /** Ends every process at once, the hard way. */
  async killAll(): Promise<void> {
    await Promise.all(
      [this.coordinator, ...this.#datanodes, ...this.#gateways].map((process) =>
        this.#endProcess(process),
      ),
    );
  }

  /** Starts every process again that is not running, and resolves when all are healthy. */
  async restartAll(): Promise<void> {
    if (!this.coordinator.isRunning) await this.restartCoordinator();
    await Promise.all(
      this.#datanodes.map(async (node, index) => {
        if (!node.isRunning) await this.restartDatanode(index);
      }),
    );
    await this.untilHealthy();
  }

  /** Resolves when the coordinator counts every running datanode as healthy. */
  async untilHealthy(): Promise<void> {
    const client = await this.connect();
    const wanted = this.#datanodes.filter((node) => node.isRunning).length;
    await eventually(async () => {
      const { nodes } = await client.clusterState();
      const healthy = nodes.filter((node) => node.state === "healthy").length;
      if (healthy < wanted) throw new Error(`${healthy} of ${wanted} datanodes are healthy`);
    });
  }

  /** The most memory each process ever had, in bytes, by its name; ended ones included. */
  peaks(): ReadonlyMap<string, number> {
    for (const process of [this.coordinator, ...this.#datanodes, ...this.#gateways]) {
      this.#notePeak(process);
    }
    return this.#peaks;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended();
    await Promise.allSettled(this.#clients.map((client) => client.close()));
    const processes = [...this.#gateways, ...this.#datanodes];
    if (this.#coordinator !== undefined) processes.push(this.#coordinator);
    await Promise.all(processes.map((process) => process.end()));
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  async #endProcess(process: ManagedProcess): Promise<void> {
    this.#notePeak(process);
    await process.end();
  }

  #notePeak(process: ManagedProcess): void {
    const { name } = process.spec;
    this.#peaks.set(name, Math.max(this.#peaks.get(name) ?? 0, process.notePeak()));
  }

  /** The host of the coordinator is 0, of datanode `index` `index + 1`. */
  #hostOf(place: number): Host {
    return this.#options.network?.host(place) ?? LOOPBACK;
  }

  #anyPort(place: number): string {
    return `${this.#hostOf(place).address}:0`;
  }

  #bindSettings(): Readonly<Record<string, string>> {
    return this.#options.network === undefined ? {} : { CAIRN_ALLOW_INSECURE_BIND: "true" };
  }

  #coordinatorSpec(address: string, grpcAddress: string): ProcessSpec {
    return {
      name: "coordinator",
      prefix: this.#hostOf(0).prefix,
      arguments: [CAIRN, "coordinator", "--json"],
      environment: {
        CAIRN_ADDRESS: address,
        CAIRN_GRPC_ADDRESS: grpcAddress,
        CAIRN_HTTP_ADDRESS: "127.0.0.1:0",
        CAIRN_DATA_DIR: join(this.folder, "coordinator"),
        ...this.#bindSettings(),
        ...FAST_MEMBERSHIP,
        ...this.#options.coordinator,
      },
      logFolder: this.#logFolder,
    };
  }

  #datanodeSpec(index: number, address: string): ProcessSpec {
    const spec = this.#options.datanode?.(index) ?? {};
    return {
      name: `datanode-${index}`,
      prefix: this.#hostOf(index + 1).prefix,
      arguments: spec.script === undefined ? [CAIRN, "datanode", "--json"] : [spec.script],
      environment: {
        CAIRN_ADDRESS: address,
        CAIRN_GRPC_ADDRESS: "127.0.0.1:0",
        CAIRN_HTTP_ADDRESS: "127.0.0.1:0",
        ...this.#bindSettings(),
        CAIRN_DATA_DIR: this.dataDir(index),
        CAIRN_COORDINATOR_ADDRESS: this.coordinator.ready.address,
        ...spec.environment,
      },
      logFolder: this.#logFolder,
    };
  }

  #gatewaySpec(
    name: string,
    address: string,
    environment: Readonly<Record<string, string>>,
  ): ProcessSpec {
    return {
      name,
      prefix: this.#hostOf(0).prefix,
      arguments: [CAIRN, "gateway", "--json"],
      environment: {
        CAIRN_ADDRESS: address,
        CAIRN_HTTP_ADDRESS: "127.0.0.1:0",
        CAIRN_COORDINATOR_ADDRESS: this.coordinator.ready.address,
        CAIRN_ROOT_ACCESS_KEY_ID: ROOT_KEY.accessKeyId,
        CAIRN_ROOT_SECRET_KEY: ROOT_KEY.secretKey,
        ...this.#bindSettings(),
        ...environment,
      },
      logFolder: this.#logFolder,
    };
  }
}
