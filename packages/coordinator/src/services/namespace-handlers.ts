import type { KvStore } from "@cairnfs/kv/kv-store";
import {
  type CoordinatorService,
  CopyResponseSchema,
  ListResponseSchema,
  MakeDirectoryResponseSchema,
  RemoveResponseSchema,
  RenameResponseSchema,
  SetAttributesResponseSchema,
} from "@cairnfs/protocol/gen/cairn/v1/coordinator_pb";
import { encodedMessage } from "@cairnfs/protocol/rpc/encoded-message";
import type { ServiceHandlers } from "@cairnfs/protocol/rpc/service";
import { parseAttributes, parsePolicy } from "../namespace/attributes.ts";
import { entryMessage } from "../namespace/entry-message.ts";
import type { Mutation } from "../namespace/mutation.ts";
import { FREES, type Mutator } from "../namespace/mutator.ts";
import { copy } from "../namespace/ops/copy.ts";
import { LIST_LIMIT_DEFAULT, LIST_LIMIT_MAX, list } from "../namespace/ops/list.ts";
import { makeDirectory } from "../namespace/ops/make-directory.ts";
import { remove } from "../namespace/ops/remove.ts";
import { rename } from "../namespace/ops/rename.ts";
import { setAttributes } from "../namespace/ops/set-attributes.ts";
import { stat } from "../namespace/ops/stat.ts";
import { type Path, parseLenientPath, parsePath, reaching } from "../namespace/path.ts";
import { parsePrecondition } from "../namespace/precondition.ts";
import { requestLimit } from "../namespace/request-limits.ts";
import { watchChanges } from "../watch-changes.ts";

export interface NamespaceParts {
  readonly kv: KvStore;
  readonly mutator: Mutator;
  /** Hears that something may have gone to the trash. */
  readonly onRemove: () => void;
}

export type NamespaceHandlers = Pick<
  ServiceHandlers<typeof CoordinatorService>,
  | "stat"
  | "list"
  | "makeDirectory"
  | "rename"
  | "remove"
  | "copy"
  | "setAttributes"
  | "watchChanges"
>;

/** Answers what is asked and changed about the tree itself. */
export function namespaceHandlers({ kv, mutator, onRemove }: NamespaceParts): NamespaceHandlers {
  return {
    async stat(request) {
      const { name, entry } = await reaching(request.path, (path) =>
        kv.read((reader) => stat(reader, path)),
      );
      return { entry: entryMessage(name, entry) };
    },

    async list(request) {
      const page = { after: request.after, limit: requestLimit(request.limit, LIST_LIMIT) };
      const response = await reaching(request.path, (path) =>
        kv.read((reader) => list(reader, path, page)),
      );
      return encodedMessage(ListResponseSchema, [response]);
    },

    async makeDirectory(request, call) {
      const path = parsePath(request.path);
      const wanted = {
        path,
        parents: request.parents,
        attributes: parseAttributes(request.attributes),
        policy: parsePolicy(request.policy),
      };
      return mutator.answer(call, MakeDirectoryResponseSchema, idsFor(path), async (mutation) => {
        const entry = await makeDirectory(mutation, wanted);
        return { entry: entryMessage(path.names.at(-1) ?? "", entry) };
      });
    },

    async rename(request, call) {
      const { noReplace, parents } = request;
      const target = parsePath(request.target);
      return reaching(request.source, (source) =>
        mutator.answer(call, RenameResponseSchema, idsFor(target), async (mutation) => {
          const moved = await rename(mutation, { source, target, noReplace, parents });
          return { entry: entryMessage(moved.name, moved.entry) };
        }),
      );
    },

    async remove(request, call) {
      const { recursive, forever } = request;
      const precondition = parsePrecondition(request.precondition);
      const removed = (path: Path) => async (mutation: Mutation) => {
        const trashed = await remove(mutation, { path, recursive, precondition, forever });
        if (trashed === undefined) return {};
        const [id, { dueMs }] = trashed;
        return { trashId: BigInt(id), trashDueMs: BigInt(dueMs) };
      };
      const answer = await reaching(request.path, (path) =>
        mutator.answer(call, RemoveResponseSchema, REMOVE_IDS, removed(path), FREES),
      );
      onRemove();
      return answer;
    },

    async copy(request, call) {
      const { noReplace, parents } = request;
      const target = parsePath(request.target);
      const attributes = parseAttributes(request.attributes);
      return reaching(request.source, (source) =>
        mutator.answer(call, CopyResponseSchema, idsFor(target), async (mutation) => {
          const entry = await copy(mutation, { source, target, noReplace, parents, attributes });
          return { entry: entryMessage(target.names.at(-1) ?? "", entry) };
        }),
      );
    },

    async setAttributes(request, call) {
      const wanted = {
        attributes: parseAttributes(request.attributes),
        policy: request.policy === undefined ? undefined : parsePolicy(request.policy),
        precondition: parsePrecondition(request.precondition),
      };
      return reaching(request.path, (path) =>
        mutator.answer(call, SetAttributesResponseSchema, 1, async (mutation) => {
          const { name, entry } = await setAttributes(mutation, { ...wanted, path });
          return { entry: entryMessage(name, entry) };
        }),
      );
    },

    watchChanges(request, call) {
      const path = request.path === "" ? "/" : parseLenientPath(request.path).text;
      return watchChanges(kv, { afterPosition: request.afterPosition, path }, call.signal);
    },
  };
}

const LIST_LIMIT = { field: "limit", whenZero: LIST_LIMIT_DEFAULT, max: LIST_LIMIT_MAX };

/** The ids that a removal may draw: for an item of the trash, or for a delete marker. */
export const REMOVE_IDS = 2;

/** The ids that a change at `path` may draw: one for each parent it makes, and for the entry, its content and versions. */
export function idsFor(path: Path): number {
  return path.names.length + 4;
}
