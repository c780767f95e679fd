import { type Random, randomBelow } from "../random.ts";
import { FaultFile } from "./fault-file.ts";

export type FaultNode = FaultFile | FaultFolder;

/** A folder: the names that it has, and those that a power loss would leave it. */
export class FaultFolder {
  readonly names = new Map<string, FaultNode>();
  readonly durable = new Map<string, FaultNode>();
}

interface NameStep {
  readonly folder: FaultFolder;
  readonly name: string;
  /** What the name stands for from then on; undefined takes it from `was`. */
  readonly node?: FaultNode;
  readonly was?: FaultNode;
}

/** Changes of names that no folder sync has made durable yet, in order; the steps of one are atomic. */
export class NameLog {
  #changes: (readonly NameStep[])[] = [];

  apply(steps: readonly NameStep[]): void {
    for (const step of steps) applyStep(step.folder.names, step);
    this.#changes.push(steps);
  }

  /** Makes durable what concerns `folder`. */
  sync(folder: FaultFolder): void {
    this.#changes = this.#changes.filter((steps) => {
      if (!steps.some((step) => step.folder === folder)) return true;
      for (const step of steps) applyStep(step.folder.durable, step);
      return false;
    });
  }

  /** The tree below `root` that a machine finds which lost power now: some changes made it, in order or not. */
  afterPowerLoss(root: FaultFolder, random: Random): FaultFolder {
    const fate = randomBelow(random, 4);
    const journalled = randomBelow(random, this.#changes.length + 1);
    for (const [index, steps] of this.#changes.entries()) {
      const isKept =
        fate === 0 || (fate === 1 && index < journalled) || (fate === 2 && random.next() < 0.5);
      if (isKept) for (const step of steps) applyStep(step.folder.durable, step);
    }
    return survivor(root, random);
  }
}

function applyStep(names: Map<string, FaultNode>, step: NameStep): void {
  if (step.node !== undefined) names.set(step.name, step.node);
  else if (names.get(step.name) === step.was) names.delete(step.name);
}

function survivor(folder: FaultFolder, random: Random): FaultFolder {
  const found = new FaultFolder();
  for (const [name, node] of folder.durable) {
    const kept = node instanceof FaultFile ? node.afterPowerLoss(random) : survivor(node, random);
    found.names.set(name, kept);
    found.durable.set(name, kept);
  }
  return found;
}
