import type { FileEntry } from "../entry.ts";
import type { PutOptions, PutResult } from "../upload/upload-parts.ts";
import type { FileStore } from "./file-store.ts";
import { WritePipe } from "./write-pipe.ts";

interface Underway {
  readonly pipe: WritePipe;
  readonly done: Promise<PutResult>;
}

/**
 * Writes a file from front to back. Bytes are in the file, and durable, when `flush` resolves: the first flush
 * replaces the file (or adds to it), later ones add to it.
 */
export class SequentialWriter {
  readonly #store: FileStore;
  readonly #path: string;
  readonly #options: PutOptions;
  #mode: "replace" | "append";
  #underway: Underway | undefined;
  #entry: FileEntry | undefined;
  #writtenBytes = 0;

  constructor(store: FileStore, path: string, mode: "replace" | "append", options: PutOptions) {
    this.#store = store;
    this.#path = path;
    this.#mode = mode;
    this.#options = options;
  }

  /** What was written through this writer. */
  get writtenBytes(): number {
    return this.#writtenBytes;
  }

  /** The file as of the last flush. */
  get entry(): FileEntry | undefined {
    return this.#entry;
  }

  /** Takes the bytes; they are the caller's again when this resolves. One call at a time. */
  async write(bytes: Uint8Array): Promise<void> {
    if (bytes.byteLength === 0) return;
    this.#underway ??= this.#begin();
    await this.#underway.pipe.write(bytes);
    this.#writtenBytes += bytes.byteLength;
  }

  /** Resolves when everything written is in the file. A file that nothing was written to is made empty. */
  async flush(): Promise<void> {
    const isNew = this.#mode === "replace" && this.#entry === undefined;
    if (this.#underway === undefined && !isNew) return;
    this.#underway ??= this.#begin();
    this.#underway.pipe.end();
    try {
      this.#entry = (await this.#underway.done).entry;
    } finally {
      this.#underway = undefined;
    }
    this.#mode = "append";
  }

  /** Gives up what was not flushed. */
  async abort(reason: unknown): Promise<void> {
    const underway = this.#underway;
    this.#underway = undefined;
    if (underway === undefined) return;
    underway.pipe.fail(reason);
    // The upload fails with our own reason: nobody needs to hear it.
    await underway.done.catch(() => undefined);
  }

  #begin(): Underway {
    const pipe = new WritePipe();
    const { precondition, ...rest } = this.#options;
    const done =
      this.#mode === "replace"
        ? this.#store.put(this.#path, pipe, { ...rest, precondition })
        : this.#store.append(this.#path, pipe, rest);
    done.catch((error: unknown) => pipe.fail(error));
    return { pipe, done };
  }
}
