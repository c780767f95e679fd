import { hasReason } from "@cairnfs/base/errors";
import { CrcCombiner, combinesCrcs } from "../../checksums/crc-combine.ts";
import { checksumAlgorithm, type PayloadSums } from "../../checksums/payload-checks.ts";
import { wantedEncryption } from "../../encryption/object-encryption.ts";
import { checkWriteConditions } from "../../s3/conditions.ts";
import { invalidArgument, S3Error } from "../../s3/errors.ts";
import { etagOf } from "../../s3/etag.ts";
import { newObject } from "../../s3/new-object.ts";
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
  const { headers, body, bucket, key, signal } = request;
  requireLength(headers);
  const offsetBytes = offsetOf(request);
  const details = await parts.buckets.get(bucket);
  if (wantedEncryption(headers, details).kind !== "none") throw encrypted();
  const entry = await currentEntry(request, parts);
  checkWriteConditions(headers, key, entry && { ...entry, etag: etagOf(entry) });
  if ((entry?.sizeBytes ?? 0) !== offsetBytes) throw new S3Error("InvalidWriteOffset");
  const there = entry === undefined ? undefined : objectOf(entry, details);
  if ((there?.encryption.byteLength ?? 0) > 0) throw encrypted();
  const given = await newObject(request, parts, details);
  const [kept] = there?.checksums ?? [];
  const fallback = kept === undefined ? undefined : checksumAlgorithm(kept.algorithm);
  const payload = new ObjectPayload(body, headers, { fallback });
  const said = () => {
    const sums = payload.finish();
    if (there === undefined) return { ...given.object, ...contentAttributes(sums, undefined) };
    const checksums = combined(kept, sums, payload.passedBytes);
    return { ...there, md5: NOTHING, partCount: 0, checksums };
  };
  try {
    const { entry: written } = await parts.client.objects.put(bucket, key, await payload.source(), {
      ...(there === undefined && given.attributes),
      ...(entry === undefined
        ? { precondition: { mustNotExist: true } }
        : {
            appendAt: offsetBytes,
            // What is said of it is put again: it must be what it was when it was read.
            precondition: { version: entry.version },
            contentType: entry.contentType,
            userMetadata: entry.userMetadata,
          }),
      sizeBytes: payload.sizeBytes,
      finish: said,
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
