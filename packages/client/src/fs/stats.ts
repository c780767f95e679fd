import { constants } from "node:fs";
import type { FileEntry } from "../entry.ts";

const { S_IFMT, S_IFREG, S_IFDIR } = constants;
const BLOCK_BYTES = 512;

/** What `stat` gives, with the fields and questions of `node:fs`'s Stats. */
export class FileStats {
  readonly dev = 0;
  readonly ino: number;
  readonly mode: number;
  readonly nlink = 1;
  readonly uid = 0;
  readonly gid = 0;
  readonly rdev = 0;
  readonly size: number;
  readonly blksize = 4_096;
  readonly blocks: number;
  readonly atimeMs: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly birthtimeMs: number;

  constructor(entry: FileEntry) {
    const isFile = entry.kind === "file";
    this.ino = entry.inodeId;
    this.mode = (isFile ? S_IFREG : S_IFDIR) | entry.mode;
    this.size = isFile ? entry.sizeBytes : 0;
    this.blocks = Math.ceil(this.size / BLOCK_BYTES);
    this.atimeMs = entry.modifiedMs;
    this.mtimeMs = entry.modifiedMs;
    this.ctimeMs = Math.max(entry.modifiedMs, entry.createdMs);
    this.birthtimeMs = entry.createdMs;
  }

  get atime(): Date {
    return new Date(this.atimeMs);
  }

  get mtime(): Date {
    return new Date(this.mtimeMs);
  }

  get ctime(): Date {
    return new Date(this.ctimeMs);
  }

  get birthtime(): Date {
    return new Date(this.birthtimeMs);
  }

  isFile(): boolean {
    return (this.mode & S_IFMT) === S_IFREG;
  }

  isDirectory(): boolean {
    return (this.mode & S_IFMT) === S_IFDIR;
  }

  isSymbolicLink(): boolean {
    return false;
  }

  isBlockDevice(): boolean {
    return false;
  }

  isCharacterDevice(): boolean {
    return false;
  }

  isFIFO(): boolean {
    return false;
  }

  isSocket(): boolean {
    return false;
  }
}

/** What `readdir` with `withFileTypes` gives. */
export class FileDirent {
  readonly name: string;
  readonly parentPath: string;
  /** The older name of `parentPath`. */
  readonly path: string;
  readonly #isFile: boolean;

  constructor(entry: FileEntry, parentPath: string) {
    this.name = entry.name;
    this.parentPath = parentPath;
    this.path = parentPath;
    this.#isFile = entry.kind === "file";
  }

  isFile(): boolean {
    return this.#isFile;
  }

  isDirectory(): boolean {
    return !this.#isFile;
  }

  isSymbolicLink(): boolean {
    return false;
  }

  isBlockDevice(): boolean {
    return false;
  }

  isCharacterDevice(): boolean {
    return false;
  }

  isFIFO(): boolean {
    return false;
  }

  isSocket(): boolean {
    return false;
  }
}
