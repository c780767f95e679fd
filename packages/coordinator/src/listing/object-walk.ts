import type { KvReader } from "@cairnfs/kv/kv-store";
import type { InodeId } from "../namespace/ids.ts";
import { commonPrefixOf, type KeyRange } from "./key-range.ts";
import { startsWith, TreeCursor, type TreeStep } from "./tree-cursor.ts";

/** A walk stops rather than look into more directories, one after the other, in which nothing is. */
const EMPTY_DIRECTORIES_MAX = 10_000;
const SLASH = Buffer.from("/");

/** Where an object is, or what begins a common prefix. */
export interface ObjectPlace {
  readonly key: Buffer;
  /** What the key is rolled up into; absent for an object that stands for itself. */
  readonly rolledUp: Buffer | undefined;
  /** The record of the entry as it is stored. */
  readonly record: Uint8Array;
}

/**
 * A walk over the objects of a bucket that are in a range, in byte order of their keys. With the delimiter "/" a directory begins a common prefix whether
 * or not anything is in it; otherwise directories are not seen.
 */
export class ObjectWalk {
  readonly #cursor: TreeCursor;
  readonly #range: KeyRange;
  readonly #byDirectory: boolean;
  #place: ObjectPlace | undefined;
  #isOver = false;
  #emptyDirectories = 0;
  #left: Buffer | undefined;
  #stoppedAt: Buffer | undefined;

  constructor(reader: KvReader, bucketId: InodeId, range: KeyRange) {
    this.#cursor = new TreeCursor(reader, bucketId, (path) => {
      this.#emptyDirectories += 1;
      this.#left = path;
    });
    this.#range = range;
    this.#byDirectory = range.delimiter.equals(SLASH);
  }

  /** When it ended early: a path up to which, and below which, all objects were given. */
  get stoppedAt(): Buffer | undefined {
    return this.#stoppedAt;
  }

  /** The object at the place of the walk; `undefined` at its end. */
  async place(): Promise<ObjectPlace | undefined> {
    while (this.#place === undefined && !this.#isOver) {
      const step = await this.#cursor.next();
      this.#isOver = step === undefined || isBeyond(step, this.#range.prefix) || this.#isFutile();
      if (step !== undefined && !this.#isOver) this.#arrive(step);
    }
    return this.#place;
  }

  /** Passes the object at the place. */
  pass(): void {
    this.#place = undefined;
    this.#emptyDirectories = 0;
  }

  /** Moves on to the first object of which the key is not before `target`; never back. */
  async moveTo(target: Buffer): Promise<void> {
    if (this.#place !== undefined && Buffer.compare(this.#place.key, target) >= 0) return;
    this.pass();
    if (!this.#isOver) await this.#cursor.seek(target);
  }

  #isFutile(): boolean {
    if (this.#emptyDirectories <= EMPTY_DIRECTORIES_MAX) return false;
    this.#stoppedAt = this.#left;
    return true;
  }

  #arrive(step: TreeStep): void {
    const { path, record, isDirectory } = step;
    const isInRange = startsWith(path, this.#range.prefix);
    const rolledUp = isInRange ? commonPrefixOf(path, this.#range) : undefined;
    if (isDirectory && !(this.#byDirectory && rolledUp !== undefined)) this.#cursor.enter(step);
    else this.#place = { key: path, rolledUp, record };
  }
}

/** Whether a walk has come past everything that has the prefix. A directory on the way to it has not. */
function isBeyond({ path, isDirectory }: TreeStep, prefix: Buffer): boolean {
  if (startsWith(path, prefix)) return false;
  return !(isDirectory && startsWith(prefix, path));
}
