import type { Mutation } from "./table.ts";

/** `source` with the mutation in it; undefined unless what it looks for stands there exactly once. */
export function applyMutation(source: string, { find, replace }: Mutation): string | undefined {
  const pattern = new RegExp(
    find
      .trim()
      .split(/\s+/u)
      .map((word) => word.replaceAll(/[.*+?^${}()|[\]\\]/gu, String.raw`\$&`))
      .join(String.raw`\s+`),
    "gu",
  );
  if ([...source.matchAll(pattern)].length !== 1) return undefined;
  return source.replace(pattern, () => replace);
}
