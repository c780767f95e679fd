import type { Step, StepCall } from "../step.ts";
import type { Work } from "../tally.ts";
import { type LoadParts, shareOf, type Workload } from "../workload.ts";
import { putObject } from "./objects.ts";

type Kind = "file" | "directory";
type Place = "shared" | "own";

/** mdtest's phases: create, stat, list, rename and remove, of files and of directories, in one directory and in one for each worker. */
export function metaWorkload(parts: LoadParts): Workload {
  const { target, settings } = parts;
  const kinds: readonly Kind[] =
    target.can.directories && !settings.isBrief ? ["file", "directory"] : ["file"];
  const places: readonly Place[] = settings.isBrief ? ["shared"] : ["shared", "own"];
  const rounds = places.flatMap((place) => kinds.map((kind) => new Round(parts, place, kind)));
  const warm = new Round(parts, "shared", "file");
  return {
    open: async (signal) => {
      for (const round of rounds) {
        for (const folder of round.folders()) await target.ensureDirectory(folder, signal);
      }
    },
    warmUp: async ({ at, signal }) => {
      const path = `${warm.folder(0)}/warm-up-${settings.client}-${at}`;
      await warm.create(path, signal);
      await target.stat(path, signal);
      if (target.can.rename) await target.rename(path, `${path}-moved`, signal);
      await target.remove(target.can.rename ? `${path}-moved` : path, signal);
      await target.listPage(
        warm.folder(0),
        { after: undefined, entries: settings.pageEntries },
        signal,
      );
    },
    steps: rounds.flatMap((round) => round.steps()),
  };
}

/** The phases of one kind in one place. */
class Round {
  readonly #parts: LoadParts;
  readonly #place: Place;
  readonly #kind: Kind;
  #count = 0;

  constructor(parts: LoadParts, place: Place, kind: Kind) {
    this.#parts = parts;
    this.#place = place;
    this.#kind = kind;
  }

  folders(): string[] {
    const { parallel } = this.#parts.settings;
    const workers = this.#place === "shared" ? 1 : parallel;
    return Array.from({ length: workers }, (_, worker) => this.folder(worker));
  }

  /** Where a worker's entries are. All clients share the shared one. */
  folder(worker: number): string {
    const { client } = this.#parts.settings;
    const name = `meta-${this.#kind}-${this.#place}`;
    return this.#place === "shared" ? name : `${name}-${client}-${worker}`;
  }

  steps(): Step[] {
    const { settings, target } = this.#parts;
    const { count } = settings;
    const isFile = this.#kind === "file";
    const all: Step[] = [
      this.#step("create", {
        operations: () => (count === undefined ? undefined : shareOf(count, settings)),
        operate: async ({ at, signal }) => {
          this.#count = Math.max(this.#count, at + 1);
          await this.create(this.#path(at), signal);
          return {};
        },
      }),
      this.#step("stat", {
        operate: async ({ at, signal }) => {
          await target.stat(this.#path(at), signal);
          return {};
        },
      }),
      this.#step("list", {
        per: "names",
        operations: () => settings.parallel,
        operate: async ({ at, signal }) => {
          return { entries: await target.list(this.folder(at), signal) };
        },
      }),
    ];
    if (target.can.rename) {
      all.push(
        this.#step("rename", {
          operate: async ({ at, signal }) => {
            await target.rename(this.#path(at), this.#movedPath(at), signal);
            return {};
          },
        }),
      );
    }
    all.push(
      this.#step("remove", {
        operate: async ({ at, signal }) => {
          const path = target.can.rename ? this.#movedPath(at) : this.#path(at);
          await (isFile ? target.remove(path, signal) : target.removeDirectory(path, signal));
          return {};
        },
      }),
    );
    return all;
  }

  async create(path: string, signal: AbortSignal): Promise<void> {
    const { target, settings } = this.#parts;
    if (this.#kind === "directory") await target.makeDirectory(path, signal);
    else await putObject(this.#parts, path, settings.sizesBytes[0] ?? 0, signal);
  }

  #step(verb: string, { per = "operations", operations, operate }: StepParts): Step {
    return {
      name: `${this.#place} ${this.#kind === "file" ? "file" : "dir"} ${verb}`,
      isMeasured: true,
      per,
      parallel: this.#parts.settings.parallel,
      operations: operations ?? (() => this.#count),
      operate,
    };
  }

  /** Entries are dealt out to the workers' directories in turn, whoever made them. */
  #path(at: number): string {
    const { client, parallel } = this.#parts.settings;
    return `${this.folder(at % parallel)}/${client}-${at}`;
  }

  #movedPath(at: number): string {
    return `${this.#path(at)}-moved`;
  }
}

interface StepParts {
  readonly per?: Step["per"];
  /** As many as were created unless given. */
  readonly operations?: Step["operations"];
  operate(call: StepCall): Promise<Work>;
}
