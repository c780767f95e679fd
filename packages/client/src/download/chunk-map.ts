import { CairnError } from "@cairnfs/base/errors";
import { type ChunkId, chunkIdFromBytes } from "@cairnfs/protocol/chunk-id";
import type { LocatedChunk as WireChunk } from "@cairnfs/protocol/gen/cairn/v1/common_pb";
import { abortable } from "../abort.ts";
import { count } from "../entry.ts";

/** A chunk of a file, and which nodes should have it. */
export interface LocatedChunk {
  /** In the file. */
  readonly offsetBytes: number;
  readonly lengthBytes: number;
  readonly id: ChunkId;
  readonly nodeNumbers: readonly number[];
}

/** Asks the coordinator for a part of the chunk map, from the chunk that holds `offsetBytes`. */
export type FetchChunks = (offsetBytes: number) => Promise<readonly WireChunk[]>;

/** Pages of the map that are kept; with 256 chunks of 8 MiB each that is the map of 512 GiB. */
const PAGES_KEPT = 256;

/**
 * The chunk map of one content: pages that were fetched are kept, up to a limit, and the next one is fetched
 * while the one before it is read.
 */
export class ChunkMap {
  readonly #sizeBytes: number;
  readonly #fetch: FetchChunks;
  /** Each in file order without gaps; in the order they were used, the least recent first. */
  #pages: readonly (readonly LocatedChunk[])[] = [];
  readonly #fetching = new Map<number, Promise<readonly LocatedChunk[]>>();

  constructor(sizeBytes: number, fetch: FetchChunks) {
    this.#sizeBytes = sizeBytes;
    this.#fetch = fetch;
  }

  /** Takes a page that came with another reply. */
  add(chunks: readonly WireChunk[]): void {
    if (chunks.length > 0) this.#keep(chunks.map(locatedChunk));
  }

  /** The chunk that holds this byte of the file. */
  async at(offsetBytes: number, signal: AbortSignal): Promise<LocatedChunk> {
    const page = this.#find(offsetBytes) ?? (await this.#load(offsetBytes, signal));
    const chunk = chunkIn(page, offsetBytes);
    if (chunk === undefined) {
      throw new CairnError(
        "protocolViolation",
        `the chunk map has no chunk for byte ${offsetBytes} of ${this.#sizeBytes}`,
      );
    }
    this.#fetchAhead(page, chunk);
    return chunk;
  }

  /** The chunk that holds this byte, if its part of the map has come. */
  here(offsetBytes: number): LocatedChunk | undefined {
    const page = this.#find(offsetBytes);
    return page === undefined ? undefined : chunkIn(page, offsetBytes);
  }

  /** The same chunk as the coordinator knows it now: its copies may have moved. */
  async refreshed(chunk: LocatedChunk, signal: AbortSignal): Promise<LocatedChunk> {
    this.#pages = this.#pages.filter((page) => chunkIn(page, chunk.offsetBytes) === undefined);
    return this.at(chunk.offsetBytes, signal);
  }

  #find(offsetBytes: number): readonly LocatedChunk[] | undefined {
    const at = this.#pages.findLastIndex((page) => chunkIn(page, offsetBytes) !== undefined);
    return this.#pages[at];
  }

  async #load(offsetBytes: number, signal: AbortSignal): Promise<readonly LocatedChunk[]> {
    let loading = this.#fetching.get(offsetBytes);
    if (loading === undefined) {
      loading = this.#fetchPage(offsetBytes).finally(() => this.#fetching.delete(offsetBytes));
      this.#fetching.set(offsetBytes, loading);
    }
    return abortable(loading, signal);
  }

  async #fetchPage(offsetBytes: number): Promise<readonly LocatedChunk[]> {
    const page = (await this.#fetch(offsetBytes)).map(locatedChunk);
    if (page.length > 0) this.#keep(page);
    return page;
  }

  #fetchAhead(page: readonly LocatedChunk[], chunk: LocatedChunk): void {
    const last = page.at(-1);
    const middle = page[page.length >> 1];
    if (last === undefined || middle === undefined) return;
    const nextBytes = last.offsetBytes + last.lengthBytes;
    if (chunk.offsetBytes < middle.offsetBytes || nextBytes >= this.#sizeBytes) return;
    if (this.#find(nextBytes) !== undefined || this.#fetching.has(nextBytes)) return;
    const ahead = this.#fetchPage(nextBytes).finally(() => this.#fetching.delete(nextBytes));
    this.#fetching.set(nextBytes, ahead);
    // Whoever needs the page asks again, and hears the error then.
    ahead.catch(() => undefined);
  }

  #keep(page: readonly LocatedChunk[]): void {
    this.#pages = [...this.#pages, page].slice(-PAGES_KEPT);
  }
}

function chunkIn(page: readonly LocatedChunk[], offsetBytes: number): LocatedChunk | undefined {
  let low = 0;
  let high = page.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const chunk = page[middle];
    if (chunk === undefined) return undefined;
    if (offsetBytes < chunk.offsetBytes) high = middle - 1;
    else if (offsetBytes >= chunk.offsetBytes + chunk.lengthBytes) low = middle + 1;
    else return chunk;
  }
  return undefined;
}

function locatedChunk(chunk: WireChunk): LocatedChunk {
  return {
    offsetBytes: count(chunk.offsetBytes),
    lengthBytes: count(chunk.lengthBytes),
    id: chunkIdFromBytes(chunk.chunkId),
    nodeNumbers: chunk.nodeNumbers,
  };
}
