import { hasReason } from "@cairnfs/base/errors";
import type { BucketDetails, FileEntry } from "@cairnfs/client";
import type { ObjectAttributes } from "@cairnfs/client/objects/object-attributes";
import { S3Error } from "../../s3/errors.ts";
import type { GatewayParts, S3Request } from "../../s3/operation.ts";
import { requestedVersion } from "../../s3/version-id.ts";
import { deleteMarkerError, noSuchObject } from "./find-object.ts";

/** An object that a request is about, as the cluster has it. */
export interface FoundObject {
  readonly entry: FileEntry;
  /** What is said of it; nothing but its owner, which is the bucket's, of what no S3 client wrote. */
  readonly object: ObjectAttributes;
  readonly versionId: string;
}

const NOTHING = new Uint8Array(0);
/** How often a change is tried again when the object was changed meanwhile. */
const ATTEMPTS = 5;

/** The object that a request names, or the version of it; refuses delete markers. */
export async function findObject(request: S3Request, parts: GatewayParts): Promise<FoundObject> {
  const { bucket, key, query, signal } = request;
  const versionId = requestedVersion(query);
  const { entry, version } = await parts.client.objects
    .stat(bucket, key, { versionId, signal })
    .catch(async (error: unknown) => {
      throw await noSuchObject(error, request, parts);
    });
  if (entry === undefined) throw deleteMarkerError(request, version, versionId !== undefined);
  const object = objectOf(entry, await parts.buckets.get(bucket));
  return { entry, object, versionId: version.versionId };
}

/** What is said of an object, also of one that nobody said anything of. */
export function objectOf(entry: FileEntry, bucket: BucketDetails): ObjectAttributes {
  return (
    entry.object ?? {
      md5: NOTHING,
      partCount: 0,
      headers: {},
      checksums: [],
      tags: {},
      acl: NOTHING,
      encryption: NOTHING,
      owner: bucket.owner,
      retentionMode: 0,
      retainUntilMs: 0,
      hasLegalHold: false,
    }
  );
}

/** Changes what is said of an object, as it is in that moment; what its lock does not allow is `AccessDenied`. */
export async function changeObject(
  request: S3Request,
  parts: GatewayParts,
  change: (found: FoundObject) => Partial<ObjectAttributes> | Promise<Partial<ObjectAttributes>>,
  bypassesGovernance = false,
): Promise<FoundObject> {
  const { bucket, key, query, signal } = request;
  for (let attempt = 1; ; attempt++) {
    const found = await findObject(request, parts);
    const object = { ...found.object, ...(await change(found)) };
    try {
      await parts.client.objects.set(bucket, key, object, {
        versionId: requestedVersion(query),
        entryVersion: found.entry.version,
        bypassesGovernance,
        signal,
      });
      return found;
    } catch (error) {
      if (!hasReason(error, "preconditionFailed")) throw await noSuchObject(error, request, parts);
      if (attempt === ATTEMPTS) throw new S3Error("OperationAborted", { cause: error });
    }
  }
}

/** What replies say of the version that they are about. */
export function versionHeaders({
  versionId,
}: Pick<FoundObject, "versionId">): Record<string, string> {
  return versionId === "" ? {} : { "x-amz-version-id": versionId };
}
