import type {
  GetReclaimableResponse,
  TrashItem as TrashItemMessage,
  TrashSize as TrashSizeMessage,
} from "@cairnfs/protocol/gen/cairn/v1/trash_pb";
import type { CallerOptions } from "./client-options.ts";
import type { CoordinatorCalls } from "./coordinator-calls.ts";
import { count, countUnlessZero, entryFromWire, type FileEntry } from "./entry.ts";

/** What removed files and trees add up to. */
export interface TrashSize {
  readonly files: number;
  readonly directories: number;
  readonly logicalBytes: number;
  /** On the nodes' disks, with all wanted copies; shared chunks are counted for each of their files. */
  readonly diskBytes: number;
}

/** A removed file or tree that can be restored. */
export interface TrashItem {
  readonly trashId: number;
  /** Where it was when it was removed. */
  readonly path: string;
  readonly entry: FileEntry;
  readonly removedMs: number;
  /** From when on it is let go for good. */
  readonly dueMs: number;
  /** `undefined` while a tree has not been added up. */
  readonly size: TrashSize | undefined;
}

export interface ListTrashOptions extends CallerOptions {
  /** Only what was removed at or below this path. */
  readonly path?: string | undefined;
}

export interface RestoreOptions extends CallerOptions {
  /** Where to, instead of where it was. */
  readonly to?: string | undefined;
  /** A file that is there may be replaced by a file. */
  readonly replace?: boolean | undefined;
}

export interface EmptyTrashOptions extends CallerOptions {
  /** Only what was removed at or below this path; "/" unless given. */
  readonly path?: string | undefined;
  /** Only these items. */
  readonly trashIds?: readonly number[] | undefined;
  /** Only what was removed at least so long ago. */
  readonly olderThanMs?: number | undefined;
}

/** Bytes on their way out, at one stage of it. */
export interface ReclaimableBytes {
  /** `removed`: readers may still have it open. `garbage`: nobody refers to it. `uploads`: handed in by uploads that are open. */
  readonly name: string;
  readonly items: number;
  readonly logicalBytes: number;
  readonly diskBytes: number;
  /** When the first and the last of it move on; `undefined` when that is not known or nothing is there. */
  readonly nextDueMs: number | undefined;
  readonly lastDueMs: number | undefined;
  /** Not everything was looked at: the figures are the least. */
  readonly isPartial: boolean;
}

/** What will be free on the nodes, and when. */
export interface Reclaimable {
  readonly trash: TrashSize & {
    readonly items: number;
    /** What of them has not been added up, and is in no sum. */
    readonly unsizedItems: number;
    readonly nextDueMs: number | undefined;
    readonly lastDueMs: number | undefined;
  };
  readonly parts: readonly ReclaimableBytes[];
}

const START = new Uint8Array(0);
const IDS_PER_CALL = 256;

/** What was removed and can be restored. */
export class Trash {
  readonly #calls: CoordinatorCalls;

  constructor(calls: CoordinatorCalls) {
    this.#calls = calls;
  }

