import { open, readdir } from "node:fs/promises";
import { join } from "node:path";

/** Every file of at least `sizeBytesMin` below a folder, with its size. */
async function largeFiles(
  folder: string,
  sizeBytesMin: number,
): Promise<{ readonly path: string; readonly sizeBytes: number }[]> {
  const found: { path: string; sizeBytes: number }[] = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const file = await open(path, "r");
    const { size } = await file.stat();
    await file.close();
    if (size >= sizeBytesMin) found.push({ path, sizeBytes: size });
  }
  return found;
}

/** Flips one bit in the middle of every large file of a data folder; resolves with how many files that were. */
export async function flipBits(folder: string, sizeBytesMin: number): Promise<number> {
  const files = await largeFiles(folder, sizeBytesMin);
  for (const { path, sizeBytes } of files) {
    const file = await open(path, "r+");
    const byte = Buffer.alloc(1);
    const position = Math.floor(sizeBytes / 2);
    await file.read(byte, 0, 1, position);
    byte.writeUInt8(byte.readUInt8(0) ^ 0x10, 0);
    await file.write(byte, 0, 1, position);
    await file.close();
  }
  return files.length;
}
