import { CairnError } from "@cairnfs/base/errors";
import { isBucketName } from "@cairnfs/protocol/bucket-name";
import { buckets } from "../keyspace.ts";
import { NO_CHANGES } from "../namespace/attributes.ts";
import { NO_POLICY } from "../namespace/entry.ts";
import { ROOT_ID } from "../namespace/ids.ts";
import type { Mutation } from "../namespace/mutation.ts";
import { readBothForms } from "../namespace/resolve.ts";
import { addDirectory } from "../namespace/slot.ts";
import { changeDocuments, type DocumentChanges } from "./bucket-documents.ts";
import { type BucketRecord, VERSIONING } from "./bucket-record.ts";
import { type FoundBucket, readBucket } from "./read-bucket.ts";

export interface CreateBucket {
  readonly name: string;
  readonly owner: string;
  readonly region: string;
  readonly hasObjectLock: boolean;
  readonly documents: DocumentChanges["put"];
}

/** How many ids a bucket takes: of its directory and its version. */
export const CREATE_BUCKET_IDS = 2;

/**
 * Makes a bucket; one with object lock has versioning from the beginning. A name that is taken is `pathExists`, with the owner of the bucket that is
 * there, if it is one, among the details.
 */
export async function createBucket(
  mutation: Mutation,
  request: CreateBucket,
): Promise<FoundBucket> {
  const { tx } = mutation;
  const { name, owner, region, hasObjectLock, documents } = request;
  if (!isBucketName(name)) {
    throw new CairnError(
      "invalidArgument",
      `${JSON.stringify(name)} is no name of a bucket: 3 to 63 of a-z, 0-9, "." and "-", beginning and ending with a letter or digit`,
    );
  }
  const present = await readBothForms(tx, ROOT_ID, name);
  if (present.directory !== undefined) {
    const there = await readBucket(tx, present.directory.inodeId);
    throw new CairnError("pathExists", `the bucket ${name} exists`, {
      details: { owner: there.owner },
    });
  }
  if (present.file !== undefined) throw new CairnError("pathExists", `/${name} exists, as a file`);
  const place = { parentId: ROOT_ID, name, path: `/${name}` };
  const entry = addDirectory(mutation, place, NO_CHANGES, NO_POLICY);
  const record: BucketRecord = {
    version: mutation.nextId(),
    owner,
    region,
    versioning: hasObjectLock ? VERSIONING.enabled : VERSIONING.never,
    hasObjectLock,
    defaultRetention: undefined,
  };
  buckets.put(tx, entry.inodeId, record);
  await changeDocuments(tx, entry.inodeId, { put: documents, removed: [] });
  return { name, entry, record };
}
