import { basename, resolve } from "node:path";
import { hasReason } from "@cairnfs/base/errors";
import type { CairnClient } from "@cairnfs/client/client";
import type { EntryAttributes } from "@cairnfs/client/entry";
import type { PutOptions } from "@cairnfs/client/upload/upload-parts";
import type { Session } from "../cluster-command.ts";
import { systemCodeOf } from "../exit-codes.ts";
import { CommandFailure } from "../failure.ts";
import { showName } from "../format.ts";
import { joinPath, type PathSpec, showClusterPath } from "../path-spec.ts";
import { type LocalEntry, localEntry, type WalkListener, walkLocal } from "./local-tree.ts";
import { type Done, ManyTransfers } from "./many.ts";
import type { TransferFlags } from "./transfer-flags.ts";

type ClusterSpec = PathSpec & { readonly place: "cluster" };

/** Copies local files, folders and stdin ("-") to the target, into it when it is a directory. */
export async function putFiles(
  session: Session,
  sources: readonly string[],
  target: ClusterSpec,
  flags: TransferFlags,
): Promise<void> {
  const isDirectory = await isClusterDirectory(session, target);
  if (!isDirectory && sources.length > 1) {
    throw new CommandFailure(
      "usage",
      `several sources need a directory to go to, and ${showClusterPath(target.path)} is none`,
      "end it with a slash to have it made",
    );
  }
  const transfers = new ManyTransfers(session.context, session.output, {
    parallel: flags.parallel,
    isVerbose: flags.verbose === true,
  });
  const put = new Putting(session, transfers, flags);
  try {
    for (const source of sources) {
      const name = isDirectory ? nameOf(source) : "";
      await put.source(source, name === "" ? target.path : joinPath(target.path, name));
    }
  } finally {
    await transfers.settle();
  }
  await put.finishDirectories();
  await transfers.finish();
}

class Putting {
  readonly #session: Session;
  readonly #transfers: ManyTransfers;
  readonly #flags: TransferFlags;
  /** Their times are set last: a directory's own does not change with its children, but tools expect what they gave. */
  readonly #directories: { readonly path: string; readonly entry: LocalEntry }[] = [];

  constructor(session: Session, transfers: ManyTransfers, flags: TransferFlags) {
    this.#session = session;
    this.#transfers = transfers;
    this.#flags = flags;
  }

  async source(source: string, path: string): Promise<void> {
    if (source === "-") {
      await this.#pipe(path);
      return;
    }
    let entry: LocalEntry;
    try {
      entry = await localEntry(source);
    } catch (error) {
      if (systemCodeOf(error) === undefined) throw error;
      this.#transfers.failed(source, error);
      return;
    }
    if (entry.kind === "other") {
      throw new CommandFailure(
        "usage",
        `${showName(source)} is neither a file nor a folder`,
        "a pipe can be given as -",
      );
    }
    if (entry.kind === "directory") await this.#folder(entry, path);
    else {
      this.#transfers.progress.start(basename(source), 0, 0);
      await this.#file(entry, path);
    }
  }

  /** After the files: mode and times of the directories, where they are kept. */
  async finishDirectories(): Promise<void> {
    const { client, signal } = this.#session;
    for (const { path, entry } of this.#directories.reverse()) {
      await client.setAttributes(path, { ...attributesOf(entry), signal });
    }
  }

  async #pipe(path: string): Promise<void> {
    const { progress } = this.#transfers;
    progress.start("stdin", undefined);
    const { client, context } = this.#session;
    await this.#transfers.start("stdin", () =>
      this.#put("-", path, (options) => client.put(path, context.stdin, options)),
    );
  }

  async #folder(top: LocalEntry, path: string): Promise<void> {
    const { signal } = this.#session;
    if (this.#flags.recursive !== true) {
      throw new CommandFailure(
        "conflict",
        `${showName(top.path)} is a folder`,
        "add -r to take it with all that is in it",
      );
    }
    this.#transfers.progress.start(basename(resolve(top.path)), 0, 0);
    await this.#directory(top, path);
    const listener: WalkListener = {
      skipped: (skipped, why) =>
        this.#transfers.tell(`cairn: ${showName(skipped)}: passed over, ${why}`),
      failed: (failed, error) => this.#transfers.failed(failed, error),
    };
    for await (const entry of walkLocal(top.path, listener)) {
      signal.throwIfAborted();
      const childPath = entry.names.reduce(joinPath, path);
      if (entry.kind === "file") await this.#file(entry, childPath);
      else await this.#directory(entry, childPath);
    }
  }

  async #directory(entry: LocalEntry, path: string): Promise<void> {
    const { client, signal } = this.#session;
    await client.mkdir(path, { parents: true, signal });
    if (this.#flags.preserve === true) this.#directories.push({ path, entry });
  }

  async #file(entry: LocalEntry, path: string): Promise<void> {
    this.#transfers.progress.expect(entry.sizeBytes);
    const { client } = this.#session;
    const attributes = this.#flags.preserve === true ? attributesOf(entry) : {};
    await this.#transfers.start(entry.path, () =>
      this.#put(entry.path, path, (options) =>
        client.upload(entry.path, path, { ...options, ...attributes }),
      ),
    );
  }

  async #put(
    source: string,
    path: string,
    put: (options: PutOptions) => ReturnType<CairnClient["put"]>,
  ): Promise<Done> {
    const { progress } = this.#transfers;
    let countedBytes = 0;
    const { entry } = await put({
      signal: this.#session.signal,
      parents: true,
      chunkSizeBytes: this.#flags.chunkSize,
      replicationFactor: this.#flags.replicas,
      checksum: this.#flags.sha256,
      precondition: !this.#flags.clobber ? { mustNotExist: true } : undefined,
      onProgress: ({ doneBytes }) => {
        // An attempt that fails takes back what it had done.
        progress.add(doneBytes - countedBytes);
        countedBytes = doneBytes;
      },
    });
    progress.add(entry.sizeBytes - countedBytes);
    return { source, target: showClusterPath(path), sizeBytes: entry.sizeBytes };
  }
}

/** The name a source has below a target directory; empty for "." and "..", whose contents are meant. */
function nameOf(source: string): string {
  if (source === "-") {
    throw new CommandFailure(
      "usage",
      "stdin has no name: the target must be a file",
      "write the file's whole path",
    );
  }
  const name = basename(source);
  return name === "." || name === ".." ? "" : name || basename(resolve(source));
}

function attributesOf({ mode, modifiedMs }: LocalEntry): EntryAttributes {
  return { mode, modifiedMs };
}

async function isClusterDirectory(
  { client, signal }: Session,
  target: ClusterSpec,
): Promise<boolean> {
  if (target.endsWithSlash) return true;
  try {
    return (await client.stat(target.path, { signal })).kind === "directory";
  } catch (error) {
    if (hasReason(error, "pathNotFound", "notADirectory")) return false;
    throw error;
  }
}
