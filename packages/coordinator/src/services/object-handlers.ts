import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { present } from "@cairnfs/base/assert";
import { CairnError } from "@cairnfs/base/errors";
import type { KvStore } from "@cairnfs/kv/kv-store";
import { ObjectAttributesSchema } from "@cairnfs/protocol/gen/cairn/v1/common_pb";
import {
  CopyObjectResponseSchema,
  type ObjectService,
  type ObjectVersionSchema,
  type RemoveObjectRequest,
  RemoveObjectResponseSchema,
  type RemoveObjectsItem,
  RemoveObjectsResponseSchema,
  type RemoveObjectsResultSchema,
  RenameObjectResponseSchema,
  SetObjectResponseSchema,
} from "@cairnfs/protocol/gen/cairn/v1/objects_pb";
import type { ServiceHandlers } from "@cairnfs/protocol/rpc/service";
import { errorDetailOf } from "@cairnfs/protocol/rpc/status";
import { parseAttributes } from "../namespace/attributes.ts";
import { entryMessage } from "../namespace/entry-message.ts";
import { FREES, type Mutator } from "../namespace/mutator.ts";
import { type Path, parseKeyPath } from "../namespace/path.ts";
import { parsePrecondition } from "../namespace/precondition.ts";
import { shortText } from "../namespace/request-limits.ts";
import { wholeNumber } from "../namespace/whole-number.ts";
import { copyObject } from "../objects/copy-object.ts";
import { encodeObjectAttributes } from "../objects/object-attributes.ts";
import { type FoundVersion, requireVersion } from "../objects/read-version.ts";
import { type RemoveObject, removeObject } from "../objects/remove-object.ts";
import { type RemovedOrNot, removeObjects } from "../objects/remove-objects.ts";
import { renameObject } from "../objects/rename-object.ts";
import { setObject } from "../objects/set-object.ts";
import { parseVersionId } from "../objects/version-id.ts";
import type { PlacementSource } from "../uploads/placements.ts";
import { listingHandlers } from "./listing-handlers.ts";
import { idsFor } from "./namespace-handlers.ts";
import { openedContent, parseContentPage } from "./opened-content.ts";

export interface ObjectParts {
  readonly kv: KvStore;
  readonly mutator: Mutator;
  readonly nodes: Pick<PlacementSource, "nodeUpdatesSince">;
  /** Hears that something may have gone to the trash. */
  readonly onRemove: () => void;
}

export type ObjectHandlers = ServiceHandlers<typeof ObjectService>;

/** Answers what is asked and changed about objects, by bucket and key. */
export function objectHandlers(parts: ObjectParts): ObjectHandlers {
  const { kv, mutator, nodes } = parts;
  return {
    ...listingHandlers(parts),

    async statObject(request) {
      const path = parseKeyPath(request.bucket, request.key);
      const choice = parseVersionId(request.versionId);
      return messageOf(await kv.read((reader) => requireVersion(reader, path, choice)));
    },

    async openObject(request) {
      const path = parseKeyPath(request.bucket, request.key);
      const choice = parseVersionId(request.versionId);
      const page = parseContentPage(request);
      return kv.read(async (reader) => {
        const found = await requireVersion(reader, path, choice);
        const { entry } = found;
        const content = entry === undefined ? {} : await openedContent(reader, entry, page, nodes);
        return { ...messageOf(found), ...content };
      });
    },

    ...removalHandlers(parts),

    async copyObject(request, call) {
      const target = parseKeyPath(request.bucket, request.key);
      const wanted = {
        source: parseKeyPath(request.sourceBucket, request.sourceKey),
        sourceChoice: parseVersionId(request.sourceVersionId),
        sourceInodeId: wholeNumber(request.sourceInodeId, "source_inode_id"),
        target,
        precondition: parsePrecondition(request.precondition),
        attributes: parseAttributes(request.attributes),
        object: request.object && encodeObjectAttributes(request.object),
      };
      return mutator.answer(call, CopyObjectResponseSchema, idsFor(target), async (mutation) => {
        const entry = await copyObject(mutation, wanted);
        return { entry: entryMessage(nameOf(target), entry) };
      });
    },

    async setObject(request, call) {
      const path = parseKeyPath(request.bucket, request.key);
      const wanted = {
        path,
        choice: parseVersionId(request.versionId),
        entryVersion: wholeNumber(request.entryVersion, "entry_version"),
        object: encodeObjectAttributes(request.object ?? create(ObjectAttributesSchema)),
        bypassesGovernance: request.bypassGovernance,
      };
      return mutator.answer(call, SetObjectResponseSchema, 1, async (mutation) => {
        const { entry, isVersioned } = await setObject(mutation, wanted);
        return { entry: entryMessage(nameOf(path), entry, isVersioned) };
      });
    },

    async renameObject(request, call) {
      const target = parseKeyPath(request.bucket, request.key);
      const wanted = {
        source: parseKeyPath(request.bucket, request.sourceKey),
        target,
        isPrefix: request.isPrefix,
        precondition: parsePrecondition(request.precondition),
        sourcePrecondition: parsePrecondition(request.sourcePrecondition),
      };
      return mutator.answer(call, RenameObjectResponseSchema, idsFor(target), async (mutation) => {
        const { name, entry } = await renameObject(mutation, wanted);
        return { entry: entryMessage(name, entry) };
      });
    },
  };
}

