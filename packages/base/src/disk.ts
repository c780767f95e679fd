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

/**
 * The disk as stores may know it: folders, files, fsync. Errors are Node's system errors (`code` is ENOENT,
 * ENOSPC, EIO ...). A name that was made, renamed or removed survives a crash once its folder is synced.
 */
export interface Disk {
  /** "read" needs the file to exist; "create" refuses one that does; "write" opens or makes it. */
  open(path: string, mode: "read" | "write" | "create"): Promise<DiskFile>;
  rename(from: string, to: string): Promise<void>;
  /** Removes a file; one that is not there is no error. */
  remove(path: string): Promise<void>;
  makeFolder(path: string): Promise<void>;
  removeFolder(path: string): Promise<void>;
  list(path: string): Promise<DiskEntry[]>;
  syncFolder(path: string): Promise<void>;
  space(path: string): Promise<DiskSpace>;
}
