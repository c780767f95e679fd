import { present } from "@cairnfs/base/assert";
import { CairnClient } from "@cairnfs/client/client";
import { clientConfig } from "@cairnfs/client/config";
import { Coordinator } from "@cairnfs/coordinator/coordinator";
import { Datanode } from "@cairnfs/datanode/datanode";
import type { ChunkStore } from "@cairnfs/datanode/store/chunk-store";
import { KvStorage, SimKv } from "../kv/sim-kv.ts";
import { SimNetwork } from "../network/sim-network.ts";
import type { SimProcess } from "../process/sim-process.ts";
import { Chance } from "../schedule/chance.ts";
import { SimScheduler } from "../schedule/scheduler.ts";
import { Machine } from "./machine.ts";
import { openNodeStore } from "./node-store.ts";
import { describe, Problems } from "./problems.ts";
import { COORDINATOR_ADDRESS, coordinatorConfig, datanodeConfig, type Shape } from "./shape.ts";

/** How long whoever supervises a process waits before it starts it again after a failed start. */
const RESTART_MS = 1_500;

/** How long a new cluster may take to be complete. */
const START_MS = 60_000;

/** A cluster and its clients in one process, on virtual time. */
export class World {
  readonly scheduler: SimScheduler;
  readonly network: SimNetwork;
  readonly problems = new Problems();
  readonly storage = new KvStorage();
  readonly kvPace: { commitMs: number };
  readonly coordinatorMachine: Machine;
  readonly nodes: Machine[] = [];
  readonly clients: Machine[] = [];
  readonly #shape: Shape;
  readonly #random: Chance;
  readonly #operator: Machine;
  readonly #retired: Machine[] = [];
  #nodeCount = 0;
  /** Disks may lose or hide what they had, or clocks jump over any grace. */
  canLoseCopies = false;
  coordinator: Coordinator | undefined;
  readonly datanodes = new Map<string, Datanode>();
  /** The chunks of each datanode that is up. */
  readonly stores = new Map<string, ChunkStore>();

