import { join } from "node:path";
import { type Disk, type DiskEntry, hasErrorCode } from "@cairnfs/base/disk";
import { type ChunkId, parseChunkId } from "@cairnfs/protocol/chunk-id";
import type { SharedSync } from "../shared-sync.ts";

const TOP_DIGITS = 2;
/** Two levels, 256 folders with 16 each: enough for a disk of large chunks, few enough to walk quickly. */
const LEAF_DIGITS = 3;
const CHUNK_NAME = /^[0-9a-f]{64}$/u;
const TOP_NAME = /^[0-9a-f]{2}$/u;
const LEAF_NAME = /^[0-9a-f]$/u;
const LEAF_NAMES = [..."0123456789abcdef"];

/** Where the files of chunks lie: `chunks/ab/c/abc…`, with `drafts` and `quarantine` beside `chunks`. */
export class ChunkLayout {
  readonly drafts: string;
  readonly quarantine: string;
  readonly #root: string;
  readonly #chunks: string;
  readonly #disk: Disk;
  readonly #syncs: SharedSync;
  /** The leaves that are durable, by the first digits of the ids in them. */
  readonly #leaves = new Set<string>();
  readonly #making = new Map<string, Promise<void>>();

  constructor(root: string, disk: Disk, syncs: SharedSync) {
    this.#root = root;
    this.#chunks = join(root, "chunks");
    this.drafts = join(root, "drafts");
    this.quarantine = join(root, "quarantine");
    this.#disk = disk;
    this.#syncs = syncs;
  }

  /** Makes what is missing and finds the leaves; they are durable when this resolves. */
  async open(): Promise<void> {
    for (const path of [this.#chunks, this.drafts, this.quarantine]) {
      await this.#disk.makeFolder(path);
    }
    for (const top of await this.#disk.list(this.#chunks)) {
      if (!TOP_NAME.test(top.name)) continue;
      const path = join(this.#chunks, top.name);
      for (const leaf of await this.#disk.list(path)) {
        if (LEAF_NAME.test(leaf.name)) this.#leaves.add(top.name + leaf.name);
      }
      // A process that was killed may have made them without a sync.
      await this.#disk.syncFolder(path);
    }
    await this.#disk.syncFolder(this.#chunks);
    await this.#disk.syncFolder(this.#root);
  }

  /** Removes what interrupted puts left. */
  async removeDrafts(): Promise<void> {
    for (const draft of await this.#disk.list(this.drafts)) {
      await this.#disk.remove(join(this.drafts, draft.name));
    }
  }

  path(id: ChunkId): string {
    return join(this.leafPath(id.slice(0, LEAF_DIGITS)), id);
  }

  /** The folder that `path(id)` is in. */
  folder(id: ChunkId): string {
    return this.leafPath(id.slice(0, LEAF_DIGITS));
  }

  /** Resolves when the folder for `id` is there to stay. */
  async ensureFolder(id: ChunkId): Promise<void> {
    if (this.#leaves.has(id.slice(0, LEAF_DIGITS))) return;
    const top = id.slice(0, TOP_DIGITS);
    let making = this.#making.get(top);
    if (making === undefined) {
      making = this.#makeLeaves(top).finally(() => this.#making.delete(top));
      this.#making.set(top, making);
    }
    await making;
    for (const digit of LEAF_NAMES) this.#leaves.add(top + digit);
  }

  /** The leaves in order, from the one that `after` is in. */
  leavesFrom(after: ChunkId | undefined): string[] {
    const first = after?.slice(0, LEAF_DIGITS) ?? "";
    return [...this.#leaves].filter((leaf) => leaf >= first).sort();
  }

  leafPath(leaf: string): string {
    return join(this.#chunks, leaf.slice(0, TOP_DIGITS), leaf.slice(TOP_DIGITS));
  }

  /** The chunks in a leaf, in order. */
  async chunksIn(leaf: string): Promise<ChunkId[]> {
    const ids: ChunkId[] = [];
    for (const { name } of await this.#entriesOf(leaf)) {
      if (CHUNK_NAME.test(name)) ids.push(parseChunkId(name));
    }
    return ids.sort();
  }

  async #entriesOf(leaf: string): Promise<DiskEntry[]> {
    try {
      return await this.#disk.list(this.leafPath(leaf));
    } catch (error) {
      if (!hasErrorCode(error, "ENOENT")) throw error;
      // Somebody has removed it: it is made again for the next chunk.
      this.#leaves.delete(leaf);
      return [];
    }
  }

  /** Makes all leaves of the top folder that are missing: their syncs cost as much for one as for all. */
  async #makeLeaves(top: string): Promise<void> {
    const path = join(this.#chunks, top);
    for (const digit of LEAF_NAMES) await this.#disk.makeFolder(join(path, digit));
    await this.#syncs.sync(path);
    await this.#syncs.sync(this.#chunks);
  }
}
