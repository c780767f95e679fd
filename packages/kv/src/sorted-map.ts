import { assert } from "@cairnfs/base/assert";

/** Node sizes: one that outgrows the first is split, neighbours that fit into the second are merged. */
const NODE_MAX = 64;
const NODE_MERGE = 32;

interface Leaf<V> {
  readonly isLeaf: true;
  readonly edition: number;
  readonly keys: string[];
  readonly values: V[];
}

interface Inner<V> {
  readonly isLeaf: false;
  readonly edition: number;
  /** `firsts[i]` is at most every key below `children[i]` and above every key below `children[i - 1]`. */
  readonly firsts: string[];
  readonly children: Node<V>[];
}

type Node<V> = Leaf<V> | Inner<V>;

/** A sorted map that does not change. */
export interface SortedView<V> {
  readonly isEmpty: boolean;
  get(key: string): V | undefined;
  /** A cursor over the keys of [start, end), in order or backwards. */
  cursor(start: string, end: string, isReverse: boolean): SortedCursor<V>;
}

/** Stands on one entry after the other; `key` is `undefined` after the last. */
export interface SortedCursor<V> {
  readonly key: string | undefined;
  readonly value: V | undefined;
  advance(): void;
  /** Lets go of what the cursor holds. It must not be used after that. */
  close(): void;
}

/**
 * A map from strings to values, sorted by UTF-16 units: a B-tree that is copied on write, so `snapshot` costs
 * nothing and a snapshot never changes. Each operation is O(log n).
 */
export class SortedMap<V> implements SortedView<V> {
  #root: Node<V>;
  /** Nodes of this edition are ours alone; others may belong to a snapshot and are copied before they change. */
  #edition = 1;
  #size = 0;

  constructor() {
    this.#root = emptyLeaf(this.#edition);
  }

  get size(): number {
    return this.#size;
  }

  get isEmpty(): boolean {
    return this.#size === 0;
  }

  /** The map as it is now, for ever. */
  snapshot(): SortedView<V> {
    this.#edition += 1;
    return new Snapshot(this.#root, this.#size);
  }

  get(key: string): V | undefined {
    return find(this.#root, key);
  }

  cursor(start: string, end: string, isReverse: boolean): SortedCursor<V> {
    return new TreeCursor(this.#root, { start, end, isReverse });
  }

  set(key: string, value: V): void {
    const root = this.#own(this.#root);
    this.#root = root;
    const right = this.#insert(root, key, value);
    if (right === undefined) return;
    this.#root = {
      isLeaf: false,
      edition: this.#edition,
      firsts: ["", firstOf(right)],
      children: [root, right],
    };
  }

  /** Removes `key`; whether it was there. */
  delete(key: string): boolean {
    if (find(this.#root, key) === undefined) return false;
    let root = this.#own(this.#root);
    this.#remove(root, key);
    while (!root.isLeaf && root.children.length === 1) root = present(root.children[0]);
    this.#root = root;
    this.#size -= 1;
    return true;
  }

  #own(node: Node<V>): Node<V> {
    if (node.edition === this.#edition) return node;
    const edition = this.#edition;
    return node.isLeaf
      ? { isLeaf: true, edition, keys: node.keys.slice(), values: node.values.slice() }
      : { isLeaf: false, edition, firsts: node.firsts.slice(), children: node.children.slice() };
  }

  /** Puts the entry below `node`, which is ours; gives the new right neighbour when `node` had to be split. */
  #insert(node: Node<V>, key: string, value: V): Node<V> | undefined {
    if (node.isLeaf) {
      const at = lowerBound(node.keys, key);
      if (node.keys[at] === key) {
        node.values[at] = value;
        return undefined;
      }
      node.keys.splice(at, 0, key);
      node.values.splice(at, 0, value);
      this.#size += 1;
      if (node.keys.length <= NODE_MAX) return undefined;
      const middle = splitAt(at, node.keys.length);
      return {
        isLeaf: true,
        edition: this.#edition,
        keys: node.keys.splice(middle),
        values: node.values.splice(middle),
      };
    }
    const at = childFor(node, key);
    const child = this.#own(present(node.children[at]));
    node.children[at] = child;
    const right = this.#insert(child, key, value);
    if (right === undefined) return undefined;
    node.firsts.splice(at + 1, 0, firstOf(right));
    node.children.splice(at + 1, 0, right);
    if (node.children.length <= NODE_MAX) return undefined;
    const middle = splitAt(at + 1, node.children.length);
    return {
      isLeaf: false,
      edition: this.#edition,
      firsts: node.firsts.splice(middle),
      children: node.children.splice(middle),
    };
  }

  /** Removes `key`, which is there, below `node`, which is ours. */
  #remove(node: Node<V>, key: string): void {
    if (node.isLeaf) {
      const at = lowerBound(node.keys, key);
      node.keys.splice(at, 1);
      node.values.splice(at, 1);
      return;
    }
    const at = childFor(node, key);
    const child = this.#own(present(node.children[at]));
    node.children[at] = child;
    this.#remove(child, key);
    if (sizeOf(child) >= NODE_MERGE / 2) return;
    this.#merge(node, at > 0 ? at - 1 : at);
  }

  /** Joins the children `at` and `at + 1` when they are small enough together. */
  #merge(node: Inner<V>, at: number): void {
    const left = present(node.children[at]);
    const right = node.children[at + 1];
    if (right === undefined || sizeOf(left) + sizeOf(right) > NODE_MERGE) return;
    const into = this.#own(left);
    if (into.isLeaf && right.isLeaf) {
      into.keys.push(...right.keys);
      into.values.push(...right.values);
    } else if (!into.isLeaf && !right.isLeaf) {
      into.firsts.push(present(node.firsts[at + 1]), ...right.firsts.slice(1));
      into.children.push(...right.children);
    } else {
      assert(false, "neighbours of a tree are of one height");
    }
    node.children[at] = into;
    node.firsts.splice(at + 1, 1);
    node.children.splice(at + 1, 1);
  }
}

class Snapshot<V> implements SortedView<V> {
  readonly #root: Node<V>;
  readonly isEmpty: boolean;

