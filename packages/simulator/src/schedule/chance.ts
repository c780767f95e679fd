import { Prng, type Random, randomBelow } from "@cairnfs/base/random";

/** Chance with the questions that a simulation asks. Everything comes from one seed. */
export class Chance implements Random {
  readonly #prng: Prng;

  constructor(seed: number) {
    this.#prng = new Prng(seed);
    // Seeds that are near each other begin alike.
    for (let round = 0; round < 4; round++) this.#prng.next();
  }

  next(): number {
    return this.#prng.next();
  }

  bytes(sizeBytes: number): Uint8Array {
    return this.#prng.bytes(sizeBytes);
  }

  /** A whole number in [0, below). */
  below(below: number): number {
    return randomBelow(this.#prng, below);
  }

  /** A number in [from, to). */
  between(from: number, to: number): number {
    return from + this.#prng.next() * (to - from);
  }

  is(probability: number): boolean {
    return this.#prng.next() < probability;
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new RangeError("there is nothing to pick from");
    return item;
  }

  /** One of the names, as often as their weights say. */
  weighted<T extends string>(weights: Readonly<Record<T, number>>): T {
    const rows = Object.entries<number>(weights);
    let rest = this.next() * rows.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [name, weight] of rows) {
      rest -= weight;
      if (rest < 0) return name as T;
    }
    return this.pick(rows.map(([name]) => name as T));
  }

  /** A time that is mostly near `meanMs` and now and then much longer. */
  aboutMs(meanMs: number): number {
    return -Math.log(1 - this.next()) * meanMs;
  }

  /** Chance of its own for a part of the world, that does not change when others ask more or less. */
  branch(label: string): Chance {
    let seed = this.below(2 ** 32);
    for (let at = 0; at < label.length; at++) {
      seed = Math.imul(seed ^ label.charCodeAt(at), 0x01000193);
    }
    return new Chance(seed >>> 0);
  }
}
