import { hasReason } from "@cairnfs/base/errors";
import type { EntryPrecondition, FileEntry } from "@cairnfs/client";
import { decodeUri } from "../../http/addressing.ts";
import { AccessDecider, isOwner } from "../../s3/access.ts";
import { bucketRules } from "../../s3/bucket-rules.ts";
import { checkWriteConditions, hasWriteConditions } from "../../s3/conditions.ts";
import { invalidArgument, S3Error } from "../../s3/errors.ts";
import { etagOf } from "../../s3/etag.ts";
import type { GatewayParts, Operation, S3Reply, S3Request } from "../../s3/operation.ts";
import { currentEntry, lostRace, writePrecondition } from "./write-conditions.ts";

const SOURCE = "x-amz-rename-source";

/** Moves an object within its bucket or, when both keys end with "/", all objects of a prefix: at once, whatever their size and number. */
export const renameObject: Operation = {
  name: "RenameObject",
  method: "PUT",
  level: "object",
  query: "renameObject",
  action: "PutObject",
  run: runRenameObject,
};

async function runRenameObject(request: S3Request, parts: GatewayParts): Promise<S3Reply> {
  const { bucket, key, signal } = request;
  const sourceKey = sourceOf(request);
  const isPrefix = sourceKey.endsWith("/") && key.endsWith("/");
  await requireMayMove(request, parts, sourceKey, isPrefix);
  const source = { ...request, key: sourceKey, headers: sourceConditions(request) };
  const sourcePrecondition = isPrefix ? undefined : await writePreconditionOf(source, parts);
  const precondition = await writePrecondition(request, parts);
  try {
    await parts.client.objects.rename(bucket, sourceKey, key, {
      isPrefix,
      precondition,
      sourcePrecondition,
      signal,
    });
  } catch (error) {
    if (hasReason(error, "pathNotFound", "notADirectory", "isADirectory")) {
      throw new S3Error("NoSuchKey", { details: { Key: sourceKey }, cause: error });
    }
    if (hasReason(error, "renameIntoSelf")) {
      throw new S3Error("InvalidRequest", { message: error.message, cause: error });
    }
    throw await lostRace(error, request, parts);
  }
  return { status: 200 };
}

/** The key of the source; the name of the bucket may stand before it. */
function sourceOf({ headers, bucket }: S3Request): string {
  const header = headers[SOURCE];
  if (header === undefined || header === "") {
    throw invalidArgument(SOURCE, "", `${SOURCE} names the object that is to be renamed`);
  }
  const decoded = decodeUri(header);
  const prefix = `/${bucket}/`;
  return decoded.startsWith(prefix) ? decoded.slice(prefix.length) : decoded;
}

/** Which policies would deny for what is below a prefix nobody has looked at: it is for owners, where no policy denies anything. */
async function requireMayMove(
  request: S3Request,
  parts: GatewayParts,
  sourceKey: string,
  isPrefix: boolean,
): Promise<void> {
  const { bucket, caller } = request;
  const decider = new AccessDecider(request, parts);
  for (const action of ["GetObject", "DeleteObject"]) {
    await decider.require({ action, bucket, key: sourceKey });
  }
  if (!isPrefix) return;
  const details = await parts.buckets.get(bucket);
  const { policy } = bucketRules(details);
  const isRoot = caller.kind === "user" && caller.isRoot;
  const denies = policy?.statements.some(({ effect }) => effect === "deny") === true;
  const hasOwnPolicies = caller.kind === "user" && Object.keys(caller.policies).length > 0;
  const mayMove = isRoot || (isOwner(caller, details.owner) && !hasOwnPolicies);
  if (!mayMove || denies) throw new S3Error("AccessDenied");
}

/** The conditions on the source, under the names that conditions on targets have. */
function sourceConditions({ headers }: S3Request): S3Request["headers"] {
  return {
    "if-match": headers[`${SOURCE}-if-match`],
    "if-none-match": headers[`${SOURCE}-if-none-match`],
  };
}

async function writePreconditionOf(
  source: S3Request,
  parts: GatewayParts,
): Promise<EntryPrecondition | undefined> {
  if (!hasWriteConditions(source.headers)) return undefined;
  const entry: FileEntry | undefined = await currentEntry(source, parts);
  checkWriteConditions(source.headers, source.key, entry && { ...entry, etag: etagOf(entry) });
  return entry === undefined ? undefined : { version: entry.version };
}