  constructor(root: Node<V>, size: number) {
    this.#root = root;
    this.isEmpty = size === 0;
  }

  get(key: string): V | undefined {
    return find(this.#root, key);
  }

  cursor(start: string, end: string, isReverse: boolean): SortedCursor<V> {
    return new TreeCursor(this.#root, { start, end, isReverse });
  }
}

interface CursorRange {
  readonly start: string;
  readonly end: string;
  readonly isReverse: boolean;
}

class TreeCursor<V> implements SortedCursor<V> {
  key: string | undefined;
  value: V | undefined;
  readonly #range: CursorRange;
  readonly #path: { readonly node: Inner<V>; at: number }[] = [];
  #leaf: Leaf<V>;
  #at: number;

  constructor(root: Node<V>, range: CursorRange) {
    this.#range = range;
    const target = range.isReverse ? range.end : range.start;
    let node = root;
    while (!node.isLeaf) {
      const at = childFor(node, target);
      this.#path.push({ node, at });
      node = present(node.children[at]);
    }
    this.#leaf = node;
    const at = lowerBound(node.keys, target);
    this.#at = range.isReverse ? at - 1 : at;
    this.#settle();
  }

  advance(): void {
    this.#at += this.#range.isReverse ? -1 : 1;
    this.#settle();
  }

  close(): void {
    this.#stop();
  }

  #settle(): void {
    const { start, end, isReverse } = this.#range;
    while (this.#at < 0 || this.#at >= this.#leaf.keys.length) {
      if (this.#nextLeaf()) continue;
      this.#stop();
      return;
    }
    const key = present(this.#leaf.keys[this.#at]);
    if (isReverse ? key < start : key >= end) {
      this.#stop();
      return;
    }
    this.key = key;
    this.value = this.#leaf.values[this.#at];
  }

  #stop(): void {
    this.key = undefined;
    this.value = undefined;
  }

  #nextLeaf(): boolean {
    const step = this.#range.isReverse ? -1 : 1;
    for (let top = this.#path.at(-1); top !== undefined; top = this.#path.at(-1)) {
      top.at += step;
      const next = top.node.children[top.at];
      if (next === undefined) {
        this.#path.pop();
        continue;
      }
      let node = next;
      while (!node.isLeaf) {
        const at = step > 0 ? 0 : node.children.length - 1;
        this.#path.push({ node, at });
        node = present(node.children[at]);
      }
      this.#leaf = node;
      this.#at = step > 0 ? 0 : node.keys.length - 1;
      return true;
    }
    return false;
  }
}

function find<V>(root: Node<V>, key: string): V | undefined {
  let node = root;
  while (!node.isLeaf) node = present(node.children[childFor(node, key)]);
  const at = lowerBound(node.keys, key);
  return node.keys[at] === key ? node.values[at] : undefined;
}

/** The first place whose key is not below `key`. */
function lowerBound(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (present(keys[middle]) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The child that `key` belongs to: the last whose first is not above it. */
function childFor<V>(node: Inner<V>, key: string): number {
  let low = 1;
  let high = node.firsts.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (present(node.firsts[middle]) <= key) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** In the middle, but where keys come in order nodes are left full. */
function splitAt(insertedAt: number, length: number): number {
  return insertedAt === length - 1 ? length - 2 : length >>> 1;
}

function firstOf<V>(node: Node<V>): string {
  return node.isLeaf ? present(node.keys[0]) : present(node.firsts[0]);
}

function sizeOf<V>(node: Node<V>): number {
  return node.isLeaf ? node.keys.length : node.children.length;
}

function emptyLeaf<V>(edition: number): Leaf<V> {
  return { isLeaf: true, edition, keys: [], values: [] };
}

/** An element that is there by the tree's invariants; a check for each would cost more than the search. */
function present<T>(element: T | undefined): T {
  return element as T;
}
