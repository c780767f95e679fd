import type { Random } from "@cairnfs/base/random";

const MIB = 1024 * 1024;
/** What is never the same twice: no smaller piece of a file is stored on its own. */
const BLOCK_BYTES = 64 * 1024;
const PART_BYTES = MIB;
const STAMP_BYTES = 16;
const RUN_ID_BYTES = 8;

/** The bytes of an object to put. Use them once: in memory or in parts. */
export interface ObjectContent {
  readonly sizeBytes: number;
  /** The whole; undefined for what is too large to be held. They are the taker's until `release`. */
  readonly bytes: Uint8Array | undefined;
  /** The same in parts; one is good until the next is asked for. */
  parts(): AsyncGenerator<Uint8Array>;
  /** Gives the memory back: nobody reads the bytes any more. */
  release(): void;
}

/**
 * Makes objects of which each block of 64 KiB is unlike every other that was ever made, so that nothing is found to be stored
 * already. It costs next to nothing: random bytes are made once, and each block gets a number of its own. Memory is bounded by
 * the number of objects that are not released.
 */
export class ContentMaker {
  readonly #template: Uint8Array;
  readonly #heldBytesMax: number;
  readonly #free = new Map<number, Uint8Array[]>();
  #blocks = 0;

  /** Objects up to `heldBytesMax` are made in memory. */
  constructor(random: Random, heldBytesMax: number = MIB) {
    this.#template = random.bytes(PART_BYTES);
    this.#heldBytesMax = heldBytesMax;
    const runId = random.bytes(RUN_ID_BYTES);
    for (let offset = 0; offset < PART_BYTES; offset += BLOCK_BYTES) {
      this.#template.set(runId, offset);
    }
  }

  object(sizeBytes: number): ObjectContent {
    if (sizeBytes > this.#heldBytesMax) {
      return { sizeBytes, bytes: undefined, parts: () => this.#parts(sizeBytes), release: nothing };
    }
    const bytes = this.#take(sizeBytes);
    return {
      sizeBytes,
      bytes,
      parts: async function* () {
        if (sizeBytes > 0) yield bytes;
      },
      release: () => this.#give(bytes),
    };
  }

  async *#parts(sizeBytes: number): AsyncGenerator<Uint8Array> {
    const part = this.#take(PART_BYTES);
    try {
      for (let at = 0; at < sizeBytes; at += PART_BYTES) {
        if (at > 0) this.#stamp(part);
        yield part.subarray(0, Math.min(PART_BYTES, sizeBytes - at));
      }
    } finally {
      this.#give(part);
    }
  }

  #take(sizeBytes: number): Uint8Array {
    const free = this.#free.get(sizeBytes)?.pop();
    const bytes = free ?? this.#fresh(sizeBytes);
    this.#stamp(bytes);
    return bytes;
  }

  #give(bytes: Uint8Array): void {
    const free = this.#free.get(bytes.byteLength);
    if (free === undefined) this.#free.set(bytes.byteLength, [bytes]);
    else free.push(bytes);
  }

  #fresh(sizeBytes: number): Uint8Array {
    const bytes = Buffer.allocUnsafeSlow(sizeBytes);
    for (let offset = 0; offset < sizeBytes; offset += PART_BYTES) {
      bytes.set(this.#template.subarray(0, Math.min(PART_BYTES, sizeBytes - offset)), offset);
    }
    return bytes;
  }

  #stamp(bytes: Uint8Array): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = 0; at + STAMP_BYTES <= bytes.byteLength; at += BLOCK_BYTES) {
      this.#blocks += 1;
      view.setFloat64(at + RUN_ID_BYTES, this.#blocks);
    }
  }
}

function nothing(): void {
  // The parts give back what they hold when they end.
}
