import { assert } from "@cairnfs/base/assert";
import { CHUNK_ID_BYTES } from "@cairnfs/protocol/chunk-id";

/** What the index knows of a chunk; `isDead` when what is there is the record of its deletion. */
export interface IndexedChunk {
  readonly segment: number;
  readonly offset: number;
  readonly lengthBytes: number;
  readonly epoch: number;
  readonly verifiedS: number;
  readonly isDead: boolean;
  /** How many records with data of this chunk lie in segments, other than the one that holds. */
  readonly staleCount: number;
}

/** Stands for "not in the index" where an entry is expected. */
export const NO_ENTRY = -1;

const PAGE_BITS = 12;
const PAGE_ENTRIES = 2 ** PAGE_BITS;
const PAGE_MASK = PAGE_ENTRIES - 1;
const LENGTH_BITS = 20;
const LENGTH_MASK = 2 ** LENGTH_BITS - 1;
const DEAD_BIT = 2 ** LENGTH_BITS;
const STALE_SHIFT = LENGTH_BITS + 1;
/** A count that got here stays: the record of a deletion is then kept for ever, which is safe. */
const STALE_MAX = 2 ** (32 - STALE_SHIFT) - 1;
const LOAD_MAX = 0.8;
const GROWTH = 1.25;
const LOADING_GROWTH = 2;
/** After loading the next growth is not due at once. */
const LOADED_SPARE = 1.05;
const CAPACITY_MIN = 1024;
/** Slots behind the last home, for those that are pushed there. */
const SPILL_SLOTS = 256;
const WORD_RANGE = 2 ** 32;

/** 4,096 entries in columns: 54 bytes each. */
class Page {
  readonly ids = new Uint8Array(PAGE_ENTRIES * CHUNK_ID_BYTES);
  readonly segment = new Uint32Array(PAGE_ENTRIES);
  readonly offset = new Uint32Array(PAGE_ENTRIES);
  /** Length in the low 20 bits, then the dead bit, then the stale count. */
  readonly length = new Uint32Array(PAGE_ENTRIES);
  readonly epochLow = new Uint32Array(PAGE_ENTRIES);
  readonly epochHigh = new Uint16Array(PAGE_ENTRIES);
  readonly verifiedS = new Uint32Array(PAGE_ENTRIES);
}

/**
 * Where each chunk is, in about 60 bytes a chunk, in the order of ids.
 *
 * The ids are hashes, so their first bits say where in a table of entry numbers they belong; those that collide move
 * up, keeping the order. A walk over the table is thus a walk over the ids, and a listing needs no sorted copy.
 * An entry's number is good until it is removed.
 */
export class ChunkIndex {
  readonly #pages: Page[] = [];
  /** Entry numbers plus one, in the order of ids; 0 is a free slot. No free slot lies between an entry and its home. */
  #slots = new Uint32Array(CAPACITY_MIN + SPILL_SLOTS);
  #capacity = CAPACITY_MIN;
  #spillSlots = SPILL_SLOTS;
  #growth = LOADING_GROWTH;
  #count = 0;
  #entriesMade = 0;
  readonly #free: number[] = [];

  /** How many entries there are, dead ones counted. */
  get count(): number {
    return this.#count;
  }

  /** What the index takes, in bytes. */
  get memoryBytes(): number {
    return this.#pages.length * PAGE_ENTRIES * 54 + this.#slots.byteLength;
  }

