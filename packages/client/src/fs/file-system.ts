import { constants } from "node:fs";
import { posix } from "node:path";
import type { Readable, Writable } from "node:stream";
import { hasReason } from "@cairnfs/base/errors";
import { toHex } from "@cairnfs/base/hex";
import type { Random } from "@cairnfs/base/random";
import type { FileEntry } from "../entry.ts";
import { type ReadStreamOptions, readStream } from "../streams/read-stream.ts";
import { writeStream } from "../streams/write-stream.ts";
import { type CopyTreeOptions, copyTree } from "./copy-tree.ts";
import { dataBytes, encoded, partBytes, type WriteData } from "./data.ts";
import { CairnFileHandle } from "./file-handle.ts";
import type { FileStore } from "./file-store.ts";
import { parseFlags } from "./flags.ts";
import { clusterPath, type PathLike, pathText } from "./fs-path.ts";
import { asNode, FileSystemError, nodeError } from "./node-error.ts";
import { entryIfThere, firstMissing, openWriter } from "./open-writer.ts";
import { renameAsPosix } from "./rename-as-posix.ts";
import { FileDirent, FileStats } from "./stats.ts";
import { type TimeLike, timeMs } from "./time.ts";

interface SignalOption {
  readonly signal?: AbortSignal | undefined;
}

export interface ReadFileOptions extends SignalOption {
  readonly encoding?: BufferEncoding | null | undefined;
  readonly flag?: string | undefined;
}

export interface WriteFileOptions extends SignalOption {
  readonly encoding?: BufferEncoding | null | undefined;
  readonly mode?: number | undefined;
  /** "w" unless given, "wx", "a" or "ax". */
  readonly flag?: string | undefined;
}

export interface ReaddirOptions {
  readonly encoding?: BufferEncoding | "buffer" | null | undefined;
  readonly withFileTypes?: boolean | undefined;
  readonly recursive?: boolean | undefined;
}

/**
 * The cluster as an object that satisfies the commonly used part of `node:fs/promises`, with Node's errors. There are no
 * links; files are written whole or from front to back.
 */
export class CairnFileSystem {
  readonly constants = constants;
  readonly #store: FileStore;
  readonly #random: Random;
  #nextFd = 1_000;

  constructor(store: FileStore, random: Random) {
    this.#store = store;
    this.#random = random;
  }

  /** For libraries that look for the promises of an `fs`. */
  get promises(): this {
    return this;
  }

