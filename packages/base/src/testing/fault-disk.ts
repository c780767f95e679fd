import type { Clock } from "../clock.ts";
import type { Disk, DiskEntry, DiskFile, DiskSpace, OpenMode, OpenOptions } from "../disk.ts";
import type { Closable } from "../lifecycle.ts";
import { isPageAligned, PAGE_BYTES } from "../page-memory.ts";
import { type Random, randomBelow } from "../random.ts";
import { FaultFile } from "./fault-file.ts";
import { FaultFolder, type FaultNode, NameLog } from "./fault-folder.ts";

export type DiskOperation =
  | "open"
  | "read"
  | "write"
  | "sync"
  | "truncate"
  | "size"
  | "rename"
  | "remove"
  | "makeFolder"
  | "removeFolder"
  | "list"
  | "syncFolder"
  | "space"
  | "lockFolder";

/** Which operations fail, and how. What is left out matches all. */
export interface DiskFault {
  readonly code: "EIO" | "ENOSPC" | "EACCES" | "EMFILE" | "EROFS";
  readonly operations?: readonly DiskOperation[];
  readonly path?: RegExp;
  /** How many that match go well before. */
  readonly after?: number;
  /** How many that match then fail; all when left out. */
  readonly times?: number;
}

interface ActiveFault extends DiskFault {
  seen: number;
}

const ALLOCATION_BYTES = 4096;

/**
 * A disk in memory that forgets, tears and fails as real ones do: what was not synced may be lost in a power loss, in
 * any combination of sectors and names. All chance comes from `random`, so that a seed replays.
 */
export class FaultDisk implements Disk {
  /** Syncs say that all is well and do nothing. */
  isLyingAboutSync = false;
  /** Whether there are direct files; without them opening one is refused, as some file systems do. */
  hasDirectFiles = true;
  readonly #random: Random;
  #root = new FaultFolder();
  readonly #log = new NameLog();
  readonly #locks = new Set<string>();
  readonly #faults = new Set<ActiveFault>();
  #capacityBytes: number;
  #slow: { readonly clock: Clock; readonly delayMs: number } | undefined;
  #operations = 0;
  #crashAt = Number.POSITIVE_INFINITY;
  #isDown = false;

  constructor(random: Random, capacityBytes: number = 2 ** 40) {
    this.#random = random;
    this.#capacityBytes = capacityBytes;
  }

  /** How many operations were begun. */
  get operations(): number {
    return this.#operations;
  }

  /** Whether the power is gone: every operation fails from then on. */
  get isDown(): boolean {
    return this.#isDown;
  }

  /** Makes operations fail until the function that it returns is called. */
  fail(fault: DiskFault): () => void {
    const active = { ...fault, seen: 0 };
    this.#faults.add(active);
    return () => void this.#faults.delete(active);
  }

  /** Writes beyond so many bytes of files fail with ENOSPC. */
  limit(capacityBytes: number): void {
    this.#capacityBytes = capacityBytes;
  }

  /** Each operation takes `delayMs` of `clock` from now on. */
  slowDown(clock: Clock, delayMs: number): void {
    this.#slow = delayMs > 0 ? { clock, delayMs } : undefined;
  }

  /** Cuts the power in the middle of the operation that comes after `count` more. */
  crashAfter(count: number): void {
    this.#crashAt = this.#operations + count;
  }

