import { chmod, mkdir, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { hasErrorCode } from "@cairnfs/base/disk";
import { CairnError } from "@cairnfs/base/errors";
import type { FileEntry } from "@cairnfs/client/entry";
import type { Session } from "../cluster-command.ts";
import { expandPaths } from "../expand.ts";
import { CommandFailure } from "../failure.ts";
import { showName } from "../format.ts";
import { showClusterPath } from "../path-spec.ts";
import { type Done, ManyTransfers } from "./many.ts";
import type { TransferFlags } from "./transfer-flags.ts";

/** Copies what the paths mean to a local file, or into a local folder. */
export async function getFiles(
  session: Session,
  paths: readonly string[],
  target: string,
  flags: TransferFlags,
): Promise<void> {
  const entries = await expandPaths(session.client, paths, session.signal);
  const isFolder = target.endsWith("/") || (await isLocalFolder(target));
  if (!isFolder && entries.length > 1) {
    throw new CommandFailure(
      "usage",
      `several files need a folder to go to, and ${showName(target)} is none`,
      "end it with a slash to have it made",
    );
  }
  if (target.endsWith("/")) await mkdir(target, { recursive: true });
  const transfers = new ManyTransfers(session.context, session.output, {
    parallel: flags.parallel,
    isVerbose: flags.verbose === true,
  });
  const get = new Getting(session, transfers, flags);
  try {
    for (const entry of entries) {
      await get.entry(entry, isFolder ? join(target, entry.name) : target);
    }
  } finally {
    await transfers.settle();
  }
  await get.finishFolders();
  await transfers.finish();
}

/** Streams one file to stdout. */
export async function getToPipe(session: Session, path: string): Promise<void> {
  const { client, output, signal } = session;
  const [entry, ...others] = await expandPaths(client, [path], signal);
  if (entry === undefined || others.length > 0) {
    throw new CommandFailure(
      "usage",
      "one file at a time goes to stdout",
      "`cairn cat` takes several",
    );
  }
  await output.bytes(await client.get(entry.path, { signal }));
}

class Getting {
  readonly #session: Session;
  readonly #transfers: ManyTransfers;
  readonly #flags: TransferFlags;
  readonly #umask = process.umask();
  /** Their times are set last: each file that is made in a folder changes them. */
  readonly #folders: { readonly path: string; readonly entry: FileEntry }[] = [];

  constructor(session: Session, transfers: ManyTransfers, flags: TransferFlags) {
    this.#session = session;
    this.#transfers = transfers;
    this.#flags = flags;
  }

  async entry(entry: FileEntry, path: string): Promise<void> {
    const { progress } = this.#transfers;
    if (entry.kind === "file") {
      progress.start(entry.name, 0, 0);
      await this.#file(entry, path);
      return;
    }
    if (this.#flags.recursive !== true) {
      throw new CommandFailure(
        "conflict",
        `${showName(showClusterPath(entry.path))} is a directory`,
        "add -r to take it with all that is in it",
      );
    }
    progress.start(entry.name === "" ? "cairn:/" : entry.name, 0, 0);
    await this.#tree(entry, path);
  }

  async finishFolders(): Promise<void> {
    for (const { path, entry } of this.#folders.reverse()) await this.#keep(path, entry);
  }

  async #tree(top: FileEntry, folder: string): Promise<void> {
    const { client, signal } = this.#session;
    await mkdir(folder, { recursive: true });
    if (this.#flags.preserve === true) this.#folders.push({ path: folder, entry: top });
    const below = top.path === "/" ? 1 : top.path.length + 1;
    for await (const entry of client.walk(top.path, { signal })) {
      signal.throwIfAborted();
      const path = join(folder, ...entry.path.slice(below).split("/").map(localName));
      if (entry.kind === "file") await this.#file(entry, path);
      else {
        await mkdir(path, { recursive: true });
        if (this.#flags.preserve === true) this.#folders.push({ path, entry });
      }
    }
  }

  async #file(entry: FileEntry, path: string): Promise<void> {
    this.#transfers.progress.expect(entry.sizeBytes);
    await this.#transfers.start(entry.path, () => this.#download(entry, path));
  }

  async #download(entry: FileEntry, path: string): Promise<Done> {
    const { client, signal } = this.#session;
    const { progress } = this.#transfers;
    localName(entry.name);
    if (!this.#flags.clobber && (await isThere(path))) {
      throw new CairnError("pathExists", `${showName(path)} is there already`);
    }
    if (await isLocalFolder(path)) {
      throw new CommandFailure(
        "conflict",
        `${showName(path)} is a folder here and a file in the cluster`,
      );
    }
    let countedBytes = 0;
    const got = await client.download(entry.path, path, {
      signal,
      onProgress: ({ doneBytes }) => {
        progress.add(doneBytes - countedBytes);
        countedBytes = doneBytes;
      },
    });
    progress.add(got.sizeBytes - countedBytes);
    await this.#keep(path, got);
    return { source: showClusterPath(entry.path), target: path, sizeBytes: got.sizeBytes };
  }

  /** What was downloaded is this user's alone until it has the mode that it should have. */
  async #keep(path: string, entry: FileEntry): Promise<void> {
    if (this.#flags.preserve !== true) {
      await chmod(path, 0o666 & ~this.#umask);
      return;
    }
    await chmod(path, entry.mode & 0o777);
    await utimes(path, entry.modifiedMs / 1000, entry.modifiedMs / 1000);
  }
}

/** The name as it is, unless it would lead out of its folder. */
function localName(name: string): string {
  if (name === "" || name === "." || name === ".." || /[/\0]/u.test(name)) {
    throw new CairnError("invalidPath", `${JSON.stringify(name)} cannot be a name here`);
  }
  return name;
}

async function isLocalFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (hasErrorCode(error, "ENOENT", "ENOTDIR")) return false;
    throw error;
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (hasErrorCode(error, "ENOENT", "ENOTDIR")) return false;
    throw error;
  }
}
