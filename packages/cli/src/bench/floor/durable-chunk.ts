import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { isPageAligned, pageBuffer } from "@cairnfs/base/page-memory";

const WRITE_BYTES = 1024 * 1024;

/** Memory for a chunk, from which direct files can be written where the machine has such; touched already, as that is not the chunk's work. */
export function newChunk(chunkBytes: number): Buffer {
  return pageBuffer(chunkBytes).fill(1);
}

/** A chunk's file, written while the chunk comes in and synced when it is whole. Chunks are whole pieces of 1 MiB. */
export class DurableChunk {
  readonly #chunk: Uint8Array;
  readonly #opened: ReturnType<typeof open>;
  #writing: Promise<unknown>;
  #writtenBytes = 0;

  /** With `isDirect` past the system's cache. */
  constructor(path: string, chunk: Uint8Array, isDirect: boolean) {
    const { O_WRONLY, O_CREAT, O_TRUNC, O_DIRECT } = constants;
    this.#chunk = chunk;
    this.#opened = open(path, O_WRONLY | O_CREAT | O_TRUNC | (isDirect ? O_DIRECT : 0));
    this.#writing = this.#opened;
    // It is `finish` that fails.
    this.#writing.catch(() => undefined);
  }

  /** So much of the chunk is there, and stays as it is until `finish` resolves. */
  filled(filledBytes: number): void {
    const start = this.#writtenBytes;
    const end = filledBytes - (filledBytes % WRITE_BYTES);
    if (end === start) return;
    this.#writtenBytes = end;
    this.#writing = this.#writing.then(async () => {
      await (await this.#opened).write(this.#chunk, start, end - start, start);
    });
    this.#writing.catch(() => undefined);
  }

  /** Resolves when the chunk is durable. */
  async finish(): Promise<void> {
    const file = await this.#opened;
    try {
      await this.#writing;
      await file.datasync();
    } finally {
      await file.close();
    }
  }
}

/** Writes a whole chunk, durably. */
export async function writeChunk(
  path: string,
  chunk: Uint8Array,
  isDirect: boolean,
): Promise<void> {
  const file = new DurableChunk(path, chunk, isDirect);
  file.filled(chunk.byteLength);
  await file.finish();
}

/** Whether files can be written past the system's cache where `path` would be. */
export async function canWriteDirect(path: string): Promise<boolean> {
  const chunk = newChunk(WRITE_BYTES);
  if (!isPageAligned(chunk)) return false;
  try {
    await writeChunk(path, chunk, true);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error) return false;
    throw error;
  }
}