  constructor(seed: number, shape: Shape) {
    this.#random = new Chance(seed);
    this.#shape = shape;
    this.scheduler = new SimScheduler(this.#random.branch("scheduler"));
    this.network = new SimNetwork(this.#random.branch("network"));
    this.kvPace = { commitMs: shape.commitMs };
    this.coordinatorMachine = this.#machine("coordinator");
    for (let number = 1; number <= shape.nodes; number++) this.addNodeMachine();
    this.#operator = this.#machine("operator");
    for (let number = 1; number <= shape.clients; number++) {
      this.clients.push(this.#machine(`client${number}`));
    }
  }

  get shape(): Shape {
    return this.#shape;
  }

  /** Every host that servers run on. */
  get servers(): readonly Machine[] {
    return [this.coordinatorMachine, ...this.nodes];
  }

  machine(host: string): Machine {
    const all = [...this.servers, ...this.clients, this.#operator, ...this.#retired];
    return present(
      all.find((machine) => machine.host === host),
      `there is no host ${host}`,
    );
  }

  addNodeMachine(): Machine {
    this.#nodeCount += 1;
    const machine = this.#machine(`node${this.#nodeCount}`);
    this.nodes.push(machine);
    return machine;
  }

  /** Starts all servers, on disks that are quick, and waits until all have joined. */
  async start(): Promise<void> {
    for (const machine of this.servers) {
      machine.pace.syncMs = 0;
      this.startServer(machine);
    }
    await this.scheduler.runUntil(START_MS, () => this.#hasJoined());
    for (const machine of this.servers) machine.pace.syncMs = this.#shape.syncMs;
  }

  #hasJoined(): boolean {
    const rows = [...(this.coordinator?.nodes.table.rows() ?? [])];
    return rows.filter(({ liveness }) => liveness === "alive").length === this.#shape.nodes;
  }

  /** Starts the server of this host, again and again until it is up, unless it runs. */
  startServer(machine: Machine): void {
    if (machine.isRunning || this.#retired.includes(machine)) return;
    this.network.hostIsUp(machine.host);
    const booted = machine.boot();
    const { process } = booted;
    const opened =
      machine === this.coordinatorMachine
        ? this.#openCoordinator(process)
        : this.#openDatanode(machine, booted);
    opened.catch((error: unknown) => {
      if (!process.isAlive) return;
      this.problems.inspect(`${machine.host} does not start`, error);
      this.note(`${machine.host} does not start: ${describe(error)}`);
      this.kill(machine, { isPowerLost: false });
      this.scheduler.after(RESTART_MS, () => this.startServer(machine));
    });
  }

  /** A client on this host; the one before it is gone. */
  startClient(machine: Machine): { readonly client: CairnClient; readonly process: SimProcess } {
    const { process, disk } = machine.boot();
    const config = clientConfig({
      coordinator: COORDINATOR_ADDRESS,
      clock: process.clock,
      random: process.random.branch("client"),
      logger: this.problems.telemetryOf(process).logger,
      memoryBytes: 4 * 1024 * 1024,
      timeoutMs: 2_000,
      patienceMs: 10_000,
      stallMs: 2_500,
    });
    const client = new CairnClient(config, { network: this.network.for(process), disk });
    return { client, process };
  }

  /** Ends the process of this host, as kill -9 does, or by taking the power from the host. */
  kill(machine: Machine, { isPowerLost }: { readonly isPowerLost: boolean }): void {
    const { process } = machine;
    if (process?.isAlive !== true) return;
    process.kill();
    if (machine === this.coordinatorMachine) {
      this.coordinator = undefined;
      this.storage.stop(this.#random);
    }
    this.datanodes.delete(machine.host);
    this.stores.delete(machine.host);
    this.network.processDied(process, !isPowerLost);
    if (isPowerLost) machine.losePower();
  }

  /** The outcome of something that takes virtual time; undefined when it fails or never ends, which is noted. */
  async settled<T>(promise: Promise<T>, what: string, withinMs = 60_000): Promise<T | undefined> {
    let outcome: T | undefined;
    let isSettled = false;
    promise.then(
      (value) => {
        outcome = value;
        isSettled = true;
      },
      (error: unknown) => {
        this.problems.add(`${what} fails: ${describe(error)}`);
        isSettled = true;
      },
    );
    const untilMs = this.scheduler.nowMs + withinMs;
    if (!(await this.scheduler.runUntil(untilMs, () => isSettled))) {
      this.problems.add(`${what} never ends`);
    }
    return outcome;
  }

  /** The host is out of the cluster for good. */
  retire(host: string): void {
    const at = this.nodes.findIndex((machine) => machine.host === host);
    const [machine] = this.nodes.splice(at, 1);
    if (machine === undefined) return;
    this.kill(machine, { isPowerLost: false });
    this.#retired.push(machine);
  }

  note(line: string): void {
    this.problems.onLine?.(line);
  }

  /** Ends everything: nothing of this world runs any more. */
  end(): void {
    for (const machine of [...this.servers, ...this.clients, this.#operator])
      machine.process?.kill();
    this.scheduler.clear();
  }

  async #openCoordinator(process: SimProcess): Promise<void> {
    const kv = new SimKv(this.storage, process, this.kvPace);
    const coordinator = await Coordinator.open(coordinatorConfig(this.#shape), {
      kv,
      network: this.network.for(process),
      clock: process.clock,
      random: process.random.branch("coordinator"),
      telemetry: this.problems.telemetryOf(process),
    });
    if (process.isAlive) this.coordinator = coordinator;
  }

  async #openDatanode(
    machine: Machine,
    { process, disk }: ReturnType<Machine["boot"]>,
  ): Promise<void> {
    const number = Number(machine.host.replace("node", ""));
    const store = await openNodeStore(this.#shape, process, disk);
    const datanode = await Datanode.open(datanodeConfig(this.#shape, machine.host, number), {
      disk,
      network: this.network.for(process),
      clock: process.clock,
      random: process.random.branch("datanode"),
      telemetry: this.problems.telemetryOf(process),
      store,
    });
    if (!process.isAlive) return;
    this.datanodes.set(machine.host, datanode);
    this.stores.set(machine.host, store);
  }

  #machine(host: string): Machine {
    const { syncMs, waitShare, diskBytes, clocks } = this.#shape;
    return new Machine({
      host,
      scheduler: this.scheduler,
      random: this.#random.branch(host),
      clockError: clocks[host] ?? { rate: 1, offsetMs: 0 },
      pace: { syncMs, waitShare, stalledUntilMs: 0 },
      diskBytes,
    });
  }
}
