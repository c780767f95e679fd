import { assert } from "@cairnfs/base/assert";

/** Versions of one life of the coordinator differ in their low part only. */
const VERSIONS_PER_INCARNATION = 2 ** 32;
/** Above this a version would no longer be a safe integer. */
export const INCARNATION_MAX = 2 ** 21 - 1;

/** Which nodes changed, up to `version`; or that the history does not reach back so far. */
export type NodesChanged =
  | { readonly version: number; readonly nodeNumbers: readonly number[] }
  | "resync";

/**
 * The last updates of the node table: which node each version was about.
 *
 *     | incarnation: 21 bits | updates in this life of the coordinator: 32 bits |
 *
 * is a version: it grows across restarts, and one of another life is never taken for one of ours.
 */
export class UpdateLog {
  readonly #firstVersion: number;
  readonly #nodeNumbers: Uint32Array;
  #version: number;

  constructor(options: { readonly incarnation: number; readonly capacity: number }) {
    assert(
      options.incarnation > 0 && options.incarnation <= INCARNATION_MAX,
      `incarnation ${options.incarnation} is out of range`,
    );
    this.#firstVersion = options.incarnation * VERSIONS_PER_INCARNATION;
    this.#version = this.#firstVersion;
    this.#nodeNumbers = new Uint32Array(options.capacity);
  }

  get version(): number {
    return this.#version;
  }

  /** How many versions back the history reaches. */
  get capacity(): number {
    return this.#nodeNumbers.length;
  }

  /** Notes that a node was added, changed or removed, which makes the next version. */
  record(nodeNumber: number): void {
    this.#version += 1;
    assert(
      this.#version - this.#firstVersion < VERSIONS_PER_INCARNATION,
      "the node table ran out of versions",
    );
    this.#nodeNumbers[this.#version % this.#nodeNumbers.length] = nodeNumber;
  }

  /**
   * The nodes that changed after `version`, each once and at most `nodesMax` of them; asked again with
   * the version in the answer it goes on from there.
   */
  since(version: number, nodesMax: number): NodesChanged {
    const isOurs = version >= this.#firstVersion && version <= this.#version;
    if (!isOurs) return "resync";
    if (this.#version - version > this.#nodeNumbers.length) return "resync";
    const changed = new Set<number>();
    let reached = version;
    while (reached < this.#version) {
      const nodeNumber = this.#nodeNumbers[(reached + 1) % this.#nodeNumbers.length];
      assert(nodeNumber !== undefined, "a version within the history has a node");
      if (changed.size === nodesMax && !changed.has(nodeNumber)) break;
      changed.add(nodeNumber);
      reached += 1;
    }
    return { version: reached, nodeNumbers: [...changed] };
  }
}