type RemovalHandlers = Pick<ObjectHandlers, "removeObject" | "removeObjects">;

/** So many objects one call removes at most. */
const REMOVED_MAX = 1_000;

function removalHandlers({ mutator, onRemove }: ObjectParts): RemovalHandlers {
  return {
    async removeObject(request, call) {
      const wanted = parseRemoval(request, request);
      const answer = await mutator.answer(
        call,
        RemoveObjectResponseSchema,
        idsFor(wanted.path),
        (mutation) => removeObject(mutation, wanted),
        FREES,
      );
      onRemove();
      return answer;
    },

    async removeObjects(request, call) {
      const { items } = request;
      if (items.length > REMOVED_MAX) {
        throw new CairnError(
          "invalidArgument",
          `${items.length} objects were named, expected at most ${REMOVED_MAX}`,
        );
      }
      const wanted = items.map((item) => parsedOrNot(() => parseRemoval(request, item)));
      const valid = wanted.filter((each): each is RemoveObject => !(each instanceof CairnError));
      const idsMax = valid.reduce((sum, { path }) => sum + idsFor(path), 0);
      const answer = await mutator.answer(
        call,
        RemoveObjectsResponseSchema,
        idsMax,
        async (mutation) => {
          const outcomes = (await removeObjects(mutation, valid)).values();
          const results = wanted.map((each) => {
            const failure = each instanceof CairnError ? { failure: each } : undefined;
            return resultMessage(failure ?? present(outcomes.next().value, "each has an outcome"));
          });
          return { results };
        },
        FREES,
      );
      onRemove();
      return answer;
    },
  };
}

function parseRemoval(
  {
    bucket,
    bypassGovernance,
    owner,
  }: Pick<RemoveObjectRequest, "bucket" | "bypassGovernance" | "owner">,
  { key, versionId, precondition }: RemoveObjectsItem | RemoveObjectRequest,
): RemoveObject {
  return {
    path: parseKeyPath(bucket, key),
    choice: parseVersionId(versionId),
    precondition: parsePrecondition(precondition),
    bypassesGovernance: bypassGovernance,
    owner: shortText(owner, "owner"),
  };
}

/** What is parsed, or why it cannot be: of several items one may be wrong. */
function parsedOrNot<T>(parse: () => T): T | CairnError {
  try {
    return parse();
  } catch (error) {
    if (error instanceof CairnError) return error;
    throw error;
  }
}

function resultMessage(outcome: RemovedOrNot): MessageInitShape<typeof RemoveObjectsResultSchema> {
  if ("removed" in outcome) return { removed: outcome.removed };
  const { failure } = outcome;
  return { error: errorDetailOf(failure), errorMessage: failure.message };
}

function nameOf(path: Path): string {
  return path.names.at(-1) ?? "";
}

function messageOf(found: FoundVersion) {
  const { name, entry, isVersioned, versionId, isLatest, modifiedMs } = found;
  const version: MessageInitShape<typeof ObjectVersionSchema> = {
    versionId,
    isLatest,
    isDeleteMarker: entry === undefined,
    modifiedMs: BigInt(modifiedMs),
  };
  return { version, ...(entry && { entry: entryMessage(name, entry, isVersioned) }) };
}
