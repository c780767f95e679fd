import { CairnError } from "@cairnfs/base/errors";
import type { Step, StepCall } from "../step.ts";
import type { Work } from "../tally.ts";
import { type LoadParts, shuffled } from "../workload.ts";

/** Objects of one size in one directory, by number: what steps put, read, stat and remove. */
export class Objects {
  readonly #parts: LoadParts;
  readonly #folder: string;
  readonly #sizeBytes: number;
  #count = 0;

  constructor(parts: LoadParts, folder: string, sizeBytes: number) {
    this.#parts = parts;
    this.#folder = folder;
    this.#sizeBytes = sizeBytes;
  }

  /** How many were put, or tried to. */
  get count(): number {
    return this.#count;
  }

  path(at: number): string {
    return `${this.#folder}/${at}`;
  }

  async put({ at, signal, took }: StepCall): Promise<Work> {
    this.#count = Math.max(this.#count, at + 1);
    await putObject(this.#parts, this.path(at), this.#sizeBytes, signal, took);
    return { bytes: this.#sizeBytes };
  }

  async get(at: number, { signal, took }: StepCall): Promise<Work> {
    const bytes = await this.#parts.target.get(this.path(at), signal, took);
    if (bytes !== this.#sizeBytes) {
      throw new CairnError(
        "internal",
        `${this.path(at)} has ${bytes} bytes where ${this.#sizeBytes} were put`,
      );
    }
    return { bytes };
  }

  /** A step that reads them in a random order, each once or as long as the run lasts. */
  getStep(name: string, per: Step["per"], isEachOnce: boolean): Step {
    return this.#randomStep(name, per, isEachOnce, (at, call) => this.get(at, call));
  }

  statStep(name: string, isEachOnce: boolean): Step {
    return this.#randomStep(name, "operations", isEachOnce, async (at, { signal }) => {
      await this.#parts.target.stat(this.path(at), signal);
      return {};
    });
  }

  removeStep(name: string, isMeasured = true): Step {
    return {
      name,
      isMeasured,
      per: "operations",
      parallel: this.#parts.settings.parallel,
      operations: () => this.#count,
      operate: async ({ at, signal }) => {
        await this.#parts.target.remove(this.path(at), signal);
        return {};
      },
    };
  }

  #randomStep(
    name: string,
    per: Step["per"],
    isEachOnce: boolean,
    operate: (at: number, call: StepCall) => Promise<Work>,
  ): Step {
    let order: ((at: number) => number) | undefined;
    return {
      name,
      isMeasured: true,
      per,
      ...(per === "GB" && { sizeBytes: this.#sizeBytes }),
      parallel: this.#parts.settings.parallel,
      operations: () => (isEachOnce || this.#count === 0 ? this.#count : undefined),
      operate: (call) => {
        order ??= shuffled(this.#count, this.#parts.random);
        return operate(order(call.at), call);
      },
    };
  }
}

/** Puts one object that is like no other. */
export async function putObject(
  { target, content }: LoadParts,
  path: string,
  sizeBytes: number,
  signal: AbortSignal,
  took?: (bytes: number) => void,
): Promise<void> {
  const object = content.object(sizeBytes);
  try {
    await target.put(path, object, signal, took);
  } finally {
    object.release();
  }
}
