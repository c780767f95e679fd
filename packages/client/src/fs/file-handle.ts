import type { Readable, Writable } from "node:stream";
import type { OpenedFile } from "../download/opened-file.ts";
import { readStream } from "../streams/read-stream.ts";
import { writeStream } from "../streams/write-stream.ts";
import { dataBytes, encoded, type WriteData } from "./data.ts";
import { asNode, FileSystemError } from "./node-error.ts";
import type { SequentialWriter } from "./sequential-writer.ts";
import { FileStats } from "./stats.ts";

/** Small reads one after the other are served from a window of this size. */
const WINDOW_BYTES = 256 * 1024;

/** What a handle works on: an opened file to read, or a writer. */
export type HandleTarget =
  | { readonly kind: "read"; readonly file: OpenedFile }
  | { readonly kind: "write"; readonly writer: SequentialWriter; readonly startBytes: number };

export interface HandleReadOptions {
  readonly buffer?: Uint8Array | undefined;
  readonly offset?: number | undefined;
  readonly length?: number | undefined;
  readonly position?: number | bigint | null | undefined;
}

/**
 * An open file in the manner of `node:fs/promises`. One opened to read sees the content of that moment; one opened to write
 * takes bytes from front to back, and they are in the file when `sync` or `close` resolves.
 */
export class CairnFileHandle implements AsyncDisposable {
  /** Unlike the system's, a number of this process's own. */
  readonly fd: number;
  readonly #path: string;
  #target: HandleTarget | undefined;
  #positionBytes = 0;
  #window: { readonly startBytes: number; readonly bytes: Uint8Array } | undefined;

  constructor(fd: number, path: string, target: HandleTarget) {
    this.fd = fd;
    this.#path = path;
    this.#target = target;
  }

  /** Reads into a buffer: `read(buffer, offset, length, position)` or `read({ buffer, offset, length, position })`. */
  async read(
    first: Uint8Array | HandleReadOptions = {},
    offset?: number | null | HandleReadOptions,
    length?: number | null,
    position?: number | bigint | null,
  ): Promise<{ bytesRead: number; buffer: Uint8Array }> {
    const asked = readArguments(first, offset, length, position);
    return asNode({ syscall: "read" }, async () => {
      const file = this.#reading("read");
      const { buffer, offsetBytes, lengthBytes } = asked;
      const startBytes = asked.positionBytes ?? this.#positionBytes;
      const bytes = await this.#bytesAt(file, startBytes, lengthBytes);
      buffer.set(bytes, offsetBytes);
      if (asked.positionBytes === undefined) this.#positionBytes += bytes.byteLength;
      return { bytesRead: bytes.byteLength, buffer };
    });
  }

