import { randomFillSync } from "node:crypto";

/** Chance as the code may know it. In simulation and tests it is seeded. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** `sizeBytes` fresh random bytes, owned by the caller. */
  bytes(sizeBytes: number): Uint8Array;
}

/** Chance from the operating system; good enough for ids and keys. */
export class SystemRandom implements Random {
  next(): number {
    const [word = 0] = randomFillSync(new Uint32Array(1));
    return word / 2 ** 32;
  }

  bytes(sizeBytes: number): Uint8Array {
    return randomFillSync(new Uint8Array(sizeBytes));
  }
}

/** A seeded generator (mulberry32): the same seed gives the same sequence. Not for secrets. */
export class Prng implements Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  bytes(sizeBytes: number): Uint8Array {
    const bytes = new Uint8Array(sizeBytes);
    for (let at = 0; at < sizeBytes; at++) bytes[at] = this.next() * 256;
    return bytes;
  }
}

/** A whole number in [0, below). */
export function randomBelow(random: Random, below: number): number {
  return Math.floor(random.next() * below);
}
