import { present } from "@cairnfs/base/assert";
import type { KvEntry, KvReader } from "@cairnfs/kv/kv-store";
import { prefixEnd } from "@cairnfs/kv/ordered-key";
import { entries, SORT_NAME_OFFSET } from "../keyspace.ts";
import type { InodeId } from "../namespace/ids.ts";

const SLASH = 0x2f;
/** Rows are read few at first, and more the longer they are read one after the other. */
const FEW_ROWS = 8;
const MANY_ROWS = 512;
const GROWTH = 4;
/** No name comes near it: where a longer one would be, a place of this length is. */
const SEEK_BYTES_MAX = 1_600;

/** A row of the tree on the way of a walk. */
export interface TreeStep {
  /** From the top of the walk; of a directory with its "/". */
  readonly path: Buffer;
  readonly isDirectory: boolean;
  /** The record of the entry as it is stored. */
  readonly record: Uint8Array;
}

/** A directory on the way down and what of it was read. */
interface Frame {
  readonly path: Buffer;
  readonly directoryId: InodeId;
  rows: readonly KvEntry[];
  /** The next of the rows to be given. */
  at: number;
  /** There are no more rows than those. */
  isRead: boolean;
  /** The sort name to read on from. */
  from: Buffer;
  batch: number;
}

/**
 * A walk over everything below a directory, in byte order of the paths: as the keys of a bucket sort. A directory comes before what is in it, which
 * comes only when it is entered. The walk can be moved on to any path, at the price of one read for each of its directories at most.
 */
export class TreeCursor {
  readonly #reader: KvReader;
  readonly #frames: Frame[];
  readonly #onLeave: (path: Buffer) => void;

  /** Hears with `onLeave` of directories whose last row was passed. */
  constructor(reader: KvReader, directoryId: InodeId, onLeave: (path: Buffer) => void = () => {}) {
    this.#reader = reader;
    this.#frames = [frameOf(NOTHING, directoryId)];
    this.#onLeave = onLeave;
  }

  /** The next row; `undefined` at the end. */
  async next(): Promise<TreeStep | undefined> {
    for (let frame = this.#top; frame !== undefined; frame = this.#top) {
      const row = frame.rows[frame.at] ?? (await this.#readOn(frame));
      if (row !== undefined) {
        frame.at += 1;
        return stepOf(frame, row);
      }
      this.#frames.pop();
      this.#onLeave(frame.path);
    }
    return undefined;
  }

  /** Goes into the directory that `next` gave last. */
  enter({ path, record }: Pick<TreeStep, "path" | "record">): void {
    this.#frames.push(frameOf(path, entries.decode(record).inodeId));
  }

  /** Moves on to the first path that is not before `target`; never back. */
  async seek(target: Buffer): Promise<void> {
    while (this.#frames.length > 1 && !startsWith(target, this.#frames.at(-1)?.path ?? NOTHING)) {
      this.#frames.pop();
    }
    for (let frame = this.#top; frame !== undefined; ) {
      const rest = target.subarray(frame.path.byteLength);
      const slash = rest.indexOf(SLASH);
      const name = slash < 0 ? rest : rest.subarray(0, slash + 1);
      moveTo(frame, name);
      if (slash < 0) return;
      const row = frame.rows[frame.at] ?? (await this.#readOn(frame));
      if (row === undefined || !sortNameOfRow(row).equals(name)) return;
      frame.at += 1;
      this.enter(stepOf(frame, row));
      frame = this.#top;
    }
  }

  get #top(): Frame | undefined {
    return this.#frames.at(-1);
  }

  /** Reads the next rows of a directory; the first of them. */
  async #readOn(frame: Frame): Promise<KvEntry | undefined> {
    if (frame.isRead) return undefined;
    const within = entries.keyOf([frame.directoryId, ""]);
    const start = Buffer.concat([within, frame.from]);
    const range = { start, end: prefixEnd(within), limit: frame.batch };
    frame.rows = await this.#reader.range(range);
    frame.at = 0;
    frame.isRead = frame.rows.length < frame.batch;
    frame.batch = Math.min(MANY_ROWS, frame.batch * GROWTH);
    const last = frame.rows.at(-1);
    if (last !== undefined) frame.from = Buffer.concat([sortNameOfRow(last), NUL]);
    return frame.rows[0];
  }
}

const NOTHING = Buffer.alloc(0);
const NUL = Buffer.alloc(1);

function frameOf(path: Buffer, directoryId: InodeId): Frame {
  return { path, directoryId, rows: [], at: 0, isRead: false, from: NOTHING, batch: FEW_ROWS };
}

/** Moves a frame on to the first row that is not before `name`. */
function moveTo(frame: Frame, name: Buffer): void {
  const { rows } = frame;
  let low = frame.at;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const row = present(rows[middle], "a row is within the rows");
    if (Buffer.compare(sortNameOfRow(row), name) < 0) low = middle + 1;
    else high = middle;
  }
  frame.at = low;
  if (low < rows.length || frame.isRead || Buffer.compare(name, frame.from) <= 0) return;
  frame.from = Buffer.from(name.subarray(0, SEEK_BYTES_MAX));
  frame.batch = FEW_ROWS;
}

function stepOf(frame: Frame, row: KvEntry): TreeStep {
  const sortName = sortNameOfRow(row);
  return {
    path: frame.path.byteLength === 0 ? sortName : Buffer.concat([frame.path, sortName]),
    isDirectory: sortName[sortName.byteLength - 1] === SLASH,
    record: row.value,
  };
}

function sortNameOfRow({ key }: KvEntry): Buffer {
  return Buffer.from(
    key.buffer,
    key.byteOffset + SORT_NAME_OFFSET,
    key.byteLength - SORT_NAME_OFFSET,
  );
}

/** Whether `bytes` begin with `beginning`. */
export function startsWith(bytes: Buffer, beginning: Buffer): boolean {
  return (
    bytes.byteLength >= beginning.byteLength &&
    bytes.compare(beginning, 0, beginning.byteLength, 0, beginning.byteLength) === 0
  );
}
