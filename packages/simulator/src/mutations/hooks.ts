/** Module hooks of Node: put one mutation into the module that it is for, while that is loaded. */
import type { LoadFnOutput, LoadHookContext } from "node:module";
import { applyMutation } from "./apply-mutation.ts";
import { MUTATIONS, type Mutation } from "./table.ts";

let mutation: Mutation | undefined;

export function initialize(name: string): void {
  mutation = MUTATIONS.find((candidate) => candidate.name === name);
  if (mutation === undefined) throw new RangeError(`there is no mutation ${name}`);
}

export async function load(
  url: string,
  context: LoadHookContext,
  nextLoad: (url: string, context: LoadHookContext) => Promise<LoadFnOutput>,
): Promise<LoadFnOutput> {
  const loaded = await nextLoad(url, context);
  if (mutation === undefined || !url.endsWith(builtPath(mutation))) return loaded;
  const mutated = applyMutation(String(loaded.source), mutation);
  if (mutated === undefined) throw new RangeError(`${mutation.name} does not fit into ${url}`);
  return { ...loaded, source: mutated };
}

/** Where the compiler puts the module. */
export function builtPath({ file }: Mutation): string {
  return file.replace("/src/", "/dist/").replace(/\.ts$/u, ".js");
}
