import type { KvEntry, KvReader } from "@cairnfs/kv/kv-store";
import { entries } from "../keyspace.ts";
import type { InodeId } from "../namespace/ids.ts";
import { RowRun } from "./row-run.ts";

const SLASH = 0x2f;
const NOTHING = Buffer.alloc(0);

/** A row of the tree on the way of a walk. */
export interface TreeStep {
  /** From the top of the walk; of a directory with its "/". */
  readonly path: Buffer;
  readonly isDirectory: boolean;
  /** The record of the entry as it is stored. */
  readonly record: Uint8Array;
}

/** A directory on the way down and what of it was passed. */
interface Frame {
  readonly path: Buffer;
  readonly run: RowRun;
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

  /** Passes the next row and gives it; `undefined` at the end. */
  async next(): Promise<TreeStep | undefined> {
    for (let frame = this.#top; frame !== undefined; frame = this.#top) {
      const found = frame.run.row(this.#reader);
      const row = found instanceof Promise ? await found : found;
      if (row !== undefined) {
        frame.run.pass();
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
    for (let frame = this.#top; frame !== undefined; frame = this.#top) {
      const rest = target.subarray(frame.path.byteLength);
      const slash = rest.indexOf(SLASH);
      const name = slash < 0 ? rest : rest.subarray(0, slash + 1);
      frame.run.moveTo(name);
      if (slash < 0) return;
      const row = await frame.run.row(this.#reader);
      if (row === undefined || !frame.run.restOf(row).equals(name)) return;
      frame.run.pass();
      this.enter(stepOf(frame, row));
    }
  }

  get #top(): Frame | undefined {
    return this.#frames.at(-1);
  }
}

function frameOf(path: Buffer, directoryId: InodeId): Frame {
  return { path, run: new RowRun(entries.keyOf([directoryId, ""])) };
}

function stepOf({ path, run }: Frame, row: KvEntry): TreeStep {
  const sortName = run.restOf(row);
  return {
    path: path.byteLength === 0 ? sortName : Buffer.concat([path, sortName]),
    isDirectory: sortName[sortName.byteLength - 1] === SLASH,
    record: row.value,
  };
}

/** Whether `bytes` begin with `beginning`. */
export function startsWith(bytes: Buffer, beginning: Buffer): boolean {
  return (
    bytes.byteLength >= beginning.byteLength &&
    bytes.compare(beginning, 0, beginning.byteLength, 0, beginning.byteLength) === 0
  );
}
