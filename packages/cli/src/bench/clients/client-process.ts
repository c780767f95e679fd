import { SystemClock } from "@cairnfs/base/clock";
import { LocalLoad } from "../load.ts";
import type { StepProgress } from "../step.ts";
import { type OpenedTarget, openTarget } from "../target-plan.ts";
import type { ClientAsk, ClientReply } from "./client-ask.ts";

/** A process that drives its share of a load. */
export class ClientProcess {
  readonly #clock = new SystemClock();
  /** Never fires: who is told to stop at once is ended. */
  readonly #signal = new AbortController().signal;
  #progress: StepProgress = idle();
  #opened: OpenedTarget | undefined;
  #load: LocalLoad | undefined;

  async answer(ask: ClientAsk): Promise<ClientReply> {
    const parts = { clock: this.#clock, signal: this.#signal };
    switch (ask.do) {
      case "open":
        this.#opened = await openTarget(ask.plan, parts);
        this.#load = new LocalLoad(this.#opened.target, ask.settings, parts);
        await this.#load.open();
        return { steps: this.#load.steps };
      case "warm up":
        await this.#load?.warmUp(ask.durationMs);
        return {};
      case "run": {
        this.#progress = idle();
        const outcomes = await this.#load?.run(ask.at, this.#progress);
        return outcomes === undefined ? {} : { outcome: outcomes[0] };
      }
      case "progress":
        return { progress: this.#progress };
      case "close":
        await this.#opened?.close();
        return {};
    }
  }
}

function idle(): StepProgress {
  return { operations: 0, expected: undefined, bytes: 0, errors: 0 };
}
