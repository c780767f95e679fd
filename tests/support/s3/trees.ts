import { mkdir, readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { digestOfFile, writeContent } from "@cairnfs/testkit/content";

/** Files by path, each with the seed and size of its content. */
export type Tree = Readonly<Record<string, readonly [seed: number, sizeBytes: number]>>;

/** Names that trip up careless signers, encoders and parsers. */
export const STRANGE_TREE: Tree = {
  "plain.txt": [1, 1000],
  empty: [2, 0],
  "deep/er/est/file.bin": [3, 70_000],
  "with space & plus+.txt": [4, 17],
  "ünïcödé/日本語.txt": [5, 333],
  "quote'and(parens)!.txt": [6, 444],
  "percent%20and=eq~tilde.txt": [7, 555],
};

/** Writes the files below a folder. */
export async function plant(folder: string, tree: Tree): Promise<void> {
  for (const [path, [seed, sizeBytes]] of Object.entries(tree)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeContent(join(folder, path), seed, sizeBytes);
  }
}

/** The SHA-256 of every file below a folder, by path. */
export async function digestsBelow(folder: string): Promise<Record<string, string>> {
  const digests: Record<string, string> = {};
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    digests[path.slice(folder.length + 1)] = (await digestOfFile(path)).sha256;
  }
  return digests;
}
