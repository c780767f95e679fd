import type { Clock, Timer } from "@cairnfs/base/clock";
import { Child } from "../child.ts";
import type { Load, StepInfo } from "../load.ts";
import type { WatchedProcess } from "../process-meter.ts";
import type { StepOutcome, StepProgress } from "../step.ts";
import type { TargetPlan } from "../target-plan.ts";
import type { LoadSettings } from "../workload.ts";
import type { ClientAsk, ClientReply } from "./client-ask.ts";

const PROGRESS_EVERY_MS = 500;

export interface ClientsOptions {
  readonly plan: TargetPlan;
  /** Of all together: `clients` says how many processes there are. */
  readonly settings: LoadSettings;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Drives a workload from several processes: what one JavaScript thread can do is then not what is measured. */
export class ClientsLoad implements Load {
  readonly #options: ClientsOptions;
  readonly #clients: readonly Child<ClientAsk, ClientReply>[];
  #steps: readonly StepInfo[] = [];

  private constructor(options: ClientsOptions, clients: readonly Child<ClientAsk, ClientReply>[]) {
    this.#options = options;
    this.#clients = clients;
    // Asked nothing more, they are ended: what they wait for is of no interest.
    options.signal.addEventListener("abort", () => void this.close(), { once: true });
  }

  static start(options: ClientsOptions): ClientsLoad {
    const { clients } = options.settings;
    return new ClientsLoad(
      options,
      Array.from({ length: clients }, () =>
        Child.start<ClientAsk, ClientReply>("./client-main.js", import.meta.url),
      ),
    );
  }

  get steps(): readonly StepInfo[] {
    return this.#steps;
  }

  get drivers(): readonly WatchedProcess[] {
    return this.#clients.map(({ pid }, at) => ({ name: `client-${at + 1}`, role: "client", pid }));
  }

  async open(): Promise<void> {
    const { plan, settings } = this.#options;
    const replies = await this.#askAll((client) => ({
      do: "open",
      plan,
      settings: { ...settings, client, parallel: parallelOf(settings, client) },
    }));
    this.#steps = (replies[0]?.steps ?? []).map((step, at) => ({
      ...step,
      parallel: replies.reduce((sum, { steps }) => sum + (steps?.[at]?.parallel ?? 0), 0),
    }));
  }

  async warmUp(durationMs: number): Promise<void> {
    await this.#askAll(() => ({ do: "warm up", durationMs }));
  }

  async run(at: number, progress: StepProgress): Promise<readonly StepOutcome[]> {
    const { clock } = this.#options;
    let timer: Timer | undefined;
    const follow = () => {
      timer = clock.after(PROGRESS_EVERY_MS, () => {
        void this.#follow(progress).then(follow, () => undefined);
      });
    };
    follow();
    try {
      const replies = await this.#askAll(() => ({ do: "run", at }));
      return replies.flatMap(({ outcome }) => (outcome === undefined ? [] : [outcome]));
    } finally {
      timer?.cancel();
    }
  }

  /** Resolves when all of them are gone. */
  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.stop()));
  }

  async #follow(progress: StepProgress): Promise<void> {
    const replies = await this.#askAll(() => ({ do: "progress" }));
    const all = replies.flatMap((reply) => (reply.progress === undefined ? [] : [reply.progress]));
    const sum = (of: (one: StepProgress) => number) =>
      all.reduce((total, one) => total + of(one), 0);
    progress.operations = sum(({ operations }) => operations);
    progress.bytes = sum(({ bytes }) => bytes);
    progress.errors = sum(({ errors }) => errors);
    progress.expected = all.some(({ expected }) => expected === undefined)
      ? undefined
      : sum(({ expected }) => expected ?? 0);
  }

  #askAll(ask: (client: number) => ClientAsk): Promise<ClientReply[]> {
    this.#options.signal.throwIfAborted();
    return Promise.all(this.#clients.map((child, client) => child.ask(ask(client))));
  }
}

/** A client's share of what runs at the same time; at least one. */
function parallelOf({ parallel, clients }: LoadSettings, client: number): number {
  return Math.max(1, Math.floor(parallel / clients) + (client < parallel % clients ? 1 : 0));
}
