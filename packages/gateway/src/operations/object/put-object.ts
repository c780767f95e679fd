import type { FileEntry } from "@cairnfs/client";
import type { ObjectAttributes } from "@cairnfs/client/objects/object-attributes";
import type { ChecksumAlgorithm } from "../../checksums/digests.ts";
import type { PayloadSums } from "../../checksums/payload-checks.ts";
import type { GatewayConfig } from "../../config.ts";
import {
  beginEncryption,
  type WriteEncryption,
  wantedEncryption,
} from "../../encryption/object-encryption.ts";
import { S3Error } from "../../s3/errors.ts";
import { etagOf, quoted } from "../../s3/etag.ts";
import { expirationHeaders } from "../../s3/expiration.ts";
import { newObject } from "../../s3/new-object.ts";
import type { GatewayParts, Operation, S3Reply, S3Request } from "../../s3/operation.ts";
import { checksumHeaders } from "../../s3/shown-checksum.ts";
import { noSuchObject } from "./find-object.ts";
import { MEMORY_PATIENCE_MS, ObjectPayload, requireLength } from "./object-payload.ts";
import { lostRace, writePrecondition } from "./write-conditions.ts";

/** Makes the body of the request the object at a key, whole or not at all. */
export const putObject: Operation = {
  name: "PutObject",
  method: "PUT",
  level: "object",
  action: "PutObject",
  run: runPutObject,
};

async function runPutObject(request: S3Request, parts: GatewayParts): Promise<S3Reply> {
  const { headers, body, signal } = request;
  refuseStrayParameters(request);
  requireLength(headers);
  const bucket = await parts.buckets.get(request.bucket);
  const { attributes, object } = await newObject(request, parts, bucket);
  const encryption = await beginEncryption(wantedEncryption(headers, bucket), parts);
  const payload = new ObjectPayload(body, headers, {
    cipher: encryption?.cipher,
    fallback: defaultChecksum(parts.config),
  });
  const precondition = await writePrecondition(request, parts);
  try {
    const source = await payload.source();
    const { entry } = await parts.client.objects.put(request.bucket, request.key, source, {
      ...attributes,
      precondition,
      sizeBytes: payload.sizeBytes,
      memoryPatienceMs: MEMORY_PATIENCE_MS,
      finish: () => ({ ...object, ...contentAttributes(payload.finish(), encryption) }),
      signal,
    });
    const headers = {
      ...writtenHeaders(entry, encryption),
      ...expirationHeaders(bucket, request.key, entry),
    };
    return { status: 200, headers };
  } catch (error) {
    throw await noSuchObject(await lostRace(error, request, parts), request, parts);
  }
}

/** What was meant for a part or a version does not become, or replace, a whole object. */
function refuseStrayParameters({ query }: S3Request): void {
  for (const name of ["partNumber", "versionId"]) {
    const value = query.get(name);
    if (value === undefined) continue;
    throw new S3Error("InvalidArgument", {
      message: `This operation does not accept ${name} by itself.`,
      details: { ArgumentName: name, ArgumentValue: value },
    });
  }
}

/** The checksum of objects whose writer gives none. */
export function defaultChecksum(
  config: Pick<GatewayConfig, "defaultChecksum">,
): ChecksumAlgorithm | undefined {
  return config.defaultChecksum === "none" ? undefined : config.defaultChecksum;
}

/** What is kept of a content that was written: its digests and how it is encrypted. */
export function contentAttributes(
  sums: PayloadSums,
  encryption: WriteEncryption | undefined,
): Pick<ObjectAttributes, "md5" | "checksums" | "encryption"> {
  const { md5, checksum } = sums;
  return {
    md5: encryption?.etag(md5) ?? md5,
    checksums: checksum === undefined ? [] : [{ ...checksum, isComposite: false }],
    encryption: encryption?.record ?? NOT_ENCRYPTED,
  };
}

const NOT_ENCRYPTED = new Uint8Array(0);

/** What the reply says of an object that was written. */
export function writtenHeaders(
  entry: FileEntry,
  encryption: WriteEncryption | undefined,
): Record<string, string> {
  return {
    etag: quoted(etagOf(entry)),
    ...(entry.object !== undefined && checksumHeaders(entry.object)),
    // As S3: what is put while versioning is suspended is not told its id.
    ...(entry.versionId !== undefined &&
      entry.versionId !== "null" && { "x-amz-version-id": entry.versionId }),
    ...encryption?.headers,
  };
}
