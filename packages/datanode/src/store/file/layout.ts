import { join } from "node:path";
import type { Disk } from "@cairnfs/base/disk";
import { type ChunkId, parseChunkId } from "@cairnfs/protocol/chunk-id";
import type { SharedSync } from "../shared-sync.ts";

const TOP_DIGITS = 2;
/** Two levels, 256 folders with 16 each: enough for a disk of large chunks, few enough to walk quickly. */
const LEAF_DIGITS = 3;
const CHUNK_NAME = /^[0-9a-f]{64}$/u;
const TOP_NAME = /^[0-9a-f]{2}$/u;
const LEAF_NAME = /^[0-9a-f]$/u;

/** Where the files of chunks lie: `chunks/ab/c/abc…`, with `drafts` and `quarantine` beside `chunks`. */
export class ChunkLayout {
  readonly drafts: string;
  readonly quarantine: string;
  readonly #root: string;
  readonly #chunks: string;
  readonly #disk: Disk;
  readonly #syncs: SharedSync;
  /** The leaves that are durable, by the first digits of the ids in them. */
  readonly #leaves = new Map<string, Promise<void>>();

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
        if (LEAF_NAME.test(leaf.name)) this.#leaves.set(top.name + leaf.name, Promise.resolve());
      }
      // A process that was killed may have made them without a sync.
      await this.#disk.syncFolder(path);
    }
    await this.#disk.syncFolder(this.#chunks);
    await this.#disk.syncFolder(this.#root);
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
    const leaf = id.slice(0, LEAF_DIGITS);
    let made = this.#leaves.get(leaf);
    if (made === undefined) {
      made = this.#makeLeaf(leaf);
      this.#leaves.set(leaf, made);
    }
    try {
      await made;
    } catch (error) {
      if (this.#leaves.get(leaf) === made) this.#leaves.delete(leaf);
      throw error;
    }
  }

  /** The leaves in order, from the one that `after` is in. */
  leavesFrom(after: ChunkId | undefined): string[] {
    const first = after?.slice(0, LEAF_DIGITS) ?? "";
    return [...this.#leaves.keys()].filter((leaf) => leaf >= first).sort();
  }

  leafPath(leaf: string): string {
    return join(this.#chunks, leaf.slice(0, TOP_DIGITS), leaf.slice(TOP_DIGITS));
  }

  /** The chunks in a leaf, in order. */
  async chunksIn(leaf: string): Promise<ChunkId[]> {
    const ids: ChunkId[] = [];
    for (const { name } of await this.#disk.list(this.leafPath(leaf))) {
      if (CHUNK_NAME.test(name)) ids.push(parseChunkId(name));
    }
    return ids.sort();
  }

  async #makeLeaf(leaf: string): Promise<void> {
    await this.#disk.makeFolder(this.leafPath(leaf));
    await this.#syncs.sync(join(this.#chunks, leaf.slice(0, TOP_DIGITS)));
    await this.#syncs.sync(this.#chunks);
  }
}
