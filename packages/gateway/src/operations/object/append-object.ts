import { hasReason } from "@cairnfs/base/errors";
import type { FileEntry } from "@cairnfs/client";
import type { ObjectAttributes } from "@cairnfs/client/objects/object-attributes";
import type { PutObjectOptions } from "@cairnfs/client/objects/objects";
import { CrcCombiner, combinesCrcs } from "../../checksums/crc-combine.ts";
import { checksumAlgorithm, type PayloadSums } from "../../checksums/payload-checks.ts";
import { wantedEncryption } from "../../encryption/object-encryption.ts";
import { checkWriteConditions } from "../../s3/conditions.ts";
import { invalidArgument, S3Error } from "../../s3/errors.ts";
import { etagOf } from "../../s3/etag.ts";
import { type NewObject, newObject } from "../../s3/new-object.ts";
import type { GatewayParts, Operation, S3Reply, S3Request } from "../../s3/operation.ts";
import { noSuchObject } from "./find-object.ts";
import { objectOf } from "./object-facts.ts";
import { ObjectPayload, requireLength } from "./object-payload.ts";
import { contentAttributes, writtenHeaders } from "./put-object.ts";
import { currentEntry } from "./write-conditions.ts";

const HEADER = "x-amz-write-offset-bytes";
const NOTHING = new Uint8Array(0);

/** Adds the body of the request to the object that is there, at its end; at 0 it makes an object that is not there. */
export const appendObject: Operation = {
  name: "PutObject",
  method: "PUT",
  level: "object",
  header: HEADER,
  action: "PutObject",
  run: runAppendObject,
};

async function runAppendObject(request: S3Request, parts: GatewayParts): Promise<S3Reply> {
  const { headers, bucket, key, signal } = request;
  requireLength(headers);
  const offsetBytes = offsetOf(request);
  const details = await parts.buckets.get(bucket);
  if (wantedEncryption(headers, details).kind !== "none") throw encrypted();
  const entry = await currentEntry(request, parts);
  checkWriteConditions(headers, key, entry && { ...entry, etag: etagOf(entry) });
  if ((entry?.sizeBytes ?? 0) !== offsetBytes) throw new S3Error("InvalidWriteOffset");
  const given = await newObject(request, parts, details);
  const { payload, options } =
    entry === undefined
      ? firstBytes(request, given)
      : addedBytes(request, entry, objectOf(entry, details));
  try {
    const { entry: written } = await parts.client.objects.put(bucket, key, await payload.source(), {
      ...options,
      sizeBytes: payload.sizeBytes,
      signal,
    });
    return {
      status: 200,
      headers: {
        ...writtenHeaders(written, undefined),
        "x-amz-object-size": String(written.sizeBytes),
      },
    };
  } catch (error) {
    if (hasReason(error, "preconditionFailed", "pathExists")) {
      const sizeBytes = (await currentEntry(request, parts))?.sizeBytes ?? 0;
      const code = sizeBytes === offsetBytes ? "OperationAborted" : "InvalidWriteOffset";
      throw new S3Error(code, { cause: error });
    }
    throw await noSuchObject(error, request, parts);
  }
}

/** What is put, and how. */
interface Append {
  readonly payload: ObjectPayload;
  readonly options: PutObjectOptions;
}

/** Bytes that become an object, which must not be there. */
function firstBytes({ body, headers }: S3Request, { attributes, object }: NewObject): Append {
  const payload = new ObjectPayload(body, headers);
  const finish = () => ({ ...object, ...contentAttributes(payload.finish(), undefined) });
  return { payload, options: { ...attributes, precondition: { mustNotExist: true }, finish } };
}

/** Bytes that come behind those that are there. */
function addedBytes(
  { body, headers }: S3Request,
  { sizeBytes, version, contentType, userMetadata }: FileEntry,
  there: ObjectAttributes,
): Append {
  if (there.encryption.byteLength > 0) throw encrypted();
  const [kept] = there.checksums;
  const fallback = kept === undefined ? undefined : checksumAlgorithm(kept.algorithm);
  const payload = new ObjectPayload(body, headers, { fallback });
  const finish = () => {
    const checksums = combined(kept, payload.finish(), payload.passedBytes);
    return { ...there, md5: NOTHING, partCount: 0, checksums };
  };
  // What is said of it is put again: it must be what it was when it was read.
  const precondition = { version };
  return {
    payload,
    options: { appendAt: sizeBytes, precondition, contentType, userMetadata, finish },
  };
}

function offsetOf({ headers }: S3Request): number {
  const text = headers[HEADER] ?? "";
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw invalidArgument(HEADER, text, `${HEADER} is a number of bytes`);
}

/** The checksum of what was there and what came, where it can be computed of theirs. */
function combined(
  kept:
    | { readonly algorithm: string; readonly isComposite: boolean; readonly value: Uint8Array }
    | undefined,
  { checksum }: PayloadSums,
  addedBytes: number,
) {
  if (kept === undefined || kept.isComposite || checksum?.algorithm !== kept.algorithm) return [];
  const { algorithm } = checksum;
  if (!combinesCrcs(algorithm)) return [];
  const value = new CrcCombiner(algorithm).combine(kept.value, checksum.value, addedBytes);
  return [{ algorithm, isComposite: false, value }];
}

function encrypted(): S3Error {
  return new S3Error("NotImplemented", {
    message: "Adding to objects that are encrypted is not implemented.",
  });
}
