import { type Random, randomBelow } from "@cairnfs/base/random";

/** How often another object is drawn when the one drawn is in use. */
const DRAWS = 16;

/**
 * Which objects of a load are there, by number: none is read that this load has removed or is about to, and none is removed or
 * replaced that is being read. Its size has a limit: then what is put takes the place of another.
 */
export class ObjectPool {
  readonly #random: Random;
  readonly #least: number;
  readonly #most: number;
  readonly #ids: number[] = [];
  readonly #readers = new Map<number, number>();
  #nextId = 0;

  /** With `least` or fewer nothing is removed; more than `most` are never there. */
  constructor(random: Random, { least, most }: { readonly least: number; readonly most: number }) {
    this.#random = random;
    this.#least = least;
    this.#most = most;
  }

  get size(): number {
    return this.#ids.length;
  }

  /** Holds one that is there while `read` runs; undefined when none is. */
  async reading<T>(read: (id: number) => Promise<T>): Promise<T | undefined> {
    const id = this.#ids[randomBelow(this.#random, this.#ids.length)];
    if (id === undefined) return undefined;
    this.#readers.set(id, (this.#readers.get(id) ?? 0) + 1);
    try {
      return await read(id);
    } finally {
      const left = (this.#readers.get(id) ?? 1) - 1;
      if (left === 0) this.#readers.delete(id);
      else this.#readers.set(id, left);
    }
  }

  /** Adds one when `put` has resolved: a new one, or one that is put anew. */
  async adding<T>(put: (id: number) => Promise<T>): Promise<T> {
    let id = this.#ids.length >= this.#most ? this.#takeIdle() : undefined;
    if (id === undefined) {
      id = this.#nextId;
      this.#nextId += 1;
    }
    const done = await put(id);
    this.#ids.push(id);
    return done;
  }

  /** Takes one out that nobody reads, and has it removed; undefined when there is none to spare. */
  async removing<T>(remove: (id: number) => Promise<T>): Promise<T | undefined> {
    const id = this.#ids.length > this.#least ? this.#takeIdle() : undefined;
    return id === undefined ? undefined : remove(id);
  }

  #takeIdle(): number | undefined {
    for (let draw = 0; draw < DRAWS; draw++) {
      const place = randomBelow(this.#random, this.#ids.length);
      const id = this.#ids[place];
      if (id === undefined || this.#readers.has(id)) continue;
      const last = this.#ids.pop();
      if (last !== undefined && last !== id) this.#ids[place] = last;
      return id;
    }
    return undefined;
  }
}