  /** Cuts the power; resolves with the disk as the machine finds it when it comes up again. This one stays dead. */
  crash(): FaultDisk {
    this.#isDown = true;
    const next = new FaultDisk(this.#random, this.#capacityBytes);
    next.hasDirectFiles = this.hasDirectFiles;
    next.#root = this.#log.afterPowerLoss(this.#root, this.#random);
    return next;
  }

  /** The files that are there, sorted. */
  paths(): string[] {
    const paths: string[] = [];
    const walk = (folder: FaultFolder, prefix: string) => {
      for (const [name, node] of folder.names) {
        if (node instanceof FaultFile) paths.push(`${prefix}/${name}`);
        else walk(node, `${prefix}/${name}`);
      }
    };
    walk(this.#root, "");
    return paths.sort();
  }

  /** What a file holds now. */
  content(path: string): Uint8Array {
    return this.#file(path, "open").content();
  }

  /** Rots one bit of a file. */
  flipBit(path: string, bit: number): void {
    this.#file(path, "open").flipBit(bit);
  }

  async open(path: string, mode: OpenMode, options: OpenOptions = {}): Promise<DiskFile> {
    await this.#begin("open", path);
    const isDirect = options.isDirect === true;
    if (isDirect && !this.hasDirectFiles) throw systemError("EINVAL", "open", path);
    const { folder, name } = this.#slot(path, "open");
    let node = folder.names.get(name);
    if (node === undefined) {
      if (mode === "read" || mode === "update") throw systemError("ENOENT", "open", path);
      node = new FaultFile();
      this.#log.apply([{ folder, name, node }]);
    } else if (mode === "create") throw systemError("EEXIST", "open", path);
    if (node instanceof FaultFolder) throw systemError("EISDIR", "open", path);
    return this.#handle(node, path, isDirect);
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#begin("rename", from);
    const source = this.#slot(from, "rename");
    const target = this.#slot(to, "rename");
    const node = source.folder.names.get(source.name);
    if (node === undefined) throw systemError("ENOENT", "rename", from);
    if (target.folder.names.get(target.name) instanceof FaultFolder) {
      throw systemError("EISDIR", "rename", to);
    }
    this.#log.apply([
      { folder: source.folder, name: source.name, was: node },
      { folder: target.folder, name: target.name, node },
    ]);
  }

  async remove(path: string): Promise<void> {
    await this.#begin("remove", path);
    const { folder, name } = this.#slot(path, "remove");
    const node = folder.names.get(name);
    if (node === undefined) return;
    if (node instanceof FaultFolder) throw systemError("EISDIR", "unlink", path);
    this.#log.apply([{ folder, name, was: node }]);
  }

  async makeFolder(path: string): Promise<void> {
    await this.#begin("makeFolder", path);
    let folder = this.#root;
    for (const name of names(path)) {
      const node = folder.names.get(name) ?? new FaultFolder();
      if (node instanceof FaultFile) throw systemError("EEXIST", "mkdir", path);
      if (!folder.names.has(name)) this.#log.apply([{ folder, name, node }]);
      folder = node;
    }
  }

  async removeFolder(path: string): Promise<void> {
    await this.#begin("removeFolder", path);
    const { folder, name } = this.#slot(path, "rmdir");
    const node = folder.names.get(name);
    if (node === undefined) return;
    if (node instanceof FaultFile) throw systemError("ENOTDIR", "rmdir", path);
    if (node.names.size > 0) throw systemError("ENOTEMPTY", "rmdir", path);
    this.#log.apply([{ folder, name, was: node }]);
  }

