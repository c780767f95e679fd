import { Readable } from "node:stream";
import type { ByteBudget } from "@cairnfs/base/byte-budget";
import type { OpenFileResponse } from "@cairnfs/protocol/gen/cairn/v1/coordinator_pb";
import { releaseReceived } from "@cairnfs/protocol/rpc/receive-buffers";
import { withCallerSignal } from "../abort.ts";
import type { CoordinatorLink } from "../coordinator-link.ts";
import { entryFromWire, type FileEntry } from "../entry.ts";
import type { NodeTable } from "../node-table.ts";
import { SMALL_FILE_BYTES_MAX } from "../small-files/put-small-file.ts";
import { readSmallChunk } from "../small-files/read-small-chunk.ts";
import { ChunkMap, type LocatedChunk } from "./chunk-map.ts";
import type { PieceReaderParts } from "./piece-reader.ts";
import { type ByteRange, type ResolvedRange, resolveRange } from "./range.ts";
import { readContent } from "./read-content.ts";

export interface ReadOptions extends ByteRange {
  readonly signal?: AbortSignal | undefined;
  /**
   * Each part is good only until the next one is asked for: its memory is used again. Much cheaper for who copies the bytes or writes them
   * somewhere and does not keep them.
   */
  readonly isTransient?: boolean | undefined;
}

/** What opening and reading files works with. */
export interface DownloadParts extends PieceReaderParts {
  readonly coordinator: CoordinatorLink;
  readonly nodes: NodeTable;
  readonly budget: ByteBudget;
}

export interface OpenOptions {
  readonly signal?: AbortSignal | undefined;
  /** How many chunks of the map come with the first reply: 1 to 4,096. */
  readonly chunkLimit: number;
  /** The first byte of interest. */
  readonly offsetBytes?: number | undefined;
}

/**
 * A file as it was when it was opened. Reads see that content whatever happens to the path, until the content's grace
 * period ends, and need the coordinator only for parts of the chunk map that are not here yet.
 */
export class OpenedFile {
  readonly entry: FileEntry;
  readonly #content: Uint8Array | ChunkMap;
  readonly #parts: DownloadParts;

  private constructor(entry: FileEntry, content: Uint8Array | ChunkMap, parts: DownloadParts) {
    this.entry = entry;
    this.#content = content;
    this.#parts = parts;
  }

  /** Opens what is at `path` now. */
  static async open(path: string, parts: DownloadParts, options: OpenOptions): Promise<OpenedFile> {
    const { coordinator, nodes } = parts;
    const reply = await coordinator.call(
      (client, callOptions) =>
        client.openFile(
          {
            path,
            chunkLimit: options.chunkLimit,
            offsetBytes: BigInt(Math.max(0, options.offsetBytes ?? 0)),
            nodeTableVersion: nodes.version,
          },
          callOptions,
        ),
      { signal: options.signal },
    );
    nodes.apply(reply.nodes);
    return OpenedFile.of(entryFromWire(reply.entry, path), reply, parts, options.chunkLimit);
  }

  /** A file that was opened: what came with its entry, and where the rest is asked for. */
  static of(
    entry: FileEntry,
    reply: Pick<OpenFileResponse, "chunks" | "inlineBytes">,
    parts: DownloadParts,
    chunkLimit: number,
  ): OpenedFile {
    const { coordinator, nodes } = parts;
    if (reply.inlineBytes !== undefined) return new OpenedFile(entry, reply.inlineBytes, parts);
    const map = new ChunkMap(entry.sizeBytes, async (offsetBytes) => {
      const page = await coordinator.call((client, callOptions) =>
        client.getChunkMap(
          {
            contentId: BigInt(entry.contentId),
            offsetBytes: BigInt(offsetBytes),
            chunkLimit,
            nodeTableVersion: nodes.version,
          },
          callOptions,
        ),
      );
      nodes.apply(page.nodes);
      return page.chunks;
    });
    map.add(reply.chunks);
    return new OpenedFile(entry, map, parts);
  }

  get sizeBytes(): number {
    return this.entry.sizeBytes;
  }

