import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { temporaryFolder } from "@cairnfs/base/testing/temp-folder";
import { expect, test } from "vitest";
import { canWriteDirect, DurableChunk, newChunk } from "./durable-chunk.ts";

const MIB = 1024 * 1024;

test("a chunk that comes in pieces of any size is in its file, through the cache and past it", async () => {
  await using folder = await temporaryFolder();
  const isDirectThere = await canWriteDirect(join(folder.path, "probe"));
  for (const isDirect of isDirectThere ? [false, true] : [false]) {
    const chunk = newChunk(3 * MIB);
    const path = join(folder.path, `chunk-${isDirect}`);
    const file = new DurableChunk(path, chunk, isDirect);
    let filledBytes = 0;
    for (const pieceBytes of [5, MIB - 5, 1_700_000, 3 * MIB]) {
      const end = Math.min(chunk.byteLength, filledBytes + pieceBytes);
      chunk.fill(pieceBytes % 251, filledBytes, end);
      filledBytes = end;
      file.filled(filledBytes);
    }
    await file.finish();
    expect(chunk.equals(await readFile(path))).toBe(true);
  }
});

test("a file that cannot be made fails in the end, once", async () => {
  await using folder = await temporaryFolder();
  const file = new DurableChunk(join(folder.path, "missing", "chunk"), newChunk(MIB), false);
  file.filled(MIB);
  await expect(file.finish()).rejects.toThrow("ENOENT");
});