  /** The rest of the file. */
  async readFile(
    options?: BufferEncoding | { readonly encoding?: BufferEncoding | null | undefined } | null,
  ): Promise<Buffer | string> {
    return asNode({ syscall: "read" }, async () => {
      const file = this.#reading("read");
      const bytes = await file.readBytes({ offsetBytes: this.#positionBytes });
      this.#positionBytes += bytes.byteLength;
      return encoded(bytes, options);
    });
  }

  /** Writes at the end of what was written; any other position is ENOTSUP. */
  async write(
    data: Uint8Array | string,
    offsetOrPosition?:
      | number
      | null
      | { offset?: number; length?: number; position?: number | null },
    lengthOrEncoding?: number | BufferEncoding | null,
    position?: number | null,
  ): Promise<{ bytesWritten: number; buffer: Uint8Array | string }> {
    const part = writeArguments(data, offsetOrPosition, lengthOrEncoding, position);
    return asNode({ syscall: "write" }, async () => {
      const { writer, startBytes } = this.#writing("write");
      const endBytes = startBytes + writer.writtenBytes;
      if (part.positionBytes !== undefined && part.positionBytes !== endBytes) {
        throw new FileSystemError("ENOTSUP", { syscall: "write" });
      }
      await writer.write(part.bytes);
      return { bytesWritten: part.bytes.byteLength, buffer: data };
    });
  }

  async writev(
    parts: readonly Uint8Array[],
    position?: number | null,
  ): Promise<{ bytesWritten: number; buffers: readonly Uint8Array[] }> {
    let bytesWritten = 0;
    for (const part of parts) {
      const at = typeof position === "number" ? position + bytesWritten : undefined;
      await this.write(part, 0, part.byteLength, at);
      bytesWritten += part.byteLength;
    }
    return { bytesWritten, buffers: parts };
  }

  /** Writes everything at the end. */
  async writeFile(
    data: WriteData,
    options?: BufferEncoding | { readonly encoding?: BufferEncoding | null | undefined } | null,
  ): Promise<void> {
    const encoding = typeof options === "string" ? options : options?.encoding;
    const { writer } = this.#writing("write");
    await asNode({ syscall: "write" }, async () => {
      for await (const bytes of dataBytes(data, encoding)) await writer.write(bytes);
    });
  }

  /** As `writeFile`: writing is at the end anyhow. */
  appendFile(
    data: WriteData,
    options?: BufferEncoding | { readonly encoding?: BufferEncoding | null | undefined } | null,
  ): Promise<void> {
    return this.writeFile(data, options);
  }

  async stat(): Promise<FileStats> {
    const target = this.#open("fstat");
    if (target.kind === "read") return new FileStats(target.file.entry);
    return asNode({ syscall: "fstat" }, async () => {
      await target.writer.flush();
      const { entry } = target.writer;
      if (entry === undefined) throw new FileSystemError("EBADF", { syscall: "fstat" });
      return new FileStats(entry);
    });
  }

  /** Resolves when what was written is in the file, durable. */
  async sync(): Promise<void> {
    const target = this.#open("fsync");
    if (target.kind === "write") {
      await asNode({ syscall: "fsync", path: this.#path }, () => target.writer.flush());
    }
  }

  datasync(): Promise<void> {
    return this.sync();
  }

  createReadStream(options: { readonly start?: number; readonly end?: number } = {}): Readable {
    const file = this.#reading("read");
    return readStream(async () => file, { start: this.#positionBytes, ...options });
  }

  createWriteStream(): Writable {
    const { writer } = this.#writing("write");
    return writeStream(async () => writer);
  }

  /** Closes; a file that was written is there, whole and durable, when this resolves. */
  async close(): Promise<void> {
    const target = this.#target;
    this.#target = undefined;
    this.#window = undefined;
    if (target?.kind === "write") {
      await asNode({ syscall: "close", path: this.#path }, () => target.writer.flush());
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #open(syscall: string): HandleTarget {
    if (this.#target === undefined) throw new FileSystemError("EBADF", { syscall });
    return this.#target;
  }

  #reading(syscall: string): OpenedFile {
    const target = this.#open(syscall);
    if (target.kind !== "read") throw new FileSystemError("EBADF", { syscall });
    return target.file;
  }

  #writing(syscall: string): HandleTarget & { readonly kind: "write" } {
    const target = this.#open(syscall);
    if (target.kind !== "write") throw new FileSystemError("EBADF", { syscall });
    return target;
  }

  async #bytesAt(file: OpenedFile, startBytes: number, lengthBytes: number): Promise<Uint8Array> {
    if (startBytes >= file.sizeBytes || lengthBytes === 0) return new Uint8Array(0);
    const wantedBytes = Math.min(lengthBytes, file.sizeBytes - startBytes);
    if (wantedBytes >= WINDOW_BYTES) {
      return file.readBytes({ offsetBytes: startBytes, lengthBytes: wantedBytes });
    }
    const window = this.#window;
    const from = window === undefined ? -1 : startBytes - window.startBytes;
    if (window !== undefined && from >= 0 && from + wantedBytes <= window.bytes.byteLength) {
      return window.bytes.subarray(from, from + wantedBytes);
    }
    const bytes = await file.readBytes({ offsetBytes: startBytes, lengthBytes: WINDOW_BYTES });
    this.#window = { startBytes, bytes };
    return bytes.subarray(0, wantedBytes);
  }
}

interface ReadArguments {
  readonly buffer: Uint8Array;
  readonly offsetBytes: number;
  readonly lengthBytes: number;
  readonly positionBytes: number | undefined;
}

function readArguments(
  first: Uint8Array | HandleReadOptions,
  second: number | null | HandleReadOptions | undefined,
  length: number | null | undefined,
  position: number | bigint | null | undefined,
): ReadArguments {
  const options: HandleReadOptions =
    first instanceof Uint8Array
      ? typeof second === "object" && second !== null
        ? { ...second, buffer: first }
        : { buffer: first, offset: second ?? undefined, length: length ?? undefined, position }
      : first;
  const buffer = options.buffer ?? Buffer.alloc(16_384);
  const offsetBytes = options.offset ?? 0;
  const roomBytes = buffer.byteLength - offsetBytes;
  const at = options.position;
  return {
    buffer,
    offsetBytes,
    lengthBytes: Math.max(0, Math.min(roomBytes, options.length ?? roomBytes)),
    // As in Node, null and -1 mean the handle's own position.
    positionBytes: at === null || at === undefined || Number(at) < 0 ? undefined : Number(at),
  };
}

function writeArguments(
  data: Uint8Array | string,
  second:
    | number
    | null
    | { offset?: number; length?: number; position?: number | null }
    | undefined,
  third: number | BufferEncoding | null | undefined,
  position: number | null | undefined,
): { readonly bytes: Uint8Array; readonly positionBytes: number | undefined } {
  if (typeof data === "string") {
    const encoding = typeof third === "string" ? third : "utf8";
    const at = typeof second === "number" ? second : undefined;
    return { bytes: Buffer.from(data, encoding), positionBytes: at };
  }
  const options =
    typeof second === "object" && second !== null
      ? second
      : {
          offset: second ?? 0,
          length: typeof third === "number" ? third : undefined,
          position,
        };
  const offset = options.offset ?? 0;
  const length = options.length ?? data.byteLength - offset;
  return {
    bytes: data.subarray(offset, offset + length),
    positionBytes: options.position ?? undefined,
  };
}
