import { hasReason } from "@cairnfs/base/errors";
import type { EntryPrecondition, FileEntry } from "@cairnfs/client";
import { checkWriteConditions, hasWriteConditions } from "../../s3/conditions.ts";
import { S3Error } from "../../s3/errors.ts";
import { etagOf } from "../../s3/etag.ts";
import type { GatewayParts, S3Request } from "../../s3/operation.ts";

/**
 * What must be true of the tree when a write commits, so that its conditions hold then as they hold by now. Undefined for a write without
 * conditions; one whose conditions do not hold is refused.
 */
export async function writePrecondition(
  request: S3Request,
  parts: GatewayParts,
): Promise<EntryPrecondition | undefined> {
  const { headers, key } = request;
  if (!hasWriteConditions(headers)) return undefined;
  // Nothing needs to be read for what the commit decides by itself.
  if (headers["if-match"] === undefined && headers["if-none-match"]?.trim() === "*") {
    return { mustNotExist: true };
  }
  const entry = await currentEntry(request, parts);
  checkWriteConditions(headers, key, entry && { ...entry, etag: etagOf(entry) });
  return entry === undefined ? { mustNotExist: true } : { version: entry.version };
}

/** What a client is told when the tree has changed meanwhile: what its conditions are worth by now; any other error as it is. */
export async function lostRace(
  error: unknown,
  request: S3Request,
  parts: GatewayParts,
): Promise<unknown> {
  if (!hasReason(error, "pathExists", "preconditionFailed")) return error;
  const entry = await currentEntry(request, parts);
  try {
    checkWriteConditions(request.headers, request.key, entry && { ...entry, etag: etagOf(entry) });
  } catch (failed) {
    return failed;
  }
  return new S3Error("ConditionalRequestConflict", { cause: error });
}

/** The newest version at the key, if there is one and it is no delete marker. */
export async function currentEntry(
  { bucket, key, signal }: Pick<S3Request, "bucket" | "key" | "signal">,
  { client }: Pick<GatewayParts, "client">,
): Promise<FileEntry | undefined> {
  try {
    return (await client.objects.stat(bucket, key, { signal })).entry;
  } catch (error) {
    if (hasReason(error, "pathNotFound", "notADirectory", "isADirectory")) return undefined;
    throw error;
  }
}
