import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
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
  /** A file of this machine that holds the same, until `release`; undefined unless objects come from files. */
  readonly localFile: string | undefined;
  /** As many bytes in parts; one is good until the next is asked for. */
  parts(): AsyncGenerator<Uint8Array>;
  /** Gives the memory back: nobody reads the bytes any more. */
  release(): void;
}

export interface ContentOptions {
  /** Objects up to this size are made in memory: 1 MiB unless given. */
  readonly heldBytesMax?: number;
  /** Larger ones are files in this folder, which is the caller's to remove; they come in parts unless given. */
  readonly fileFolder?: string | undefined;
}

/**
 * Makes objects of which each block of 64 KiB is unlike every other that was ever made, so that nothing is found to be stored
 * already. It costs next to nothing: random bytes are made once, and each block gets a number of its own. Memory is bounded by
 * the number of objects that are not released.
 */
export class ContentMaker {
  readonly #template: Uint8Array;
  readonly #options: ContentOptions;
  readonly #free = new Map<number, Uint8Array[]>();
  readonly #files = new Map<number, string[]>();
  #blocks = 0;
  #filesMade = 0;

  constructor(random: Random, options: ContentOptions = {}) {
    this.#template = random.bytes(PART_BYTES);
    this.#options = options;
    const runId = random.bytes(RUN_ID_BYTES);
    for (let offset = 0; offset < PART_BYTES; offset += BLOCK_BYTES) {
      this.#template.set(runId, offset);
    }
  }

  object(sizeBytes: number): ObjectContent {
    const { heldBytesMax = MIB, fileFolder } = this.#options;
    if (sizeBytes > heldBytesMax) {
      const localFile = fileFolder === undefined ? undefined : this.#file(sizeBytes, fileFolder);
      return {
        sizeBytes,
        bytes: undefined,
        localFile,
        parts: () => this.#parts(sizeBytes),
        release: () => {
          if (localFile !== undefined) pushTo(this.#files, sizeBytes, localFile);
        },
      };
    }
    const bytes = this.#take(sizeBytes);
    return {
      sizeBytes,
      bytes,
      localFile: undefined,
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
    pushTo(this.#free, bytes.byteLength, bytes);
  }

  /** A file of this size, each block of it stamped anew. */
  #file(sizeBytes: number, folder: string): string {
    const free = this.#files.get(sizeBytes)?.pop();
    const path = free ?? join(folder, `object-${process.pid}-${this.#filesMade++}`);
    const file = openSync(path, free === undefined ? "w" : "r+");
    try {
      for (let at = 0; free === undefined && at < sizeBytes; at += PART_BYTES) {
        writeSync(file, this.#template, 0, Math.min(PART_BYTES, sizeBytes - at), at);
      }
      const number = new DataView(new ArrayBuffer(STAMP_BYTES - RUN_ID_BYTES));
      for (let at = 0; at + STAMP_BYTES <= sizeBytes; at += BLOCK_BYTES) {
        this.#blocks += 1;
        number.setFloat64(0, this.#blocks);
        writeSync(file, number, 0, number.byteLength, at + RUN_ID_BYTES);
      }
    } finally {
      closeSync(file);
    }
    return path;
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

function pushTo<T>(lists: Map<number, T[]>, key: number, item: T): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [item]);
  else list.push(item);
}
