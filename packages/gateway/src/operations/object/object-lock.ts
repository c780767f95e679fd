import type { ObjectAttributes } from "@cairnfs/client/objects/object-attributes";
import { RetentionMode } from "@cairnfs/protocol/gen/cairn/v1/buckets_pb";
import {
  type ObjectRetention,
  readLegalHold,
  readRetention,
  retentionXml,
} from "../../documents/object-lock.ts";
import { lockedError } from "../../s3/error-reply.ts";
import { S3Error } from "../../s3/errors.ts";
import { bypassesGovernance } from "../../s3/needed-actions.ts";
import type { GatewayParts, Operation, S3Request } from "../../s3/operation.ts";
import { readText } from "../../s3/read-document.ts";
import { retentionMode, retentionWord } from "../../s3/retention-word.ts";
import { textElement, xmlDocument } from "../../xml/write.ts";
import { changeObject, findObject, versionHeaders } from "./object-facts.ts";

/** Kept among the object's headers once a hold was set: it is OFF whenever it is not on. */
const HOLD = "x-amz-object-lock-legal-hold";

export const getObjectRetention: Operation = {
  name: "GetObjectRetention",
  method: "GET",
  level: "object",
  query: "retention",
  action: "GetObjectRetention",
  async run(request, parts) {
    await requireLock(request, parts);
    const found = await findObject(request, parts);
    const retention = retentionOf(found.object);
    if (retention === undefined) throw new S3Error("NoSuchObjectLockConfiguration");
    return { status: 200, body: xmlDocument("Retention", retentionXml(retention)) };
  },
};

export const putObjectRetention: Operation = {
  name: "PutObjectRetention",
  method: "PUT",
  level: "object",
  query: "retention",
  action: "PutObjectRetention",
  async run(request, parts) {
    await requireLock(request, parts);
    const retention = readRetention(await readText(request), parts.clock.now());
    const kept = {
      retentionMode:
        retention === undefined ? RetentionMode.UNSPECIFIED : retentionMode(retention.mode),
      retainUntilMs: retention?.untilMs ?? 0,
    };
    const bypasses = bypassesGovernance(request);
    const found = await changeObject(
      request,
      parts,
      ({ object }) => {
        const isKept =
          object.retentionMode === RetentionMode.GOVERNANCE &&
          object.retainUntilMs > parts.clock.now();
        const isOther = isKept && kept.retentionMode !== RetentionMode.GOVERNANCE;
        if (isOther && !bypasses) throw lockedError(undefined);
        return kept;
      },
      bypasses,
    );
    return { status: 200, headers: versionHeaders(found) };
  },
};

export const getObjectLegalHold: Operation = {
  name: "GetObjectLegalHold",
  method: "GET",
  level: "object",
  query: "legal-hold",
  action: "GetObjectLegalHold",
  async run(request, parts) {
    await requireLock(request, parts);
    const { object } = await findObject(request, parts);
    const status = object.hasLegalHold ? "ON" : object.headers[HOLD];
    if (status === undefined) throw new S3Error("NoSuchObjectLockConfiguration");
    return { status: 200, body: xmlDocument("LegalHold", textElement("Status", status)) };
  },
};

export const putObjectLegalHold: Operation = {
  name: "PutObjectLegalHold",
  method: "PUT",
  level: "object",
  query: "legal-hold",
  action: "PutObjectLegalHold",
  async run(request, parts) {
    await requireLock(request, parts);
    const hasLegalHold = readLegalHold(await readText(request));
    const found = await changeObject(request, parts, ({ object }) => ({
      hasLegalHold,
      headers: { ...object.headers, [HOLD]: "OFF" },
    }));
    return { status: 200, headers: versionHeaders(found) };
  },
};

async function requireLock(request: S3Request, parts: GatewayParts): Promise<void> {
  const { hasObjectLock } = await parts.buckets.get(request.bucket);
  if (!hasObjectLock) {
    throw new S3Error("InvalidRequest", {
      message: "Bucket is missing Object Lock Configuration",
    });
  }
}

function retentionOf({
  retentionMode: kept,
  retainUntilMs,
}: Pick<ObjectAttributes, "retentionMode" | "retainUntilMs">): ObjectRetention | undefined {
  const mode = retentionWord(kept);
  return mode === undefined ? undefined : { mode, untilMs: retainUntilMs };
}
