import { bytesOf } from "@cairnfs/testkit/content";

/** Sizes on both sides of every way that a file can be stored: inline, packed, one large chunk, many chunks. */
const SIZES_BYTES = [64, 200, 4000, 20_000, 300_000, 1_300_000];
const STAMP_BYTES = 64;

/** The bytes of a value: its name in the first 64, the rest made from it, so that no two values can be mixed unseen. */
export async function stamped(value: string): Promise<Uint8Array> {
  const seed = seedOf(value);
  const bytes = Buffer.from(await bytesOf(seed, SIZES_BYTES[seed % SIZES_BYTES.length] ?? 64));
  bytes.fill(" ", 0, STAMP_BYTES);
  bytes.write(value, "latin1");
  return bytes;
}

/** The value that these bytes are, from the first to the last; throws when they are none, or a mixture. */
export async function stampOf(bytes: Uint8Array): Promise<string> {
  const stamp = Buffer.from(bytes.subarray(0, STAMP_BYTES)).toString("latin1").trimEnd();
  const expected = await stamped(stamp);
  if (Buffer.compare(expected, bytes) !== 0) {
    throw new Error(
      `what was read begins as the value ${JSON.stringify(stamp)} and is ${bytes.byteLength} bytes that differ from its ${expected.byteLength}`,
    );
  }
  return stamp;
}

function seedOf(value: string): number {
  let seed = 7;
  for (const character of value) seed = (seed * 31 + character.charCodeAt(0)) % 1_000_003;
  return seed;
}