  find(id: Uint8Array): number {
    const slot = this.#slotOf(id);
    const entry = (this.#slots[slot] ?? 0) - 1;
    return entry >= 0 && this.#compare(entry, id) === 0 ? entry : NO_ENTRY;
  }

  /** Makes room for so many more, where that is much more than there is. */
  expect(count: number): void {
    const capacity = Math.ceil(((this.#count + count) / LOAD_MAX) * LOADED_SPARE);
    if (capacity < this.#capacity * GROWTH) return;
    this.#capacity = capacity;
    this.#rebuild();
  }

  /** Until this is called the table grows in large steps, as it is good for filling it; then it takes what it needs. */
  endLoading(): void {
    this.#growth = GROWTH;
    const capacity = Math.max(CAPACITY_MIN, Math.ceil((this.#count / LOAD_MAX) * LOADED_SPARE));
    if (capacity * GROWTH >= this.#capacity) return;
    this.#capacity = capacity;
    this.#rebuild();
  }

  /** The entry of `id`; where it has none, the complement (`~`) of a new one that was made for it. */
  findOrAdd(id: Uint8Array): number {
    let slot = this.#slotOf(id);
    const found = (this.#slots[slot] ?? 0) - 1;
    if (found >= 0 && this.#compare(found, id) === 0) return found;
    let free = this.#freeSlotFrom(slot);
    while (this.#count >= this.#capacity * LOAD_MAX || free === undefined) {
      // Ids made to crowd at the end get more room there; only their number makes the table grow.
      if (this.#count >= this.#capacity * LOAD_MAX) this.#capacity = this.#grownCapacity();
      else this.#spillSlots *= 2;
      this.#rebuild();
      slot = this.#slotOf(id);
      free = this.#freeSlotFrom(slot);
    }
    const entry = this.#makeEntry(id);
    // By hand: most moves are of a few slots, and a call costs more.
    const slots = this.#slots;
    for (let at = free; at > slot; at--) slots[at] = slots[at - 1] ?? 0;
    slots[slot] = entry + 1;
    this.#count += 1;
    return ~entry;
  }

  remove(entry: number): void {
    let slot = this.#slotOf(this.id(entry));
    assert(this.#slots[slot] === entry + 1, "the entry is in the index");
    for (;;) {
      const next = this.#slots[slot + 1] ?? 0;
      // One that is at home stays there; those behind it are not ours to move.
      if (next === 0 || this.#home(next - 1) > slot) break;
      this.#slots[slot] = next;
      slot += 1;
    }
    this.#slots[slot] = 0;
    this.#count -= 1;
    this.#free.push(entry);
  }

  get(entry: number): IndexedChunk {
    const page = this.#page(entry);
    const at = entry & PAGE_MASK;
    const packed = page.length[at] ?? 0;
    return {
      segment: page.segment[at] ?? 0,
      offset: page.offset[at] ?? 0,
      lengthBytes: packed & LENGTH_MASK,
      isDead: (packed & DEAD_BIT) !== 0,
      staleCount: packed >>> STALE_SHIFT,
      epoch: (page.epochHigh[at] ?? 0) * WORD_RANGE + (page.epochLow[at] ?? 0),
      verifiedS: page.verifiedS[at] ?? 0,
    };
  }

  set(entry: number, chunk: IndexedChunk): void {
    assert(chunk.lengthBytes <= LENGTH_MASK, "a chunk of a segment is shorter than 1 MiB");
    assert(chunk.epoch < 2 ** 48, "an epoch has 48 bits");
    const page = this.#page(entry);
    const at = entry & PAGE_MASK;
    page.segment[at] = chunk.segment;
    page.offset[at] = chunk.offset;
    const stale = Math.min(chunk.staleCount, STALE_MAX) << STALE_SHIFT;
    page.length[at] = chunk.lengthBytes | (chunk.isDead ? DEAD_BIT : 0) | stale;
    page.epochLow[at] = chunk.epoch % WORD_RANGE;
    page.epochHigh[at] = Math.floor(chunk.epoch / WORD_RANGE);
    page.verifiedS[at] = chunk.verifiedS;
  }

  /** One record with data less lies about; gives what is left, and never goes below a count that overflowed. */
  dropStale(entry: number): number {
    const chunk = this.get(entry);
    assert(chunk.staleCount > 0, "a stale record was counted before");
    if (chunk.staleCount === STALE_MAX) return STALE_MAX;
    this.set(entry, { ...chunk, staleCount: chunk.staleCount - 1 });
    return chunk.staleCount - 1;
  }

  /** The id of an entry: a view that is good until the entry is removed. */
  id(entry: number): Uint8Array {
    const at = (entry & PAGE_MASK) * CHUNK_ID_BYTES;
    return this.#page(entry).ids.subarray(at, at + CHUNK_ID_BYTES);
  }

  /** The entries after `id`, or all, in the order of ids. The index must not change meanwhile. */
  *entriesAfter(id: Uint8Array | undefined): Generator<number> {
    let slot = id === undefined ? 0 : this.#slotOf(id);
    for (; slot < this.#slots.length; slot++) {
      const entry = (this.#slots[slot] ?? 0) - 1;
      if (entry < 0 || (id !== undefined && this.#compare(entry, id) <= 0)) continue;
      yield entry;
    }
  }

  /** Where `id` is or would go: the first slot from its home that is free or has no smaller id. */
  #slotOf(id: Uint8Array): number {
    let slot = this.#homeOf(id, 0);
    for (;;) {
      const entry = (this.#slots[slot] ?? 0) - 1;
      if (entry < 0 || this.#compare(entry, id) >= 0) return slot;
      slot += 1;
    }
  }

  #home(entry: number): number {
    return this.#homeOf(this.#page(entry).ids, (entry & PAGE_MASK) * CHUNK_ID_BYTES);
  }

  /** The slot that the id at `at` of `bytes` would have in a table without others. */
  #homeOf(bytes: Uint8Array, at: number): number {
    const high = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
    const low = ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
    return Math.floor(((high * 65_536 + low) / WORD_RANGE) * this.#capacity);
  }

  #freeSlotFrom(slot: number): number | undefined {
    const slots = this.#slots;
    // The last slot stays free, so that every walk ends.
    for (let at = slot; at < slots.length - 1; at++) if (slots[at] === 0) return at;
    return undefined;
  }

  #grownCapacity(): number {
    return Math.ceil(this.#capacity * this.#growth);
  }

  #rebuild(): void {
    const before = this.#slots;
    this.#slots = new Uint32Array(this.#capacity + this.#spillSlots);
    let next = 0;
    for (const value of before) {
      if (value === 0) continue;
      const slot = Math.max(next, this.#home(value - 1));
      this.#slots[slot] = value;
      next = slot + 1;
    }
    assert(next < this.#slots.length, "entries do not move further from the end in a larger table");
  }

  #makeEntry(id: Uint8Array): number {
    let entry = this.#free.pop();
    if (entry === undefined) {
      entry = this.#entriesMade;
      this.#entriesMade += 1;
      if ((entry & PAGE_MASK) === 0) this.#pages.push(new Page());
    }
    this.#page(entry).ids.set(id, (entry & PAGE_MASK) * CHUNK_ID_BYTES);
    return entry;
  }

  #compare(entry: number, id: Uint8Array): number {
    const { ids } = this.#page(entry);
    const from = (entry & PAGE_MASK) * CHUNK_ID_BYTES;
    for (let at = 0; at < CHUNK_ID_BYTES; at++) {
      const difference = (ids[from + at] ?? 0) - (id[at] ?? 0);
      if (difference !== 0) return difference;
    }
    return 0;
  }

  #page(entry: number): Page {
    const page = this.#pages[entry >>> PAGE_BITS];
    assert(page !== undefined, "the entry was made");
    return page;
  }
}