  async list(path: string): Promise<DiskEntry[]> {
    await this.#begin("list", path);
    return [...this.#folder(path, "scandir").names].map(([name, node]) => ({
      name,
      isDirectory: node instanceof FaultFolder,
    }));
  }

  async syncFolder(path: string): Promise<void> {
    await this.#begin("syncFolder", path);
    const folder = this.#folder(path, "fsync");
    if (!this.isLyingAboutSync) this.#log.sync(folder);
  }

  async space(path: string): Promise<DiskSpace> {
    await this.#begin("space", path);
    return {
      capacityBytes: this.#capacityBytes,
      availableBytes: Math.max(0, this.#capacityBytes - this.#usedBytes()),
    };
  }

  async fileBytes(path: string): Promise<number | undefined> {
    await this.#begin("size", path);
    const node = this.#find(path);
    return node instanceof FaultFile ? node.sizeBytes : undefined;
  }

  async lockFolder(path: string): Promise<Closable | undefined> {
    await this.#begin("lockFolder", path);
    this.#folder(path, "lock");
    if (this.#locks.has(path)) return undefined;
    this.#locks.add(path);
    return { close: async () => void this.#locks.delete(path) };
  }

  #handle(file: FaultFile, path: string, isDirect: boolean): DiskFile {
    return {
      read: async (into, position) => {
        await this.#begin("read", path);
        if (isDirect) refuseMisaligned([into], position, path);
        return file.read(into, position);
      },
      write: async (parts, position) => {
        if (isDirect) refuseMisaligned(parts, position, path);
        await this.#write(file, path, parts, position);
      },
      sync: async () => {
        await this.#begin("sync", path, () => file.failSync());
        if (!this.isLyingAboutSync) file.sync();
      },
      truncate: async (sizeBytes) => {
        await this.#begin("truncate", path);
        file.truncate(sizeBytes);
      },
      sizeBytes: async () => {
        await this.#begin("size", path);
        return file.sizeBytes;
      },
      close: async () => undefined,
    };
  }

  async #write(
    file: FaultFile,
    path: string,
    parts: readonly Uint8Array[],
    position: number,
  ): Promise<void> {
    const bytes = Buffer.concat(parts);
    const writeSome = () =>
      file.write(bytes.subarray(0, randomBelow(this.#random, bytes.byteLength + 1)), position);
    await this.#begin("write", path, writeSome);
    const growthBytes = allocated(position + bytes.byteLength) - allocated(file.sizeBytes);
    // Asked only when the file grows: it walks the whole tree.
    const freeBytes = growthBytes > 0 ? this.#capacityBytes - this.#usedBytes() : growthBytes;
    if (growthBytes > freeBytes) {
      const endBytes = allocated(file.sizeBytes) + Math.max(0, freeBytes);
      file.write(bytes.subarray(0, Math.max(0, endBytes - position)), position);
      throw systemError("ENOSPC", "write", path);
    }
    file.write(bytes, position);
  }

  /** Counts the operation, lets time and others pass, and fails it when a fault says so. */
  async #begin(operation: DiskOperation, path: string, halfway?: () => void): Promise<void> {
    this.#operations += 1;
    const order = this.#operations;
    if (this.#slow !== undefined) await this.#slow.clock.sleep(this.#slow.delayMs);
    for (let turns = randomBelow(this.#random, 4); turns > 0; turns--) await undefined;
    if (order > this.#crashAt && !this.#isDown) {
      halfway?.();
      this.#isDown = true;
    }
    if (this.#isDown) throw systemError("EIO", operation, path);
    for (const fault of this.#faults) {
      if (!isHit(fault, operation, path)) continue;
      halfway?.();
      throw systemError(fault.code, operation, path);
    }
  }

  #usedBytes(): number {
    const seen = new Set<FaultNode>();
    let usedBytes = 0;
    const walk = (folder: FaultFolder) => {
      for (const node of folder.names.values()) {
        if (seen.has(node)) continue;
        seen.add(node);
        if (node instanceof FaultFile) usedBytes += allocated(node.sizeBytes);
        else walk(node);
      }
    };
    walk(this.#root);
    return usedBytes;
  }

  #find(path: string): FaultNode | undefined {
    let node: FaultNode | undefined = this.#root;
    for (const name of names(path)) {
      if (!(node instanceof FaultFolder)) return undefined;
      node = node.names.get(name);
    }
    return node;
  }

  #file(path: string, call: string): FaultFile {
    const node = this.#find(path);
    if (node instanceof FaultFile) return node;
    throw systemError(node === undefined ? "ENOENT" : "EISDIR", call, path);
  }

  #folder(path: string, call: string): FaultFolder {
    const node = this.#find(path);
    if (node instanceof FaultFolder) return node;
    throw systemError(node === undefined ? "ENOENT" : "ENOTDIR", call, path);
  }

  #slot(path: string, call: string): { readonly folder: FaultFolder; readonly name: string } {
    const cut = path.lastIndexOf("/");
    return {
      folder: this.#folder(path.slice(0, Math.max(cut, 0)), call),
      name: path.slice(cut + 1),
    };
  }
}

function isHit(fault: ActiveFault, operation: DiskOperation, path: string): boolean {
  if (fault.operations !== undefined && !fault.operations.includes(operation)) return false;
  if (fault.path !== undefined && !fault.path.test(path)) return false;
  fault.seen += 1;
  const after = fault.after ?? 0;
  return fault.seen > after && fault.seen <= after + (fault.times ?? Number.POSITIVE_INFINITY);
}

function names(path: string): string[] {
  return path.split("/").filter((name) => name !== "" && name !== ".");
}

/** What the system says to a direct file about anything but whole pages. */
function refuseMisaligned(parts: readonly Uint8Array[], position: number, path: string): void {
  const isFine = (part: Uint8Array) => isPageAligned(part) && part.byteLength % PAGE_BYTES === 0;
  if (position % PAGE_BYTES === 0 && parts.every(isFine)) return;
  throw systemError("EINVAL", "direct", path);
}

function allocated(sizeBytes: number): number {
  return Math.ceil(sizeBytes / ALLOCATION_BYTES) * ALLOCATION_BYTES;
}

function systemError(code: string, call: string, path: string): Error {
  return Object.assign(new Error(`${code}: injected, ${call} '${path}'`), {
    code,
    syscall: call,
    path,
  });
}
