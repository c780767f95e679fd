/** A seed as two words, mixed with the items that are compared under it. */
export interface ScoreSeed {
  readonly high: number;
  readonly low: number;
}

/** Folds the bytes of `seed` into two words. */
export function scoreSeed(seed: Uint8Array): ScoreSeed {
  return { high: hashBytes(seed, 0x811c9dc5), low: hashBytes(seed, 0x9e3779b9) };
}

/**
 * The score of an item under a seed; the lowest wins. Over many seeds an item wins in proportion to its weight, and a change
 * of one item's weight moves only what that item wins or loses (weighted rendezvous hashing). Pure.
 */
export function score(seed: ScoreSeed, itemHash: number, weight: number): number {
  const mixed = avalanche(avalanche(itemHash ^ seed.high) ^ seed.low);
  // In (0, 1): neither end may give an infinite or a zero score.
  const uniform = (mixed + 0.5) / 2 ** 32;
  return -Math.log(uniform) / weight;
}

/** A 32-bit hash of a number. */
export function hashNumber(value: number): number {
  return avalanche(value ^ 0x5bd1e995);
}

/** A 32-bit hash of a text. */
export function hashText(text: string): number {
  return hashBytes(Buffer.from(text), 0x811c9dc5);
}

function hashBytes(bytes: Uint8Array, start: number): number {
  let hash = start;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return avalanche(hash);
}

/** Every bit of the input moves every bit of the output (the finish of MurmurHash 3). */
function avalanche(value: number): number {
  let mixed = value ^ (value >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
