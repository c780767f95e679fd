import {
  close,
  constants,
  fdatasync,
  fstat,
  fsync,
  ftruncate,
  open as openFile,
  read,
  rename,
  type Stats,
  stat,
  write,
  writev,
} from "node:fs";
import { mkdir, readdir, rmdir, statfs, unlink } from "node:fs/promises";
import {
  type Disk,
  type DiskEntry,
  type DiskFile,
  type DiskSpace,
  hasErrorCode,
  type OpenMode,
  type OpenOptions,
} from "./disk.ts";
import { lockFolder } from "./folder-lock.ts";
import type { Closable } from "./lifecycle.ts";

const OPEN_FLAGS: Readonly<Record<OpenMode, number>> = {
  read: constants.O_RDONLY,
  update: constants.O_RDWR,
  write: constants.O_RDWR | constants.O_CREAT,
  create: constants.O_RDWR | constants.O_CREAT | constants.O_EXCL,
};
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;
/** The kernel takes no more parts in one call (IOV_MAX). */
const PARTS_MAX = 1024;

/** The operating system's disk. */
export class RealDisk implements Disk {
  readonly #fileMode: number;

  /** New files are their owner's alone unless `fileMode` says otherwise; the umask applies. */
  constructor(options: { readonly fileMode?: number } = {}) {
    this.#fileMode = options.fileMode ?? FILE_MODE;
  }

  async open(path: string, mode: OpenMode, options: OpenOptions = {}): Promise<DiskFile> {
    const flags = OPEN_FLAGS[mode] | (options.isDirect === true ? directFlag(path) : 0);
    return new RealFile(
      await callback<number>((done) => openFile(path, flags, this.#fileMode, done)),
    );
  }

  rename(from: string, to: string): Promise<void> {
    return callback((done) => rename(from, to, done));
  }

  async remove(path: string): Promise<void> {
    await unlink(path).catch(unlessMissing);
  }

  async makeFolder(path: string): Promise<void> {
    await mkdir(path, { recursive: true, mode: FOLDER_MODE });
  }

  async removeFolder(path: string): Promise<void> {
    await rmdir(path).catch(unlessMissing);
  }

  async list(path: string): Promise<DiskEntry[]> {
    const entries = await readdir(path, { withFileTypes: true });
    return entries.map((entry) => ({ name: entry.name, isDirectory: entry.isDirectory() }));
  }

  async syncFolder(path: string): Promise<void> {
    const fd = await callback<number>((done) => openFile(path, constants.O_RDONLY, done));
    try {
      await callback<void>((done) => fsync(fd, done));
    } finally {
      await callback<void>((done) => close(fd, done));
    }
  }

  async space(path: string): Promise<DiskSpace> {
    const { bsize, blocks, bavail } = await statfs(path);
    return { capacityBytes: bsize * blocks, availableBytes: bsize * bavail };
  }

  async fileBytes(path: string): Promise<number | undefined> {
    try {
      // The callback form: its error for a missing file, which is common here, costs a fraction of the other's.
      return (await callback<Stats>((done) => stat(path, done))).size;
    } catch (error) {
      if (hasErrorCode(error, "ENOENT")) return undefined;
      throw error;
    }
  }

  lockFolder(path: string): Promise<Closable | undefined> {
    return lockFolder(path);
  }
}

/** Bare descriptors: a read costs half of what it does through a FileHandle. */
class RealFile implements DiskFile {
  readonly #fd: number;

  constructor(fd: number) {
    this.#fd = fd;
  }

  read(into: Uint8Array, position: number): Promise<number> {
    return callback((done) => read(this.#fd, into, 0, into.byteLength, position, done));
  }

  async write(parts: readonly Uint8Array[], position: number): Promise<void> {
    const [first] = parts;
    if (parts.length === 1 && first !== undefined) return this.#writeOne(first, position);
    let rest = parts;
    let at = position;
    while (rest.length > 0) {
      const batch = rest.length > PARTS_MAX ? rest.slice(0, PARTS_MAX) : rest;
      const writtenBytes = await callback<number>((done) => writev(this.#fd, batch, at, done));
      at += writtenBytes;
      rest = partsAfter(rest, writtenBytes);
    }
  }

  async #writeOne(part: Uint8Array, position: number): Promise<void> {
    for (let at = 0; at < part.byteLength; ) {
      const [from, leftBytes] = [at, part.byteLength - at];
      at += await callback<number>((done) =>
        write(this.#fd, part, from, leftBytes, position + from, done),
      );
    }
  }

  sync(): Promise<void> {
    // Writes the size as well, when it has changed; it leaves out the times only.
    return callback((done) => fdatasync(this.#fd, done));
  }

  truncate(sizeBytes: number): Promise<void> {
    return callback((done) => ftruncate(this.#fd, sizeBytes, done));
  }

  async sizeBytes(): Promise<number> {
    return (await callback<Stats>((done) => fstat(this.#fd, done))).size;
  }

  close(): Promise<void> {
    return callback((done) => close(this.#fd, done));
  }
}

/** The flag of a direct file, where the system has one. */
function directFlag(path: string): number {
  // The types have it everywhere; systems other than Linux do not.
  const flag: number | undefined = constants.O_DIRECT;
  if (flag !== undefined) return flag;
  throw Object.assign(new Error(`ENOTSUP: no direct files on this system, open '${path}'`), {
    code: "ENOTSUP",
  });
}

/** What is left of `parts` after their first `writtenBytes`; the kernel may take less than all. */
function partsAfter(parts: readonly Uint8Array[], writtenBytes: number): readonly Uint8Array[] {
  let leftBytes = writtenBytes;
  for (const [index, part] of parts.entries()) {
    if (leftBytes < part.byteLength) {
      const rest = parts.slice(index);
      rest[0] = part.subarray(leftBytes);
      return rest;
    }
    leftBytes -= part.byteLength;
  }
  return [];
}

function callback<T>(
  start: (done: (error: NodeJS.ErrnoException | null, value?: T) => void) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    // Node gives a value whenever it gives no error; for calls without one T is void.
    start((error, value) => (error === null ? resolve(value as T) : reject(error)));
  });
}

function unlessMissing(error: unknown): void {
  if (!hasErrorCode(error, "ENOENT")) throw error;
}
