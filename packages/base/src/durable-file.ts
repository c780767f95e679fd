import { dirname } from "node:path";
import { type Disk, hasErrorCode, readFully } from "./disk.ts";

/**
 * Puts `bytes` in the file at `path`. A crash leaves the old file or the new one, whole; when this resolves, the new one.
 * One call at a time for each path.
 */
export async function writeDurably(disk: Disk, path: string, bytes: Uint8Array): Promise<void> {
  const draft = `${path}.new`;
  const file = await disk.open(draft, "write");
  try {
    await file.truncate(0);
    await file.write([bytes], 0);
    await file.sync();
  } finally {
    await file.close();
  }
  await disk.rename(draft, path);
  await disk.syncFolder(dirname(path));
}

/** Removes the file at `path`, if it is there; when this resolves it stays away after a crash. */
export async function removeDurably(disk: Disk, path: string): Promise<void> {
  await disk.remove(path);
  await disk.syncFolder(dirname(path));
}

/**
 * Makes a folder, with those above it; when this resolves it stays after a crash. Folders above that this user may not read were there
 * before, or could not have been made.
 */
export async function makeFolderDurably(disk: Disk, path: string): Promise<void> {
  await disk.makeFolder(path);
  for (let folder = path; dirname(folder) !== folder; ) {
    folder = dirname(folder);
    try {
      await disk.syncFolder(folder);
    } catch (error) {
      if (!hasErrorCode(error, "EACCES", "EPERM")) throw error;
    }
  }
}

/** All of a small file; undefined when it is not there. For files whose size is known to be bounded. */
export async function readWhole(disk: Disk, path: string): Promise<Uint8Array | undefined> {
  try {
    const file = await disk.open(path, "read");
    try {
      const bytes = new Uint8Array(await file.sizeBytes());
      return bytes.subarray(0, await readFully(file, bytes, 0));
    } finally {
      await file.close();
    }
  } catch (error) {
    if (hasErrorCode(error, "ENOENT")) return undefined;
    throw error;
  }
}
