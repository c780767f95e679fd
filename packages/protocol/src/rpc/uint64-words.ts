import { endianness } from "node:os";

/*
 * One uint64 and its two words in the same memory: the engine turns one into the other without making an object, which
 * shifting and masking would do at every step.
 */
const WHOLE = new BigUint64Array(1);
const WORDS = new Uint32Array(WHOLE.buffer);
const LOW = endianness() === "LE" ? 0 : 1;
const HIGH = 1 - LOW;

/** Takes `value` apart for `lowWord` and `highWord`; false when it is no uint64. */
export function splitUint64(value: bigint): boolean {
  WHOLE[0] = value;
  return WHOLE[0] === value;
}

/** The lower half of what was split last. */
export function lowWord(): number {
  return WORDS[LOW] ?? 0;
}

/** The upper half of what was split last. */
export function highWord(): number {
  return WORDS[HIGH] ?? 0;
}

/** The uint64 of the two halves, of each of which 32 bits count. */
export function joinUint64(low: number, high: number): bigint {
  WORDS[LOW] = low;
  WORDS[HIGH] = high;
  return WHOLE[0] ?? 0n;
}