  /** The bytes of a range (the whole file unless given), in order and verified; `rangeNotSatisfiable` past the end. */
  async *read(options: ReadOptions = {}): AsyncGenerator<Uint8Array, void, undefined> {
    const { signal } = options;
    const range = resolveRange(options, this.entry.sizeBytes);
    if (range.startBytes >= range.endBytes) return;
    if (this.#content instanceof Uint8Array) {
      // A copy: the next reader gets the same bytes, whatever this one does to his.
      yield Uint8Array.from(this.#content.subarray(range.startBytes, range.endBytes));
      return;
    }
    const small = await this.#readSmall(range, signal);
    if (small !== undefined) {
      yield small;
      return;
    }
    const { budget } = this.#parts;
    const bytes = readContent(this.#parts, { map: this.#content, range, budget, signal });
    try {
      for (;;) {
        const next = await withCallerSignal(signal, () => bytes.next());
        if (next.done === true) return;
        yield next.value;
        if (options.isTransient === true) releaseReceived(next.value);
      }
    } finally {
      await bytes.return();
    }
  }

  /** The chunk that holds this byte; `undefined` when the bytes live in the inode. */
  async chunkAt(
    offsetBytes: number,
    signal: AbortSignal | undefined,
  ): Promise<LocatedChunk | undefined> {
    if (this.#content instanceof Uint8Array) return undefined;
    return this.#content.at(offsetBytes, signal ?? new AbortController().signal);
  }

  /** The bytes of a range in one buffer of the caller's. */
  async readBytes(options: ReadOptions = {}): Promise<Uint8Array> {
    const range = resolveRange(options, this.entry.sizeBytes);
    const { startBytes, endBytes } = range;
    if (this.#content instanceof Uint8Array) {
      return Uint8Array.from(this.#content.subarray(startBytes, endBytes));
    }
    const small = await this.#readSmall(range, options.signal);
    if (small !== undefined) return small;
    const bytes = Buffer.allocUnsafeSlow(Math.max(0, endBytes - startBytes));
    let filledBytes = 0;
    for await (const part of this.read({ ...options, isTransient: true })) {
      bytes.set(part, filledBytes);
      filledBytes += part.byteLength;
    }
    return bytes;
  }

  /** The whole file in one call, when it is one small chunk and that is quick; `undefined` for the long way. */
  async #readSmall(
    range: ResolvedRange,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array | undefined> {
    const { sizeBytes } = this.entry;
    const isWhole = range.startBytes === 0 && range.endBytes === sizeBytes;
    if (!isWhole || sizeBytes === 0 || sizeBytes > SMALL_FILE_BYTES_MAX) return undefined;
    const chunk = this.#content instanceof ChunkMap ? this.#content.here(0) : undefined;
    if (chunk?.lengthBytes !== sizeBytes) return undefined;
    // Who has to wait for memory does so on the long way.
    const giveBack = this.#parts.budget.tryTake(sizeBytes);
    if (giveBack === undefined) return undefined;
    try {
      return await withCallerSignal(signal, () => readSmallChunk(this.#parts, chunk, signal));
    } finally {
      giveBack();
    }
  }
}

/** A file's bytes on their way: read them in one of these ways, once. */
export class FileContent implements AsyncIterable<Uint8Array> {
  readonly entry: FileEntry;
  readonly #file: OpenedFile;
  readonly #options: ReadOptions;

  constructor(file: OpenedFile, options: ReadOptions) {
    this.entry = file.entry;
    this.#file = file;
    this.#options = options;
  }

  [Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    return this.#file.read(this.#options);
  }

  /** All of it in one buffer. */
  bytes(): Promise<Uint8Array> {
    return this.#file.readBytes(this.#options);
  }

  /** All of it as UTF-8 text. */
  async text(): Promise<string> {
    return Buffer.from(await this.bytes()).toString("utf8");
  }

  /** As a web stream. */
  stream(): ReadableStream<Uint8Array> {
    return webStream(this[Symbol.asyncIterator]());
  }

  /** As a Node stream of bytes. */
  readable(): Readable {
    return Readable.from(this[Symbol.asyncIterator](), { objectMode: false });
  }
}

function webStream(bytes: AsyncGenerator<Uint8Array, void, undefined>): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        const next = await bytes.next();
        if (next.done === true) controller.close();
        else controller.enqueue(next.value);
      },
      cancel: async () => {
        await bytes.return();
      },
    },
    { highWaterMark: 0 },
  );
}
