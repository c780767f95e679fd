import { createCipheriv, createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";

const PIECE_BYTES = 1024 * 1024;

/** Bytes that are the same for the same seed and look random: made as they are read, never held whole. */
export async function* contentOf(seed: number, sizeBytes: number): AsyncGenerator<Uint8Array> {
  const key = createHash("sha256").update(`content ${seed}`).digest();
  const cipher = createCipheriv("aes-256-ctr", key, Buffer.alloc(16));
  const zeros = Buffer.alloc(Math.min(PIECE_BYTES, sizeBytes));
  for (let madeBytes = 0; madeBytes < sizeBytes; ) {
    const pieceBytes = Math.min(PIECE_BYTES, sizeBytes - madeBytes);
    yield cipher.update(zeros.subarray(0, pieceBytes));
    madeBytes += pieceBytes;
  }
}

/** The same bytes whole; for small sizes. */
export async function bytesOf(seed: number, sizeBytes: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of contentOf(seed, sizeBytes)) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** Writes the content into a local file. */
export async function writeContent(path: string, seed: number, sizeBytes: number): Promise<void> {
  const file = await open(path, "w");
  try {
    for await (const piece of contentOf(seed, sizeBytes)) await file.writeFile(piece);
  } finally {
    await file.close();
  }
}

/** SHA-256, in hex, of what an iterable yields, and how much that was. */
export async function digestOf(
  pieces: AsyncIterable<Uint8Array>,
): Promise<{ readonly sha256: string; readonly sizeBytes: number }> {
  const hash = createHash("sha256");
  let sizeBytes = 0;
  for await (const piece of pieces) {
    hash.update(piece);
    sizeBytes += piece.byteLength;
  }
  return { sha256: hash.digest("hex"), sizeBytes };
}

/** The digest of a local file. */
export function digestOfFile(path: string): ReturnType<typeof digestOf> {
  return digestOf(createReadStream(path, { highWaterMark: PIECE_BYTES }));
}
