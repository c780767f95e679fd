import type { Closable } from "./lifecycle.ts";

/** An open file. Positions are explicit: there is no cursor. */
export interface DiskFile {
  /** Reads up to `into.byteLength` bytes at `position`; resolves with how many, 0 at the end. */
  read(into: Uint8Array, position: number): Promise<number>;
  /** Writes all `parts`, one after the other, from `position` on. */
  write(parts: readonly Uint8Array[], position: number): Promise<void>;
  /** Resolves when everything written to the file, and its size, survive a crash. */
  sync(): Promise<void>;
  truncate(sizeBytes: number): Promise<void>;
  sizeBytes(): Promise<number>;
  close(): Promise<void>;
}

export interface DiskEntry {
  readonly name: string;
  readonly isDirectory: boolean;
}

export interface DiskSpace {
  readonly capacityBytes: number;
  readonly availableBytes: number;
}

/** "read" and "update" (to read and write) need the file to exist; "create" refuses one that does; "write" opens or makes it. */
export type OpenMode = "read" | "update" | "write" | "create";

export interface OpenOptions {
  /**
   * Reads and writes go past the system's cache: a copy less, and nothing cached is pushed out. Positions, lengths and the place in
   * memory of each part must be whole pages (`page-memory.ts`); else, or where the file system cannot do it, EINVAL or ENOTSUP.
   */
  readonly isDirect?: boolean;
}

/**
 * The disk as stores may know it: folders, files, fsync. Errors are Node's system errors (`code` is ENOENT,
 * ENOSPC, EIO ...). A name that was made, renamed or removed survives a crash once its folder is synced.
 */
export interface Disk {
  /** Opens a file that only this user may read. */
  open(path: string, mode: OpenMode, options?: OpenOptions): Promise<DiskFile>;
  /** Moves a file, atomically; one that has the name already is replaced. */
  rename(from: string, to: string): Promise<void>;
  /** Removes a file; one that is not there is no error. */
  remove(path: string): Promise<void>;
  /** Makes a folder, with those above it; one that is there is no error. */
  makeFolder(path: string): Promise<void>;
  /** Removes an empty folder; one that is not there is no error. */
  removeFolder(path: string): Promise<void>;
  list(path: string): Promise<DiskEntry[]>;
  syncFolder(path: string): Promise<void>;
  space(path: string): Promise<DiskSpace>;
  /** How long the file is; undefined when it is not there. */
  fileBytes(path: string): Promise<number | undefined>;
  /**
   * Takes a folder for this process alone until `close`, or until the process ends, however it ends;
   * undefined when another process has it.
   */
  lockFolder(path: string): Promise<Closable | undefined>;
}

/** Whether `error` is a system error with one of these codes. */
export function hasErrorCode(error: unknown, ...codes: readonly string[]): boolean {
  return (
    error instanceof Error &&
    "code" in error &&
    typeof error.code === "string" &&
    codes.includes(error.code)
  );
}

/** Fills `into` from `position` on; resolves with how many bytes there were. */
export async function readFully(
  file: DiskFile,
  into: Uint8Array,
  position: number,
): Promise<number> {
  let doneBytes = 0;
  while (doneBytes < into.byteLength) {
    const readBytes = await file.read(
      doneBytes === 0 ? into : into.subarray(doneBytes),
      position + doneBytes,
    );
    if (readBytes === 0) break;
    doneBytes += readBytes;
  }
  return doneBytes;
}
