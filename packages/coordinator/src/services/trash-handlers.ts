import type { MessageInitShape } from "@bufbuild/protobuf";
import { CairnError } from "@cairnfs/base/errors";
import type { KvStore } from "@cairnfs/kv/kv-store";
import {
  EmptyTrashResponseSchema,
  type GetReclaimableResponseSchema,
  RestoreTrashResponseSchema,
  type TrashItemSchema,
  type TrashService,
  type TrashSizeSchema,
} from "@cairnfs/protocol/gen/cairn/v1/trash_pb";
import type { ServiceHandlers } from "@cairnfs/protocol/rpc/service";
import { entryMessage } from "../namespace/entry-message.ts";
import { type TrashId, trashId } from "../namespace/ids.ts";
import type { Mutation } from "../namespace/mutation.ts";
import { FREES, type Mutator } from "../namespace/mutator.ts";
import { PATH_BYTES_MAX, parsePath } from "../namespace/path.ts";
import { pageLimit } from "../namespace/request-limits.ts";
import { wholeNumber } from "../namespace/whole-number.ts";
import { EMPTY_ITEMS_MAX, type Emptied, emptyBelow, emptyItems } from "../trash/empty-trash.ts";
import { listTrash } from "../trash/list-trash.ts";
import { type Reclaimable, readReclaimable } from "../trash/reclaimable.ts";
import { type Restore, restore, type TrashChoice } from "../trash/restore.ts";
import type { TrashRecord, TrashSize } from "../trash/trash-record.ts";
import { idsFor } from "./namespace-handlers.ts";

export interface TrashParts {
  readonly kv: KvStore;
  readonly mutator: Mutator;
}

export type TrashHandlers = ServiceHandlers<typeof TrashService>;

/** Entries have up to 8 KiB of metadata and paths up to 4 KiB: so many fit in a message. */
const TRASH_LIMIT_MAX = 256;
/** Where it was may be a path with so many names, and each of its directories may be missing. */
const RESTORE_IDS_MAX = PATH_BYTES_MAX / 2 + 2;

/** Answers what is asked of the trash. */
export function trashHandlers({ kv, mutator }: TrashParts): TrashHandlers {
  return {
    async listTrash(request) {
      const path = request.path === "" ? "/" : parsePath(request.path).text;
      const page = { path, after: request.after, limit: pageLimit(request.limit, TRASH_LIMIT_MAX) };
      const { items, nextAfter } = await kv.read((reader) => listTrash(reader, page));
      return { items: items.map(([id, record]) => itemMessage(id, record)), nextAfter };
    },

    async restoreTrash(request, call) {
      const target = request.target === "" ? undefined : parsePath(request.target);
      const wanted: Restore = { choice: choiceOf(request), target, replace: request.replace };
      const idsMax = target === undefined ? RESTORE_IDS_MAX : idsFor(target);
      return mutator.answer(call, RestoreTrashResponseSchema, idsMax, async (mutation) => {
        const { path, entry } = await restore(mutation, wanted);
        return { path: path.text, entry: entryMessage(path.names.at(-1) ?? "", entry) };
      });
    },

    async emptyTrash(request, call) {
      const { trashIds, after } = request;
      if (trashIds.length > 0 === (request.path !== "")) {
        throw new CairnError(
          "invalidArgument",
          `${trashIds.length} ids and the path ${JSON.stringify(request.path)} were given, expected ids or a path`,
        );
      }
      if (trashIds.length > EMPTY_ITEMS_MAX) {
        throw new CairnError(
          "invalidArgument",
          `${trashIds.length} ids were given, expected at most ${EMPTY_ITEMS_MAX}`,
        );
      }
      const ids = trashIds.map(trashIdOf);
      const path = request.path === "" ? "" : parsePath(request.path).text;
      const olderThanMs = wholeNumber(request.olderThanMs, "older_than_ms");
      const emptied = async (mutation: Mutation) => {
        const removedMaxMs = mutation.nowMs - olderThanMs;
        return emptiedMessage(
          ids.length > 0
            ? await emptyItems(mutation, ids)
            : await emptyBelow(mutation, { path, removedMaxMs, after }),
        );
      };
      return mutator.answer(call, EmptyTrashResponseSchema, 0, emptied, FREES);
    },

    async getReclaimable() {
      return reclaimableMessage(await kv.read(readReclaimable));
    },
  };
}

function choiceOf({ item }: { readonly item: RequestedItem }): TrashChoice {
  if (item.case === "trashId") return { kind: "id", id: trashIdOf(item.value) };
  if (item.case === "path") return { kind: "newestAt", path: parsePath(item.value) };
  throw new CairnError("invalidArgument", "no item was named: give its id or its path");
}

type RequestedItem =
  | { readonly case: "trashId"; readonly value: bigint }
  | { readonly case: "path"; readonly value: string }
  | { readonly case: undefined; readonly value?: undefined };

function trashIdOf(id: bigint): TrashId {
  return trashId(wholeNumber(id, "trash_id"));
}

function itemMessage(id: TrashId, record: TrashRecord): MessageInitShape<typeof TrashItemSchema> {
  const { path, entry, size } = record;
  return {
    trashId: BigInt(id),
    path,
    entry: entryMessage(path.slice(path.lastIndexOf("/") + 1), entry),
    removedMs: BigInt(record.removedMs),
    dueMs: BigInt(record.dueMs),
    ...(size === undefined ? {} : { size: sizeMessage(size) }),
  };
}

function emptiedMessage({
  items,
  size,
  nextAfter,
}: Emptied): MessageInitShape<typeof EmptyTrashResponseSchema> {
  return { items: BigInt(items), size: sizeMessage(size), nextAfter };
}

function reclaimableMessage(
  reclaimable: Reclaimable,
): MessageInitShape<typeof GetReclaimableResponseSchema> {
  const { trash, parts } = reclaimable;
  return {
    trash: sizeMessage(trash.size),
    trashItems: BigInt(trash.items),
    unsizedItems: BigInt(trash.unsizedItems),
    trashNextDueMs: BigInt(trash.nextDueMs),
    trashLastDueMs: BigInt(trash.lastDueMs),
    parts: parts.map((part) => ({
      name: part.name,
      items: BigInt(part.items),
      logicalBytes: BigInt(part.logicalBytes),
      diskBytes: BigInt(part.diskBytes),
      nextDueMs: BigInt(part.nextDueMs),
      lastDueMs: BigInt(part.lastDueMs),
      isPartial: part.isPartial,
    })),
  };
}

function sizeMessage(size: TrashSize): MessageInitShape<typeof TrashSizeSchema> {
  return {
    files: BigInt(size.files),
    directories: BigInt(size.directories),
    logicalBytes: BigInt(size.logicalBytes),
    diskBytes: BigInt(size.diskBytes),
  };
}
