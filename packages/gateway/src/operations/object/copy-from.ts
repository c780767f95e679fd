import { hasReason } from "@cairnfs/base/errors";
import type { FileEntry } from "@cairnfs/client";
import type { ObjectAttributes } from "@cairnfs/client/objects/object-attributes";
import { checkSourceConditions } from "../../s3/conditions.ts";
import type { CopySource } from "../../s3/copy-source.ts";
import { S3Error } from "../../s3/errors.ts";
import { etagOf } from "../../s3/etag.ts";
import type { GatewayParts, S3Request } from "../../s3/operation.ts";
import { requestedVersion } from "../../s3/version-id.ts";
import { objectOf } from "./object-facts.ts";

/** What a copy is made of, as it is there. */
export interface FoundSource {
  readonly named: CopySource;
  readonly entry: FileEntry;
  readonly object: ObjectAttributes;
  readonly versionId: string;
}

/** The source of a copy; refuses one that is not there, or for which the request's conditions do not hold. */
export async function findSource(
  request: S3Request,
  parts: GatewayParts,
  named: CopySource,
): Promise<FoundSource> {
  const { bucket, key, versionId } = named;
  if (versionId !== undefined) requestedVersion(new Map([["versionId", versionId]]));
  const source = await parts.buckets.get(bucket);
  const { entry, version } = await parts.client.objects
    .stat(bucket, key, { versionId, signal: request.signal })
    .catch((error: unknown) => {
      throw noSuchSource(error, named);
    });
  if (entry === undefined) throw deletedSource(named);
  checkSourceConditions(request.headers, { etag: etagOf(entry), modifiedMs: entry.modifiedMs });
  return { named, entry, object: objectOf(entry, source), versionId: version.versionId };
}

function noSuchSource(error: unknown, { key, versionId }: CopySource): unknown {
  if (hasReason(error, "versionNotFound")) {
    return new S3Error("NoSuchVersion", { details: { Key: key, VersionId: versionId ?? "" } });
  }
  if (!hasReason(error, "pathNotFound", "notADirectory", "isADirectory", "invalidPath")) {
    return error;
  }
  return new S3Error("NoSuchKey", { details: { Key: key }, cause: error });
}

function deletedSource({ key, versionId }: CopySource): S3Error {
  if (versionId === undefined) return new S3Error("NoSuchKey", { details: { Key: key } });
  return new S3Error("InvalidRequest", {
    message:
      "The source of a copy request may not specifically refer to a delete marker by version id.",
  });
}
