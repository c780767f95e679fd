const OFFSET = 0x811c9dc5;
const PRIME = 0x01000193;

/** A hash over what happened in a world, in order: two runs that differ in anything noted here differ in it. */
export class TraceHash {
  #low = OFFSET;
  #high = 0x9e3779b9;
  readonly #words = new Float64Array(1);
  readonly #halves = new Uint32Array(this.#words.buffer);

  number(value: number): void {
    this.#words[0] = value;
    this.#mix(this.#halves[0] ?? 0);
    this.#mix(this.#halves[1] ?? 0);
  }

  text(value: string): void {
    for (let at = 0; at < value.length; at++) this.#mix(value.charCodeAt(at));
  }

  /** 16 hexadecimal digits. */
  digest(): string {
    return (
      (this.#high >>> 0).toString(16).padStart(8, "0") +
      (this.#low >>> 0).toString(16).padStart(8, "0")
    );
  }

  #mix(word: number): void {
    this.#low = Math.imul(this.#low ^ word, PRIME);
    this.#high = Math.imul(this.#high ^ (word + (this.#low >>> 7)), PRIME) + 1;
  }
}
