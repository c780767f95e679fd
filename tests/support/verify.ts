import { join } from "node:path";
import type { CairnClient } from "@cairnfs/client";
import { contentOf, digestOf, writeContent } from "@cairnfs/testkit/content";
import { expect } from "vitest";

export const MIB = 1024 * 1024;

/** The file at `path` has exactly the content of this seed and size. */
export async function expectContent(
  client: CairnClient,
  path: string,
  content: { readonly seed: number; readonly sizeBytes: number },
): Promise<void> {
  const [stored, made] = await Promise.all([
    digestOf(await client.get(path)),
    digestOf(contentOf(content.seed, content.sizeBytes)),
  ]);
  expect({ path, ...stored }).toEqual({ path, ...made });
}

/** A local file with the content of this seed and size. */
export async function localFile(
  folder: string,
  content: { readonly seed: number; readonly sizeBytes: number },
): Promise<string> {
  const path = join(folder, `content-${content.seed}-${content.sizeBytes}`);
  await writeContent(path, content.seed, content.sizeBytes);
  return path;
}

/** A function to call once, and a promise for when it was called. */
export function latch(): { readonly reached: Promise<void>; readonly open: () => void } {
  let open: () => void = () => undefined;
  const reached = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { reached, open: () => open() };
}
