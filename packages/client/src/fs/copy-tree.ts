import { posix } from "node:path";
import { CairnError, hasReason } from "@cairnfs/base/errors";
import type { FileStore } from "./file-store.ts";

export interface CopyTreeOptions {
  readonly recursive?: boolean | undefined;
  /** Replace what is there: true unless given. */
  readonly force?: boolean | undefined;
  /** With `force: false`, refuse instead of leaving what is there. */
  readonly errorOnExist?: boolean | undefined;
  readonly filter?: ((source: string, target: string) => boolean | Promise<boolean>) | undefined;
}

/** Copies a file, or a tree file by file. */
export async function copyTree(
  store: FileStore,
  source: string,
  target: string,
  options: CopyTreeOptions,
): Promise<void> {
  const { recursive = false, filter } = options;
  if (filter !== undefined && !(await filter(source, target))) return;
  const entry = await store.stat(source);
  if (entry.kind === "file") {
    await copyOne(store, source, target, options);
    return;
  }
  if (!recursive) throw new CairnError("isADirectory", `${source} is a directory`);
  if (target === source || target.startsWith(`${source}/`)) {
    throw new CairnError("renameIntoSelf", `${source} cannot be copied below itself`);
  }
  await store.mkdir(target, { parents: true, mode: entry.mode });
  for await (const child of store.list(source)) {
    await copyTree(store, child.path, posix.join(target, child.name), options);
  }
}

async function copyOne(
  store: FileStore,
  source: string,
  target: string,
  { force = true, errorOnExist = false }: CopyTreeOptions,
): Promise<void> {
  try {
    await store.copy(source, target, { noReplace: !force });
  } catch (error) {
    if (!force && !errorOnExist && hasReason(error, "pathExists")) return;
    throw error;
  }
}
