import { type NamedObject, readDelete } from "../../documents/delete-objects.ts";
import { AccessDecider } from "../../s3/access.ts";
import { toS3Error } from "../../s3/error-reply.ts";
import { S3Error } from "../../s3/errors.ts";
import { bypassesGovernance } from "../../s3/needed-actions.ts";
import type { GatewayParts, Operation, S3Reply, S3Request } from "../../s3/operation.ts";
import { writerId } from "../../s3/owner.ts";
import { readText } from "../../s3/read-document.ts";
import { requestedVersion } from "../../s3/version-id.ts";
import { element, textElement, xmlDocument } from "../../xml/write.ts";
import { removeObject } from "./delete-object.ts";

/** Removes up to 1,000 objects or versions, each on its own. */
export const deleteObjects: Operation = {
  name: "DeleteObjects",
  method: "POST",
  level: "bucket",
  query: "delete",
  action: "DeleteObject",
  decidesItself: true,
  run: runDeleteObjects,
};

/** So many objects are decided on in one go. */
const TURN_OBJECTS = 64;

interface Removed {
  readonly versionId: string;
  readonly isDeleteMarker: boolean;
}

type Outcome = { readonly removed: Removed } | { readonly error: S3Error };

async function runDeleteObjects(request: S3Request, parts: GatewayParts): Promise<S3Reply> {
  requireDigest(request);
  const { objects, isQuiet } = readDelete(await readText(request));
  const outcomes = await removeAll(request, parts, objects);
  if (request.caller.kind === "anonymous" && outcomes.every(isDenied)) {
    throw new S3Error("AccessDenied");
  }
  const rows = objects.map((object, index) => {
    const outcome = outcomes[index];
    if (outcome === undefined) return "";
    if ("error" in outcome) return errorXml(object, outcome.error);
    return isQuiet ? "" : removedXml(object, outcome.removed);
  });
  return { status: 200, body: xmlDocument("DeleteResult", ...rows) };
}

function isDenied(outcome: Outcome | undefined): boolean {
  return outcome !== undefined && "error" in outcome && outcome.error.code === "AccessDenied";
}

/** What would delete much must have come as it was sent. */
function requireDigest({ headers, body }: S3Request): void {
  const hasDigest =
    headers["content-md5"] !== undefined ||
    Object.keys(headers).some((name) => name.startsWith("x-amz-checksum-")) ||
    body.trailerNames.some((name) => name.startsWith("x-amz-checksum-"));
  if (!hasDigest) {
    throw new S3Error("InvalidRequest", {
      message: "Missing required header for this request: Content-MD5 OR x-amz-checksum-*",
    });
  }
}

/** Those without conditions go in one call; the others one after the other. */
async function removeAll(
  request: S3Request,
  parts: GatewayParts,
  objects: readonly NamedObject[],
): Promise<readonly (Outcome | undefined)[]> {
  const outcomes: (Outcome | undefined)[] = objects.map(() => undefined);
  const decider = new AccessDecider(request, parts);
  const plain: number[] = [];
  for (const [index, object] of objects.entries()) {
    // Nothing else may make it wait, and policies can be long: other requests get their turn.
    if (index % TURN_OBJECTS === TURN_OBJECTS - 1) await parts.clock.sleep(0, request.signal);
    const refusal = await refusalOf(decider, request, object);
    if (refusal !== undefined) outcomes[index] = { error: refusal };
    else if (hasConditions(object)) outcomes[index] = await removeOne(request, parts, object);
    else plain.push(index);
  }
  const removed = await removePlain(
    request,
    parts,
    plain.flatMap((index) => objects[index] ?? []),
  );
  for (const [at, index] of plain.entries()) outcomes[index] = removed[at];
  return outcomes;
}

async function refusalOf(
  decider: AccessDecider,
  request: S3Request,
  { key, versionId }: NamedObject,
): Promise<S3Error | undefined> {
  try {
    if (versionId !== undefined) requestedVersion(new Map([["versionId", versionId]]));
    const { bucket } = request;
    const action = versionId === undefined ? "DeleteObject" : "DeleteObjectVersion";
    const actions =
      versionId !== undefined && bypassesGovernance(request)
        ? [action, "BypassGovernanceRetention"]
        : [action];
    for (const one of actions) await decider.require({ action: one, bucket, key, versionId });
    return undefined;
  } catch (error) {
    if (error instanceof S3Error && error.code !== "NoSuchBucket") return error;
    throw error;
  }
}

function hasConditions({ etag, modifiedMs, sizeBytes }: NamedObject): boolean {
  return etag !== undefined || modifiedMs !== undefined || sizeBytes !== undefined;
}

async function removeOne(
  request: S3Request,
  parts: GatewayParts,
  { key, versionId, etag, modifiedMs, sizeBytes }: NamedObject,
): Promise<Outcome> {
  const { bucket, caller, signal } = request;
  const owner = writerId(caller);
  const modifiedSeconds = modifiedMs === undefined ? undefined : Math.floor(modifiedMs / 1000);
  try {
    const removed = await removeObject(
      parts,
      { etag, modifiedSeconds, sizeBytes },
      { bucket, key, versionId, bypassesGovernance: bypassesGovernance(request), owner, signal },
    );
    return { removed };
  } catch (error) {
    return { error: toS3Error(error, parts.logger) };
  }
}

async function removePlain(
  request: S3Request,
  parts: GatewayParts,
  objects: readonly NamedObject[],
): Promise<readonly Outcome[]> {
  if (objects.length === 0) return [];
  const { bucket, caller, signal } = request;
  const results = await parts.client.objects.removeMany(
    bucket,
    objects.map(({ key, versionId }) => ({ key, versionId })),
    { bypassesGovernance: bypassesGovernance(request), owner: writerId(caller), signal },
  );
  return results.map((result) =>
    "error" in result
      ? { error: toS3Error(result.error, parts.logger) }
      : { removed: result.removed },
  );
}

function removedXml({ key, versionId }: NamedObject, removed: Removed): string {
  const isMarker = removed.isDeleteMarker;
  return element(
    "Deleted",
    textElement("Key", key),
    textElement("VersionId", versionId),
    textElement("DeleteMarker", isMarker ? true : undefined),
    textElement("DeleteMarkerVersionId", isMarker ? removed.versionId : undefined),
  );
}

function errorXml({ key, versionId }: NamedObject, error: S3Error): string {
  return element(
    "Error",
    textElement("Key", key),
    textElement("VersionId", versionId),
    textElement("Code", error.code),
    textElement("Message", error.message),
  );
}
