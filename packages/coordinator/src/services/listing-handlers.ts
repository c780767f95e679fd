import { present } from "@cairnfs/base/assert";
import { CairnError } from "@cairnfs/base/errors";
import type { KvStore } from "@cairnfs/kv/kv-store";
import type { ObjectService } from "@cairnfs/protocol/gen/cairn/v1/objects_pb";
import type { ServiceHandlers } from "@cairnfs/protocol/rpc/service";
import { requireBucket } from "../buckets/read-bucket.ts";
import { entries } from "../keyspace.ts";
import { keyRange, pageLimit } from "../listing/key-range.ts";
import { type ListedKey, listObjects } from "../listing/list-objects.ts";
import { entryMessage } from "../namespace/entry-message.ts";

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
      const { items, nextAfter } = await kv.read(async (reader) => {
        const { entry } = await requireBucket(reader, request.bucket);
        if (range === undefined) return { items: [], nextAfter: undefined };
        return listObjects(reader, entry.inodeId, range, limit);
      });
      return { items: items.map(objectMessage), nextAfter: nextAfter?.toString("utf8") ?? "" };
    },

    async listVersions() {
      throw new CairnError("unimplemented", "versions cannot be listed");
    },
  };
}

function objectMessage({ key: bytes, record }: ListedKey) {
  const key = bytes.toString("utf8");
  if (record === undefined) return { key };
  const name = present(key.split("/").at(-1), "a text has a last part");
  return { key, entry: entryMessage(name, entries.decode(record)) };
}
