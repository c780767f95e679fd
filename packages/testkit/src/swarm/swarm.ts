import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { SwarmOrder, SwarmReply, TableSummary } from "./swarm-orders.ts";
import { addCounts, emptyCounts, type SwarmCounts } from "./swarm-tally.ts";

/** The state of a swarm at one moment. */
export interface SwarmView {
  /** Since the last view. */
  readonly counts: SwarmCounts;
  readonly tables: readonly TableSummary[];
  readonly memoryBytes: number;
}

const SCRIPT = fileURLToPath(new URL("../../dist/swarm/swarm-process.js", import.meta.url));

/** Simulated datanodes in some processes of their own; with `await using` they end, however it ends. */
export class Swarm implements AsyncDisposable {
  readonly #processes: readonly ChildProcess[];

  private constructor(processes: readonly ChildProcess[]) {
    this.#processes = processes;
  }

  /** Nodes that listen and have not said anything yet. */
  static async open(options: {
    readonly nodes: number;
    readonly processes: number;
    readonly coordinatorAddress: string;
    /** Flags of Node for the processes. */
    readonly execArgv?: readonly string[];
  }): Promise<Swarm> {
    const { nodes, processes, coordinatorAddress } = options;
    const execArgv = [...(options.execArgv ?? [])];
    const swarm = new Swarm(Array.from({ length: processes }, () => fork(SCRIPT, { execArgv })));
    try {
      await swarm.#tell((at) => ({
        do: "open",
        from: Math.round((nodes * at) / processes),
        to: Math.round((nodes * (at + 1)) / processes),
        coordinatorAddress,
      }));
      return swarm;
    } catch (error) {
      await swarm[Symbol.asyncDispose]();
      throw error;
    }
  }

  get pids(): readonly number[] {
    return this.#processes.flatMap((process) => process.pid ?? []);
  }

  /** All join at once. */
  start(): Promise<SwarmView> {
    return this.#tell(() => ({ do: "start" }));
  }

  /** So many fall silent at once, in equal shares of the processes. */
  kill(count: number): Promise<SwarmView> {
    const { length } = this.#processes;
    return this.#tell((at) => ({
      do: "kill",
      count: Math.round((count * (at + 1)) / length) - Math.round((count * at) / length),
    }));
  }

  look(): Promise<SwarmView> {
    return this.#tell(() => ({ do: "look" }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(
      this.#processes.map(async (process) => {
        if (process.exitCode !== null || process.signalCode !== null) return;
        const gone = once(process, "exit");
        // It ends by itself when it is let go.
        if (process.connected) process.disconnect();
        else process.kill("SIGKILL");
        await gone;
      }),
    );
  }

  async #tell(order: (at: number) => SwarmOrder): Promise<SwarmView> {
    const replies = await Promise.all(
      this.#processes.map((process, at) => replyTo(process, order(at))),
    );
    return {
      counts: replies.reduce((sum, reply) => addCounts(sum, reply.counts), emptyCounts()),
      tables: replies.flatMap((reply) => reply.tables),
      memoryBytes: replies.reduce((sum, reply) => sum + reply.memory, 0),
    };
  }
}

function replyTo(process: ChildProcess, order: SwarmOrder): Promise<SwarmReply> {
  return new Promise((resolve, reject) => {
    const settle = () => {
      process.off("message", take).off("exit", fail);
    };
    // Our own script sent it.
    const take = (message: unknown) => {
      settle();
      resolve(message as SwarmReply);
    };
    const fail = () => {
      settle();
      reject(new Error(`a swarm process ended when it was told to ${order.do}`));
    };
    process.on("message", take).on("exit", fail);
    process.send(order);
  });
}
