import { readFile } from "node:fs/promises";
import { sha256 } from "@cairnfs/base/checksum";
import { toHex } from "@cairnfs/base/hex";
import { SystemRandom } from "@cairnfs/base/random";
import { temporaryFolder } from "@cairnfs/base/testing/temp-folder";
import { expect, test } from "vitest";
import { ContentMaker, type ObjectContent } from "./content.ts";

const KIB = 1024;
const BLOCK_BYTES = 64 * KIB;

test("no block of any object is like another, of whatever size and in another run", async () => {
  const seen = new Set<string>();
  let blocks = 0;
  for (const maker of [
    new ContentMaker(new SystemRandom()),
    new ContentMaker(new SystemRandom()),
  ]) {
    for (const sizeBytes of [
      64,
      4 * KIB,
      4 * KIB,
      BLOCK_BYTES,
      200 * KIB,
      1024 * KIB,
      3000 * KIB,
    ]) {
      const content = maker.object(sizeBytes);
      let bytes = 0;
      for await (const part of content.parts()) {
        bytes += part.byteLength;
        for (let at = 0; at < part.byteLength; at += BLOCK_BYTES) {
          seen.add(toHex(sha256(part.subarray(at, at + BLOCK_BYTES))));
          blocks += 1;
        }
      }
      expect(bytes).toBe(sizeBytes);
      content.release();
    }
  }
  expect(seen.size).toBe(blocks);
});

test("bytes that are not released are not changed, and released memory is used again", () => {
  const maker = new ContentMaker(new SystemRandom());
  const held = maker.object(4 * KIB);
  const before = Buffer.from(bytesOf(held));
  const other = maker.object(4 * KIB);
  expect(bytesOf(other)).not.toBe(bytesOf(held));
  expect(Buffer.compare(before, bytesOf(held))).toBe(0);
  held.release();
  const again = maker.object(4 * KIB);
  expect(bytesOf(again)).toBe(bytesOf(held));
  expect(Buffer.compare(before, bytesOf(again))).not.toBe(0);
});

test("files are as long as they should be, and no block of them comes twice", async () => {
  await using folder = await temporaryFolder();
  const maker = new ContentMaker(new SystemRandom(), { fileFolder: folder.path });
  const seen = new Set<string>();
  const paths = new Set<string>();
  const sizeBytes = 2_500_000;
  for (let round = 0; round < 3; round++) {
    const { localFile = "", release } = maker.object(sizeBytes);
    const bytes = await readFile(localFile);
    expect(bytes.byteLength).toBe(sizeBytes);
    for (let at = 0; at < sizeBytes; at += BLOCK_BYTES) {
      seen.add(toHex(sha256(bytes.subarray(at, at + BLOCK_BYTES))));
    }
    paths.add(localFile);
    release();
  }
  expect(seen.size).toBe(3 * Math.ceil(sizeBytes / BLOCK_BYTES));
  expect(paths.size).toBe(1);
  expect(maker.object(4 * KIB).localFile).toBeUndefined();
});

test("an object of no bytes has none, and one above the limit is not held in memory", async () => {
  const maker = new ContentMaker(new SystemRandom(), { heldBytesMax: 2 * KIB });
  expect(bytesOf(maker.object(0))).toHaveLength(0);
  expect(bytesOf(maker.object(5))).toHaveLength(5);
  expect(maker.object(2 * KIB + 1).bytes).toBeUndefined();
});

function bytesOf({ bytes }: ObjectContent): Uint8Array {
  if (bytes === undefined) throw new Error("the object is not in memory");
  return bytes;
}