  readFile(
    path: PathLike | CairnFileHandle,
    options: BufferEncoding | (ReadFileOptions & { readonly encoding: BufferEncoding }),
  ): Promise<string>;
  readFile(
    path: PathLike | CairnFileHandle,
    options?: (ReadFileOptions & { readonly encoding?: null | undefined }) | null,
  ): Promise<Buffer>;
  async readFile(
    path: PathLike | CairnFileHandle,
    options?: BufferEncoding | ReadFileOptions | null,
  ): Promise<Buffer | string> {
    const encoding = typeof options === "string" ? options : options?.encoding;
    if (path instanceof CairnFileHandle) return path.readFile(encoding);
    const signal = typeof options === "object" ? options?.signal : undefined;
    try {
      return encoded(await this.#store.getBytes(clusterPath(path), { signal }), encoding);
    } catch (error) {
      // A directory can be opened; it is the reading that fails.
      if (hasReason(error, "isADirectory")) throw nodeError(error, { syscall: "read" });
      throw nodeError(error, { syscall: "open", path: pathText(path) });
    }
  }

  async writeFile(
    path: PathLike | CairnFileHandle,
    data: WriteData,
    options?: BufferEncoding | WriteFileOptions | null,
  ): Promise<void> {
    if (path instanceof CairnFileHandle)
      return path.writeFile(data, writeOptions(options).encoding);
    const { encoding, mode, flag = "w", signal } = writeOptions(options);
    const { access, isAppend, isExclusive } = parseFlags(flag);
    if (access !== "write")
      throw new FileSystemError("ENOTSUP", { syscall: "open", path: pathText(path) });
    const source =
      typeof data === "string" || ArrayBuffer.isView(data)
        ? partBytes(data, encoding)
        : dataBytes(data, encoding);
    const at = clusterPath(path);
    await asNode({ syscall: "open", path: pathText(path) }, async () => {
      if (isExclusive) {
        await this.#store.put(at, source, { signal, mode, precondition: { mustNotExist: true } });
      } else if (isAppend) {
        await this.#store.append(at, source, { signal, mode });
      } else {
        // A file that is written anew keeps its permissions.
        const kept = mode ?? (await entryIfThere(this.#store, at))?.mode;
        await this.#store.put(at, source, { signal, mode: kept });
      }
    });
  }

  async appendFile(
    path: PathLike | CairnFileHandle,
    data: WriteData,
    options?: BufferEncoding | WriteFileOptions | null,
  ): Promise<void> {
    await this.writeFile(path, data, { ...writeOptions(options), flag: "a" });
  }

  /** Opens a file to read ("r"), or to write from front to back ("w", "a", with "x"); other ways are ENOTSUP. */
  async open(
    path: PathLike,
    flags: string | number = "r",
    mode?: number,
  ): Promise<CairnFileHandle> {
    const subject = { syscall: "open", path: pathText(path) };
    const { access, isAppend, isExclusive } = parseFlags(flags);
    if (access === "both") throw new FileSystemError("ENOTSUP", subject);
    return asNode(subject, async () => {
      const at = clusterPath(path);
      if (access === "read") {
        const file = await this.#store.open(at);
        return new CairnFileHandle(this.#nextFd++, at, { kind: "read", file });
      }
      const options = { mode, isAppend, isExclusive };
      const { writer, startBytes } = await openWriter(this.#store, at, options);
      return new CairnFileHandle(this.#nextFd++, at, { kind: "write", writer, startBytes });
    });
  }

  readdir(
    path: PathLike,
    options: ReaddirOptions & { readonly withFileTypes: true },
  ): Promise<FileDirent[]>;
  readdir(
    path: PathLike,
    options?:
      | BufferEncoding
      | (ReaddirOptions & { readonly withFileTypes?: false | undefined })
      | null,
  ): Promise<string[]>;
  async readdir(
    path: PathLike,
    options?: BufferEncoding | ReaddirOptions | null,
  ): Promise<string[] | FileDirent[]> {
    const { withFileTypes = false, recursive = false } =
      typeof options === "object" && options !== null ? options : {};
    const at = clusterPath(path);
    const given = pathText(path);
    return asNode({ syscall: "scandir", path: given }, async () => {
      const entries = recursive ? this.#store.walk(at) : this.#store.list(at);
      const names: string[] = [];
      const dirents: FileDirent[] = [];
      for await (const entry of entries) {
        const below = posix.relative(at, entry.path);
        if (withFileTypes)
          dirents.push(new FileDirent(entry, posix.join(given, posix.dirname(below))));
        else names.push(below);
      }
      return withFileTypes ? dirents : names;
    });
  }

  async stat(path: PathLike, options: SignalOption = {}): Promise<FileStats> {
    return new FileStats(await this.#entry("stat", path, options));
  }

  /** As `stat`: there are no links. */
  async lstat(path: PathLike, options: SignalOption = {}): Promise<FileStats> {
    return new FileStats(await this.#entry("lstat", path, options));
  }

  mkdir(
    path: PathLike,
    options: { readonly recursive: true; readonly mode?: number | undefined },
  ): Promise<string | undefined>;
  mkdir(
    path: PathLike,
    options?:
      | number
      | { readonly recursive?: boolean | undefined; readonly mode?: number | undefined }
      | null,
  ): Promise<undefined>;
  async mkdir(
    path: PathLike,
    options?:
      | number
      | { readonly recursive?: boolean | undefined; readonly mode?: number | undefined }
      | null,
  ): Promise<string | undefined> {
    const { recursive = false, mode } =
      typeof options === "number" ? { mode: options } : (options ?? {});
    const at = clusterPath(path);
    return asNode({ syscall: "mkdir", path: pathText(path) }, async () => {
      const first = recursive ? await firstMissing(this.#store, at) : undefined;
      await this.#store.mkdir(at, { parents: recursive, mode });
      return first;
    });
  }

  /** Makes a directory with a name of its own: the prefix and six characters. */
  async mkdtemp(prefix: PathLike): Promise<string> {
    for (;;) {
      const path = `${pathText(prefix)}${toHex(this.#random.bytes(3))}`;
      try {
        await this.#store.mkdir(clusterPath(path), { mode: 0o700 });
        return path;
      } catch (error) {
        if (!hasReason(error, "pathExists")) throw nodeError(error, { syscall: "mkdtemp", path });
      }
    }
  }

  async rm(
    path: PathLike,
    options: {
      readonly recursive?: boolean | undefined;
      readonly force?: boolean | undefined;
    } = {},
  ): Promise<void> {
    const subject = { syscall: "rm", path: pathText(path) };
    const { recursive = false, force = false } = options;
    try {
      if (recursive) {
        await this.#store.remove(clusterPath(path), { recursive });
        return;
      }
      const entry = await this.#store.stat(clusterPath(path));
      if (entry.kind === "directory") throw new FileSystemError("EISDIR", subject);
      await this.#removeEntry(entry);
    } catch (error) {
      if (force && hasReason(error, "pathNotFound", "notADirectory")) return;
      throw nodeError(error, subject);
    }
  }

  async rmdir(path: PathLike): Promise<void> {
    const subject = { syscall: "rmdir", path: pathText(path) };
    const entry = await this.#entry("rmdir", path);
    if (entry.kind === "file") throw new FileSystemError("ENOTDIR", subject);
    await asNode(subject, () => this.#removeEntry(entry));
  }

  async unlink(path: PathLike): Promise<void> {
    const subject = { syscall: "unlink", path: pathText(path) };
    const entry = await this.#entry("unlink", path);
    if (entry.kind === "directory") throw new FileSystemError("EISDIR", subject);
    await asNode(subject, () => this.#removeEntry(entry));
  }

  async rename(source: PathLike, target: PathLike): Promise<void> {
    const subject = { syscall: "rename", path: pathText(source), dest: pathText(target) };
    await asNode(subject, () =>
      renameAsPosix(this.#store, clusterPath(source), clusterPath(target), subject),
    );
  }

  async copyFile(source: PathLike, target: PathLike, mode = 0): Promise<void> {
    const noReplace = (mode & constants.COPYFILE_EXCL) !== 0;
    await asNode({ syscall: "copyfile", path: pathText(source), dest: pathText(target) }, () =>
      this.#store.copy(clusterPath(source), clusterPath(target), { noReplace }),
    );
  }

  /** Copies a file, or with `recursive` a tree; no bytes move. */
  async cp(source: PathLike, target: PathLike, options: CopyTreeOptions = {}): Promise<void> {
    const subject = { syscall: "cp", path: pathText(source), dest: pathText(target) };
    await asNode(subject, () =>
      copyTree(this.#store, clusterPath(source), clusterPath(target), options),
    );
  }

  /** Resolves when the path is there; asked for X_OK, only when it may be executed. */
  async access(path: PathLike, mode: number = constants.F_OK): Promise<void> {
    const entry = await this.#entry("access", path);
    if ((mode & constants.X_OK) !== 0 && entry.kind === "file" && (entry.mode & 0o111) === 0) {
      throw new FileSystemError("EACCES", { syscall: "access", path: pathText(path) });
    }
  }

  /** Whether something is at the path. */
  async exists(path: PathLike): Promise<boolean> {
    try {
      await this.#store.stat(clusterPath(path));
      return true;
    } catch (error) {
      if (hasReason(error, "pathNotFound", "notADirectory", "invalidPath")) return false;
      throw nodeError(error, { syscall: "stat", path: pathText(path) });
    }
  }

  /** Sets when the file was changed; when it was read is not kept. */
  async utimes(path: PathLike, _accessed: TimeLike, modified: TimeLike): Promise<void> {
    await asNode({ syscall: "utime", path: pathText(path) }, () =>
      this.#store.setAttributes(clusterPath(path), { modifiedMs: timeMs(modified) }),
    );
  }

  lutimes(path: PathLike, accessed: TimeLike, modified: TimeLike): Promise<void> {
    return this.utimes(path, accessed, modified);
  }

  async chmod(path: PathLike, mode: number | string): Promise<void> {
    const bits = typeof mode === "string" ? Number.parseInt(mode, 8) : mode;
    await asNode({ syscall: "chmod", path: pathText(path) }, () =>
      this.#store.setAttributes(clusterPath(path), { mode: bits & 0o7777 }),
    );
  }

  async truncate(path: PathLike, lengthBytes = 0): Promise<void> {
    await asNode({ syscall: "open", path: pathText(path) }, () =>
      this.#store.truncate(clusterPath(path), lengthBytes),
    );
  }

  async realpath(path: PathLike): Promise<string> {
    return (await this.#entry("realpath", path)).path;
  }

  /** Nothing is a link: EINVAL for what is there, as the system has it. */
  async readlink(path: PathLike): Promise<string> {
    await this.#entry("readlink", path);
    throw new FileSystemError("EINVAL", { syscall: "readlink", path: pathText(path) });
  }

  async symlink(target: PathLike, path: PathLike): Promise<void> {
    const subject = { syscall: "symlink", path: pathText(target), dest: pathText(path) };
    throw new FileSystemError("ENOSYS", subject);
  }

  async link(existing: PathLike, path: PathLike): Promise<void> {
    const subject = { syscall: "link", path: pathText(existing), dest: pathText(path) };
    throw new FileSystemError("ENOSYS", subject);
  }

  createReadStream(path: PathLike, options: ReadStreamOptions = {}): Readable {
    const at = clusterPath(path);
    const subject = { syscall: "open", path: pathText(path) };
    return readStream(
      () => asNode(subject, () => this.#store.open(at, { signal: options.signal })),
      options,
    );
  }

  createWriteStream(
    path: PathLike,
    options: SignalOption & { readonly flags?: string; readonly mode?: number } = {},
  ): Writable {
    const at = clusterPath(path);
    const { flags = "w", mode, signal } = options;
    const subject = { syscall: "open", path: pathText(path) };
    const { access, isAppend, isExclusive } = parseFlags(flags);
    return writeStream(async () => {
      if (access !== "write") throw new FileSystemError("ENOTSUP", subject);
      return asNode(
        subject,
        async () =>
          (await openWriter(this.#store, at, { mode, isAppend, isExclusive, signal })).writer,
      );
    });
  }

  #entry(syscall: string, path: PathLike, options: SignalOption = {}): Promise<FileEntry> {
    const subject = { syscall, path: pathText(path) };
    return asNode(subject, () => this.#store.stat(clusterPath(path), options));
  }

  /** Removes what was looked at and nothing that has taken its place. */
  async #removeEntry({ path, inodeId }: FileEntry): Promise<void> {
    await this.#store.remove(path, { precondition: { inodeId } });
  }
}

function writeOptions(
  options: BufferEncoding | WriteFileOptions | null | undefined,
): WriteFileOptions {
  return typeof options === "string" ? { encoding: options } : (options ?? {});
}
