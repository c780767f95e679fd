import type { MessageInitShape } from "@bufbuild/protobuf";
import { CairnError } from "@cairnfs/base/errors";
import type { KvStore } from "@cairnfs/kv/kv-store";
import {
  type ObjectService,
  type ObjectVersionSchema,
  RemoveObjectResponseSchema,
} from "@cairnfs/protocol/gen/cairn/v1/objects_pb";
import type { ServiceHandlers } from "@cairnfs/protocol/rpc/service";
import { entryMessage } from "../namespace/entry-message.ts";
import { FREES, type Mutator } from "../namespace/mutator.ts";
import { parseKeyPath } from "../namespace/path.ts";
import { parsePrecondition } from "../namespace/precondition.ts";
import { type FoundVersion, requireVersion } from "../objects/read-version.ts";
import { removeObject } from "../objects/remove-object.ts";
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
  const { kv, mutator, nodes, onRemove } = parts;
  const missing = async () => {
    throw new CairnError("unimplemented", "this call is not there");
  };
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

    async removeObject(request, call) {
      const path = parseKeyPath(request.bucket, request.key);
      const wanted = {
        path,
        choice: parseVersionId(request.versionId),
        precondition: parsePrecondition(request.precondition),
        bypassesGovernance: request.bypassGovernance,
      };
      const answer = await mutator.answer(
        call,
        RemoveObjectResponseSchema,
        idsFor(path),
        (mutation) => removeObject(mutation, wanted),
        FREES,
      );
      onRemove();
      return answer;
    },

    removeObjects: missing,
    copyObject: missing,
    setObject: missing,
    renameObject: missing,
  };
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