  /** The items, by the paths they had; of one path the oldest first. */
  async *list(options: ListTrashOptions = {}): AsyncGenerator<TrashItem, void, undefined> {
    const { signal, path = "/" } = options;
    let after: Uint8Array = START;
    do {
      const from = after;
      const reply = await this.#calls.ask(signal, (client, callOptions) =>
        client.trash.listTrash({ path, after: from }, callOptions),
      );
      yield* reply.items.map(itemFromWire);
      after = reply.nextAfter;
    } while (after.byteLength > 0);
  }

  /**
   * Brings back an item by its id, or the newest that was removed from a path: at once, whatever its size, and with missing
   * parents. `trashNotFound` when it is not there any more, `pathExists` when its place is taken.
   */
  async restore(item: number | string, options: RestoreOptions = {}): Promise<FileEntry> {
    const { signal, to = "", replace = false } = options;
    const chosen =
      typeof item === "number"
        ? ({ case: "trashId", value: BigInt(item) } as const)
        : ({ case: "path", value: item } as const);
    const reply = await this.#calls.change(signal, (client, callOptions) =>
      client.trash.restoreTrash({ item: chosen, target: to, replace }, callOptions),
    );
    return entryFromWire(reply.entry, reply.path);
  }

  /** Lets items go for good; gives how many that were and what they add up to, without trees that were not added up. */
  async empty(
    options: EmptyTrashOptions = {},
  ): Promise<{ readonly items: number; readonly size: TrashSize }> {
    const { trashIds } = options;
    let total = { items: 0, size: NOTHING };
    if (trashIds === undefined) {
      const { path = "/", olderThanMs = 0 } = options;
      let after: Uint8Array | undefined = START;
      while (after !== undefined) {
        const request = { path, olderThanMs: BigInt(olderThanMs), after };
        const emptied = await this.#emptySome(request, options.signal);
        total = sumOf(total, emptied);
        after = emptied.nextAfter;
      }
      return total;
    }
    for (let at = 0; at < trashIds.length; at += IDS_PER_CALL) {
      const some = trashIds.slice(at, at + IDS_PER_CALL).map(BigInt);
      total = sumOf(total, await this.#emptySome({ trashIds: some }, options.signal));
    }
    return total;
  }

  /** What will be free without anybody doing anything, and when. */
  async reclaimable({ signal }: CallerOptions = {}): Promise<Reclaimable> {
    const reply = await this.#calls.ask(signal, (client, options) =>
      client.trash.getReclaimable({}, options),
    );
    return reclaimableFromWire(reply);
  }

  async #emptySome(
    request: {
      readonly trashIds?: bigint[];
      readonly path?: string;
      readonly olderThanMs?: bigint;
      readonly after?: Uint8Array;
    },
    signal: AbortSignal | undefined,
  ) {
    const reply = await this.#calls.change(signal, (client, callOptions) =>
      client.trash.emptyTrash(request, callOptions),
    );
    const nextAfter = reply.nextAfter.byteLength === 0 ? undefined : reply.nextAfter;
    return { items: count(reply.items), size: sizeFromWire(reply.size), nextAfter };
  }
}

const NOTHING: TrashSize = { files: 0, directories: 0, logicalBytes: 0, diskBytes: 0 };

interface Emptied {
  readonly items: number;
  readonly size: TrashSize;
}

function sumOf(one: Emptied, other: Emptied): Emptied {
  return {
    items: one.items + other.items,
    size: {
      files: one.size.files + other.size.files,
      directories: one.size.directories + other.size.directories,
      logicalBytes: one.size.logicalBytes + other.size.logicalBytes,
      diskBytes: one.size.diskBytes + other.size.diskBytes,
    },
  };
}

function itemFromWire(item: TrashItemMessage): TrashItem {
  return {
    trashId: count(item.trashId),
    path: item.path,
    entry: entryFromWire(item.entry, item.path),
    removedMs: count(item.removedMs),
    dueMs: count(item.dueMs),
    size: item.size === undefined ? undefined : sizeFromWire(item.size),
  };
}

function sizeFromWire(size: TrashSizeMessage | undefined): TrashSize {
  if (size === undefined) return NOTHING;
  return {
    files: count(size.files),
    directories: count(size.directories),
    logicalBytes: count(size.logicalBytes),
    diskBytes: count(size.diskBytes),
  };
}

function reclaimableFromWire(reply: GetReclaimableResponse): Reclaimable {
  return {
    trash: {
      ...sizeFromWire(reply.trash),
      items: count(reply.trashItems),
      unsizedItems: count(reply.unsizedItems),
      nextDueMs: countUnlessZero(reply.trashNextDueMs),
      lastDueMs: countUnlessZero(reply.trashLastDueMs),
    },
    parts: reply.parts.map((part) => ({
      name: part.name,
      items: count(part.items),
      logicalBytes: count(part.logicalBytes),
      diskBytes: count(part.diskBytes),
      nextDueMs: countUnlessZero(part.nextDueMs),
      lastDueMs: countUnlessZero(part.lastDueMs),
      isPartial: part.isPartial,
    })),
  };
}
