import { open, readdir, stat, truncate, unlink } from "node:fs/promises";
import { join } from "node:path";
import { hasErrorCode } from "@cairnfs/base/disk";
import type { Random } from "@cairnfs/base/random";

/** Every file of at least `sizeBytesMin` below a folder, with its size. */
async function largeFiles(
  folder: string,
  sizeBytesMin: number,
): Promise<{ readonly path: string; readonly sizeBytes: number }[]> {
  const found: { path: string; sizeBytes: number }[] = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const status = await stat(path).catch(() => undefined);
    // A running node may have removed it.
    if (status === undefined || status.size < sizeBytesMin) continue;
    found.push({ path, sizeBytes: status.size });
  }
  return found;
}

/** Flips one bit in the middle of every large file of a data folder; resolves with how many files that were. */
export async function flipBits(folder: string, sizeBytesMin: number): Promise<number> {
  const files = await largeFiles(folder, sizeBytesMin);
  for (const { path, sizeBytes } of files) {
    await flipBit(path, Math.floor(sizeBytes / 2));
  }
  return files.length;
}

/** How a chunk's file is harmed. */
export type ChunkFileHarm = "truncate" | "corrupt" | "delete";

/** Harms about half of the files of chunks of 1 MiB and more in a data folder; resolves with how many that were. */
export async function damageChunkFiles(
  dataDir: string,
  harm: ChunkFileHarm,
  random: Random,
): Promise<number> {
  let harmed = 0;
  for (const { path, sizeBytes } of await largeFiles(dataDir, 1024 * 1024)) {
    if (!CHUNK_FILE.test(path) || random.next() < 0.5) continue;
    try {
      if (harm === "delete") await unlink(path);
      else if (harm === "truncate") await truncate(path, Math.floor(sizeBytes * random.next()));
      else await flipBit(path, Math.floor(sizeBytes * random.next()));
      harmed += 1;
    } catch (error) {
      // The node may have deleted it meanwhile.
      if (!hasErrorCode(error, "ENOENT")) throw error;
    }
  }
  return harmed;
}

const CHUNK_FILE = /\/chunks\/[0-9a-f]{2}\/[0-9a-f]\/[0-9a-f]{64}$/u;

async function flipBit(path: string, position: number): Promise<void> {
  const file = await open(path, "r+");
  try {
    const byte = Buffer.alloc(1);
    await file.read(byte, 0, 1, position);
    byte.writeUInt8(byte.readUInt8(0) ^ 0x10, 0);
    await file.write(byte, 0, 1, position);
  } finally {
    await file.close();
  }
}
