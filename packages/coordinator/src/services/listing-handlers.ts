import type { MessageInitShape } from "@bufbuild/protobuf";
import { present } from "@cairnfs/base/assert";
import type { KvReader, KvStore } from "@cairnfs/kv/kv-store";
import {
  type ListedVersionSchema,
  ListObjectsResponseSchema,
  type ListVersionsRequest,
  type ObjectService,
} from "@cairnfs/protocol/gen/cairn/v1/objects_pb";
import { encodedMessage } from "@cairnfs/protocol/rpc/encoded-message";
import type { ServiceHandlers } from "@cairnfs/protocol/rpc/service";
import { VERSIONING } from "../buckets/bucket-record.ts";
import { requireBucket } from "../buckets/read-bucket.ts";
import { keyRange } from "../listing/key-range.ts";
import { listObjects } from "../listing/list-objects.ts";
import {
  type ListedVersionItem,
  listVersions,
  type VersionMarker,
  versionIdOfItem,
} from "../listing/list-versions.ts";
import { entryMessage } from "../namespace/entry-message.ts";
import type { InodeId } from "../namespace/ids.ts";
import { pageLimit } from "../namespace/request-limits.ts";
import { parseVersionId } from "../objects/version-id.ts";

export interface ListingParts {
  readonly kv: KvStore;
}

export type ListingHandlers = Pick<
  ServiceHandlers<typeof ObjectService>,
  "listObjects" | "listVersions"
>;

/** Answers what is asked about the keys of a bucket. */
export function listingHandlers({ kv }: ListingParts): ListingHandlers {
  return {
    async listObjects(request) {
      const limit = pageLimit(request.limit);
      const range = keyRange(request);
      return kv.read(async (reader) => {
        const { id: bucketId, isVersioned } = await findBucket(reader, request.bucket);
        if (range === undefined) return {};
        const response = await listObjects(reader, { bucketId, isVersioned, range, limit });
        return encodedMessage(ListObjectsResponseSchema, [response]);
      });
    },

    async listVersions(request) {
      const limit = pageLimit(request.limit);
      const marker = markerOf(request);
      const after = { after: request.afterKey, includesAfter: marker !== undefined };
      const range = keyRange({ ...request, ...after });
      return kv.read(async (reader) => {
        const { id } = await findBucket(reader, request.bucket);
        if (range === undefined) return {};
        const { items, next } = await listVersions(reader, id, { range, limit, marker });
        return {
          items: items.map(versionMessage),
          nextAfterKey: next?.key.toString("utf8") ?? "",
          nextAfterVersionId: next?.versionId ?? "",
        };
      });
    },
  };
}

interface Bucket {
  readonly id: InodeId;
  readonly isVersioned: boolean;
}

async function findBucket(reader: KvReader, name: string): Promise<Bucket> {
  const { entry, record } = await requireBucket(reader, name);
  return { id: entry.inodeId, isVersioned: record.versioning !== VERSIONING.never };
}

function markerOf(request: ListVersionsRequest): VersionMarker | undefined {
  const choice = parseVersionId(request.afterVersionId);
  if (choice === undefined || request.afterKey === "") return undefined;
  return { key: request.afterKey, choice };
}

/** Every version is shown with an id, as S3 does: it is "null" in buckets that never had versioning. */
function versionMessage(item: ListedVersionItem): MessageInitShape<typeof ListedVersionSchema> {
  const key = item.key.toString("utf8");
  if (item.kind === "prefix") return { key };
  const { isLatest } = item;
  const versionId = versionIdOfItem(item);
  if (item.kind === "marker") {
    const { modifiedMs, owner } = item.marker;
    const version = { versionId, isLatest, isDeleteMarker: true, modifiedMs: BigInt(modifiedMs) };
    return { key, version, owner };
  }
  const modifiedMs = BigInt(item.entry.modifiedMs);
  const version = { versionId, isLatest, isDeleteMarker: false, modifiedMs };
  return { key, version, entry: entryMessage(nameOf(key), item.entry, true) };
}

/** The last part of a key: what the file is called in its directory. */
function nameOf(key: string): string {
  return present(key.split("/").at(-1), "a text has a last part");
}
