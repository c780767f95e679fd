import { hasReason } from "@cairnfs/base/errors";
import type { EntryPrecondition, FileEntry } from "@cairnfs/client";
import type { StatedObject } from "@cairnfs/client/objects/objects";
import { unquoted } from "../../documents/complete-multipart.ts";
import { S3Error } from "../../s3/errors.ts";
import { etagOf } from "../../s3/etag.ts";
import { bypassesGovernance } from "../../s3/needed-actions.ts";
import type { GatewayParts, Operation, S3Reply, S3Request } from "../../s3/operation.ts";
import { writerId } from "../../s3/owner.ts";
import { requestedVersion } from "../../s3/version-id.ts";
import { noSuchObject } from "./find-object.ts";

/** How often a delete with conditions is tried again when what is there has changed meanwhile. */
const ATTEMPTS = 3;

/** Removes the object at a key, or hides it behind a delete marker, or removes one version for good. */
export const deleteObject: Operation = {
  name: "DeleteObject",
  method: "DELETE",
  level: "object",
  action: "DeleteObject",
  run: runDeleteObject,
};

async function runDeleteObject(request: S3Request, parts: GatewayParts): Promise<S3Reply> {
  const { query, headers } = request;
  await parts.buckets.get(request.bucket);
  const versionId = requestedVersion(query);
  const conditions = deleteConditions({
    etag: headers["if-match"],
    modified: headers["x-amz-if-match-last-modified-time"],
    size: headers["x-amz-if-match-size"],
  });
  const { bucket, key, caller, signal } = request;
  const removed = await removeObject(parts, conditions, {
    bucket,
    key,
    versionId,
    bypassesGovernance: bypassesGovernance(request),
    owner: writerId(caller),
    signal,
  }).catch(async (error: unknown) => {
    throw await noSuchObject(error, request, parts);
  });
  // A version that is not there is told as one that went.
  const shownId = removed.versionId === "" ? (versionId ?? "") : removed.versionId;
  return {
    status: 204,
    headers: {
      ...(shownId !== "" && { "x-amz-version-id": shownId }),
      ...(removed.isDeleteMarker && { "x-amz-delete-marker": "true" }),
    },
  };
}

/** What must be true of an object for it to be removed. What is not there is removed whatever was to be true of it. */
interface DeleteConditions {
  readonly etag: string | undefined;
  readonly modifiedSeconds: number | undefined;
  readonly sizeBytes: number | undefined;
}

/** The conditions as headers or the elements of a document have them; undefined without any. */
function deleteConditions(given: {
  readonly etag: string | undefined;
  readonly modified: string | undefined;
  readonly size: string | undefined;
}): DeleteConditions | undefined {
  const { etag, modified, size } = given;
  if (etag === undefined && modified === undefined && size === undefined) return undefined;
  return {
    etag: etag === undefined ? undefined : unquoted(etag),
    modifiedSeconds: modified === undefined ? undefined : Math.floor(Date.parse(modified) / 1000),
    sizeBytes: size === undefined ? undefined : Number(size),
  };
}

export interface ObjectToRemove {
  readonly bucket: string;
  readonly key: string;
  readonly versionId: string | undefined;
  readonly bypassesGovernance: boolean;
  /** Of the delete marker, if one is made. */
  readonly owner: string;
  readonly signal: AbortSignal;
}

/** Removes an object if the conditions hold of it, `PreconditionFailed` if they do not. */
export async function removeObject(
  { client }: Pick<GatewayParts, "client">,
  conditions: DeleteConditions | undefined,
  { bucket, key, ...options }: ObjectToRemove,
) {
  if (conditions === undefined) return client.objects.remove(bucket, key, options);
  for (let attempt = 1; ; attempt++) {
    const stated = await statIfThere(client, bucket, key, options);
    const precondition = preconditionOf(conditions, stated, options.versionId);
    try {
      return await client.objects.remove(bucket, key, { ...options, precondition });
    } catch (error) {
      if (!hasReason(error, "preconditionFailed", "pathExists")) throw error;
      if (attempt === ATTEMPTS) throw new S3Error("ConditionalRequestConflict", { cause: error });
    }
  }
}

/** What must still be so when the removal commits; refuses what the conditions do not hold of. */
function preconditionOf(
  conditions: DeleteConditions,
  stated: StatedObject | undefined,
  versionId: string | undefined,
): EntryPrecondition {
  if (stated?.entry !== undefined) {
    checkDelete(conditions, stated.entry);
    return { version: stated.entry.version };
  }
  if (stated !== undefined && versionId === undefined) checkMarker(conditions);
  return { mustNotExist: true };
}

async function statIfThere(
  client: GatewayParts["client"],
  bucket: string,
  key: string,
  options: Pick<ObjectToRemove, "versionId" | "signal">,
): Promise<StatedObject | undefined> {
  try {
    return await client.objects.stat(bucket, key, options);
  } catch (error) {
    if (hasReason(error, "pathNotFound", "versionNotFound", "notADirectory", "isADirectory")) {
      return undefined;
    }
    throw error;
  }
}

function checkDelete(conditions: DeleteConditions, entry: FileEntry): void {
  const { etag, modifiedSeconds, sizeBytes } = conditions;
  const holds =
    (etag === undefined || etag === "*" || etag === etagOf(entry)) &&
    (modifiedSeconds === undefined || modifiedSeconds === Math.floor(entry.modifiedMs / 1000)) &&
    (sizeBytes === undefined || sizeBytes === entry.sizeBytes);
  if (!holds) throw conditionFailed();
}

/** A delete marker is there, but has nothing that a condition could be of. */
function checkMarker({ etag, modifiedSeconds, sizeBytes }: DeleteConditions): void {
  const asksForAny = etag === "*" && modifiedSeconds === undefined && sizeBytes === undefined;
  if (!asksForAny) throw conditionFailed();
}

function conditionFailed(): S3Error {
  return new S3Error("PreconditionFailed", { details: { Condition: "If-Match" } });
}
