/** Pages of the machine's memory, as direct files want them. A multiple of what disks and file systems ask for. */
export const PAGE_BYTES = 4096;
/** How much of such memory may be in use at once; beyond it memory is ordinary. */
const PAGE_MEMORY_BYTES_MAX = 192 * 1024 * 1024;
const WASM_PAGE_BYTES = 64 * 1024;

interface WasmMemory {
  readonly buffer: ArrayBuffer;
}

// The types of WebAssembly come with those of browsers, which are not ours.
const { WebAssembly } = globalThis as unknown as {
  readonly WebAssembly: {
    readonly Memory: new (size: {
      readonly initial: number;
      readonly maximum: number;
    }) => WasmMemory;
  };
};

const pageAligned = new WeakSet<ArrayBufferLike>();
let usedBytes = 0;
const collected = new FinalizationRegistry<number>((sizeBytes) => {
  usedBytes -= sizeBytes;
});

/**
 * Memory that begins with a page, at least `sizeBytes` of it. Where that cannot be had it is ordinary memory:
 * `isPageAligned` tells. New memory is dear, so who needs much of it keeps it.
 */
export function pageBuffer(sizeBytes: number): Buffer {
  const wasmPages = Math.ceil(sizeBytes / WASM_PAGE_BYTES);
  const heldBytes = wasmPages * WASM_PAGE_BYTES;
  if (usedBytes + heldBytes > PAGE_MEMORY_BYTES_MAX) return Buffer.allocUnsafeSlow(sizeBytes);
  let memory: ArrayBuffer;
  try {
    // The one kind of memory that starts with a page by its nature: engines guard it by page faults.
    memory = new WebAssembly.Memory({ initial: wasmPages, maximum: wasmPages }).buffer;
  } catch {
    // Each reserves much of the address space, which may be limited.
    return Buffer.allocUnsafeSlow(sizeBytes);
  }
  usedBytes += heldBytes;
  pageAligned.add(memory);
  collected.register(memory, heldBytes);
  return Buffer.from(memory, 0, sizeBytes);
}

/** Whether the bytes begin with a page, so that they can be written to a direct file if they are whole pages. */
export function isPageAligned(bytes: Uint8Array): boolean {
  return bytes.byteOffset % PAGE_BYTES === 0 && pageAligned.has(bytes.buffer);
}

/** `sizeBytes` up to the next whole page. */
export function wholePages(sizeBytes: number): number {
  return Math.ceil(sizeBytes / PAGE_BYTES) * PAGE_BYTES;
}

/** Some page-aligned buffers of one size for who needs one for a moment: the next in turn waits for it. */
export class PagePool {
  readonly sizeBytes: number;
  /** Undefined where there is no page-aligned memory. */
  static create(sizeBytes: number, count: number): PagePool | undefined {
    const memory = pageBuffer(sizeBytes * count);
    return isPageAligned(memory) ? new PagePool(memory, sizeBytes) : undefined;
  }

  readonly #free: Buffer[] = [];
  readonly #waiting: ((buffer: Buffer) => void)[] = [];

  private constructor(memory: Buffer, sizeBytes: number) {
    this.sizeBytes = sizeBytes;
    for (let at = 0; at < memory.byteLength; at += sizeBytes) {
      this.#free.push(memory.subarray(at, at + sizeBytes));
    }
  }

  /** Runs `use` with a buffer of any content, which is somebody else's when it has settled. */
  async lend<T>(use: (buffer: Buffer) => Promise<T>): Promise<T> {
    const buffer =
      this.#free.pop() ?? (await new Promise<Buffer>((resolve) => this.#waiting.push(resolve)));
    try {
      return await use(buffer);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free.push(buffer);
      else next(buffer);
    }
  }
}

/** Page-aligned buffers of one size, used again; as many as are asked for, of which some are kept. */
export class PageBuffers {
  readonly #sizeBytes: number;
  readonly #keptMax: number;
  readonly #kept: Buffer[] = [];

  constructor(sizeBytes: number, keptBytesMax: number) {
    this.#sizeBytes = sizeBytes;
    this.#keptMax = Math.floor(keptBytesMax / sizeBytes);
  }

  /** A buffer of any content; where there is no page-aligned memory left, an ordinary one. */
  take(): Buffer {
    return this.#kept.pop() ?? pageBuffer(this.#sizeBytes);
  }

  /** Takes a buffer back that nobody refers to any more. Nobody has to. */
  give(buffer: Buffer): void {
    if (this.#kept.length < this.#keptMax) this.#kept.push(buffer);
  }
}
