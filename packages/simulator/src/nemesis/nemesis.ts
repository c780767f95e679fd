import { Chance } from "../schedule/chance.ts";
import type { ClientRunner } from "../world/client-runner.ts";
import type { Machine } from "../world/machine.ts";
import type { World } from "../world/world.ts";
import { type FaultAction, faultLine, type PlannedFault } from "./fault.ts";

/** Worlds stay small. */
const NODES_MAX = 7;
/** How long a process that was asked to stop may take. */
const STOP_MS = 8_000;

/** Brings the faults of a plan over a world, and takes them back at their end. */
export class Nemesis {
  readonly #world: World;
  readonly #runners: readonly ClientRunner[];
  /** The hosts of nodes that are to leave the cluster when they are empty. */
  readonly leaving = new Set<string>();
  /** What still has to be taken back. */
  readonly #undo = new Set<() => void>();
  #isOver = false;
  /** How far ahead of true time any clock has been. */
  #latestMs = 0;

  constructor(world: World, runners: readonly ClientRunner[]) {
    this.#world = world;
    this.#runners = runners;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  schedule(faults: readonly PlannedFault[]): void {
    for (const fault of faults) {
      this.#world.scheduler.after(fault.atMs, () => {
        if (this.#isOver) return;
        this.#world.note(faultLine(fault));
        this.#bring(fault.action);
      });
    }
  }

  /** No fault begins any more, and every one under way ends: hosts come up, ways are free, disks answer. */
  end(): void {
    this.#isOver = true;
    for (const undo of [...this.#undo]) undo();
    this.#undo.clear();
    this.#world.network.armed.clear();
    this.#world.network.healAll();
    // Clocks agree again; they were never ahead of this, so that nothing has to be waited for that was to be over.
    const all = [...this.#world.servers, ...this.#world.clients];
    const latestMs = Math.max(this.#latestMs, ...all.map(({ clockError }) => clockError.offsetMs));
    for (const { clockError } of all) clockError.offsetMs = latestMs;
    for (const machine of this.#world.servers) this.#world.startServer(machine);
  }

  #bring(action: FaultAction): void {
    const world = this.#world;
    switch (action.kind) {
      case "kill": {
        const machine = world.machine(action.host);
        world.kill(machine, action);
        this.#for(action.downMs, () => world.startServer(machine));
        return;
      }
      case "stop":
        this.#stop(world.machine(action.host), action.downMs);
        return;
      case "freeze": {
        const { process } = world.machine(action.host);
        process?.freeze();
        this.#for(action.forMs, () => process?.thaw());
        return;
      }
      case "killClient":
        this.#runners.find((runner) => runner.machine.host === action.host)?.restart();
        return;
      case "loseDisk": {
        const machine = world.machine(action.host);
        world.kill(machine, { isPowerLost: true });
        machine.loseDisk();
        this.#for(action.downMs, () => world.startServer(machine));
        return;
      }
      case "holdRequest": {
        const { method, forMs } = action;
        world.network.armed.add({ method, trouble: () => ({ holdMs: forMs }) });
        return;
      }
      case "killAtRequest":
        this.#killAtRequest(action);
        return;
      case "drain":
        this.#drain(world.machine(action.host), action.forMs);
        return;
      case "leave":
        this.leaving.add(action.host);
        this.#drain(world.machine(action.host), Number.POSITIVE_INFINITY);
        return;
      case "join":
        if (world.nodes.length < NODES_MAX) world.startServer(world.addNodeMachine());
        return;
      case "jumpClock": {
        const { clockError } = world.machine(action.host);
        this.#latestMs = Math.max(this.#latestMs, clockError.offsetMs);
        clockError.offsetMs += action.byMs;
        return;
      }
      case "slowCommits": {
        const { commitMs } = world.kvPace;
        world.kvPace.commitMs = action.commitMs;
        this.#for(action.forMs, () => {
          world.kvPace.commitMs = Math.min(commitMs, world.shape.commitMs);
        });
        return;
      }
      case "stallDisk":
      case "failDisk":
      case "fillDisk":
      case "rot":
        this.#troubleDisk(world.machine(action.host), action);
        return;
      default:
        this.#troubleNetwork(action);
    }
  }

  #troubleDisk(
    machine: Machine,
    action: FaultAction & { readonly kind: "stallDisk" | "failDisk" | "fillDisk" | "rot" },
  ): void {
    switch (action.kind) {
      case "stallDisk":
        machine.pace.stalledUntilMs = this.#world.scheduler.nowMs + action.forMs;
        this.#for(action.forMs, () => {
          machine.pace.stalledUntilMs = 0;
        });
        return;
      case "failDisk": {
        const operations = action.isWriteOnly
          ? (["write", "sync", "syncFolder", "rename", "truncate"] as const)
          : undefined;
        const { code } = action;
        const undo = machine.disk.fail({ code, ...(operations && { operations }) });
        this.#for(action.forMs, undo);
        return;
      }
      case "fillDisk":
        machine.limitDisk(0);
        this.#for(action.forMs, () => machine.limitDisk());
        return;
      case "rot":
        rot(machine, action);
        return;
    }
  }

  #troubleNetwork(
    action: FaultAction & { readonly kind: "block" | "isolate" | "slowLink" | "drop" },
  ): void {
    const { network } = this.#world;
    switch (action.kind) {
      case "block": {
        const { from, to, isBothWays } = action;
        const block = (isBlocked: boolean) => {
          network.setLink(from, to, { isBlocked });
          if (isBothWays) network.setLink(to, from, { isBlocked });
        };
        block(true);
        this.#for(action.forMs, () => block(false));
        return;
      }
      case "isolate": {
        const others = [...this.#world.servers, ...this.#world.clients]
          .map((machine) => machine.host)
          .filter((host) => host !== action.host);
        const isolate = (isBlocked: boolean) => {
          for (const other of others) {
            network.setLink(action.host, other, { isBlocked });
            network.setLink(other, action.host, { isBlocked });
          }
        };
        isolate(true);
        this.#for(action.forMs, () => isolate(false));
        return;
      }
      case "slowLink":
        network.setLink(action.from, action.to, { extraMs: action.extraMs });
        this.#for(action.forMs, () => network.setLink(action.from, action.to, { extraMs: 0 }));
        return;
      case "drop":
        network.drop(action.from, action.to);
        return;
    }
  }

  #killAtRequest(action: FaultAction & { readonly kind: "killAtRequest" }): void {
    const world = this.#world;
    const killer = (host: string) => () => {
      const machine = world.machine(host);
      world.note(`${host} dies at ${action.method}`);
      world.kill(machine, action);
      this.#for(action.downMs, () => world.startServer(machine));
    };
    world.network.armed.add({
      method: action.method,
      trouble: (host) =>
        action.isAnswered ? { onAnswer: killer(host) } : { onArrival: killer(host) },
    });
  }

  #drain(machine: Machine, forMs: number): void {
    const world = this.#world;
    const nodeNumber = world.datanodes.get(machine.host)?.nodeNumber;
    if (nodeNumber === undefined) return;
    const change = (event: "drain" | "undrain") => {
      const { signal } = new AbortController();
      world.coordinator?.nodes.changeDuty(nodeNumber, event, signal).catch((error: unknown) => {
        // It may be drained or gone already.
        world.problems.inspect(`${event} of ${machine.host}`, error);
      });
    };
    change("drain");
    this.#for(forMs, () => change("undrain"));
  }

  #stop(machine: Machine, downMs: number): void {
    const world = this.#world;
    const server =
      machine === world.coordinatorMachine ? world.coordinator : world.datanodes.get(machine.host);
    const { process } = machine;
    if (server === undefined || process === undefined) return;
    let isGone = false;
    const gone = () => {
      if (isGone || machine.process !== process) return;
      isGone = true;
      world.kill(machine, { isPowerLost: false });
      this.#for(downMs, () => world.startServer(machine));
    };
    server.close().then(gone, (error: unknown) => {
      if (process.isAlive) world.problems.inspect(`${machine.host} does not stop`, error);
      gone();
    });
    this.#for(STOP_MS, gone);
  }

  /** Takes something back after a time, or when all faults end. */
  #for(forMs: number, undo: () => void): void {
    const once = () => {
      if (this.#undo.delete(once)) undo();
    };
    this.#undo.add(once);
    if (Number.isFinite(forMs)) this.#world.scheduler.after(forMs, once);
  }
}

/** Flips bits in the files of chunks. */
function rot(machine: Machine, action: { readonly count: number; readonly chance: number }): void {
  const random = new Chance(action.chance);
  const files = machine.disk
    .paths()
    .filter((path) => /^\/data\/(?:chunks|segments)\//u.test(path))
    .filter((path) => machine.disk.content(path).byteLength > 0);
  for (let flips = action.count; flips > 0 && files.length > 0; flips--) {
    const path = random.pick(files);
    machine.disk.flipBit(path, random.below(machine.disk.content(path).byteLength * 8));
  }
}
