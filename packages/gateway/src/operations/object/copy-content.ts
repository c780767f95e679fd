import { present } from "@cairnfs/base/assert";
import type { EntryAttributes, EntryPrecondition, FileEntry } from "@cairnfs/client";
import type { ObjectAttributes } from "@cairnfs/client/objects/object-attributes";
import type { OpenedObject } from "@cairnfs/client/objects/objects";
import type { ChecksumAlgorithm } from "../../checksums/digests.ts";
import { checksumAlgorithm, PayloadMeter } from "../../checksums/payload-checks.ts";
import { isCustomerKey } from "../../encryption/customer-key.ts";
import { decodeEncryption } from "../../encryption/encryption-record.ts";
import {
  beginEncryption,
  readEncryption,
  type WantedEncryption,
  wantedEncryption,
} from "../../encryption/object-encryption.ts";
import type { RequestedRange } from "../../s3/byte-range.ts";
import { S3Error } from "../../s3/errors.ts";
import type { GatewayParts, RequestBody, S3Request } from "../../s3/operation.ts";
import type { FoundSource } from "./copy-from.ts";
import { plainContent } from "./object-content.ts";
import { ObjectPayload } from "./object-payload.ts";
import { contentAttributes } from "./put-object.ts";

/** What becomes of the content of a source: it is shown as it is, with this said of it, or it has to be read and written anew. */
export type CopiedContent =
  | {
      readonly kind: "shared";
      readonly said: Pick<ObjectAttributes, "md5" | "partCount" | "checksums" | "encryption">;
    }
  | { readonly kind: "recoded" };

/** Bytes move only where they are to be encrypted in another way; they are read where a checksum is asked for that nobody took. */
export async function copiedContent(
  request: S3Request,
  parts: GatewayParts,
  source: FoundSource,
  wanted: WantedEncryption,
): Promise<CopiedContent> {
  const { md5, partCount, checksums, encryption } = source.object;
  await readEncryption(encryption, request.headers, parts, true);
  if (!staysEncrypted(encryption, wanted)) return { kind: "recoded" };
  const asked = askedAlgorithm(request);
  const hasAsked =
    asked === undefined ||
    checksums.some(({ algorithm, isComposite }) => algorithm === asked && !isComposite);
  if (hasAsked) return { kind: "shared", said: { md5, partCount, checksums, encryption } };
  const value = await checksumOf(request, parts, source, asked);
  const taken = [{ algorithm: asked, isComposite: false, value }];
  return { kind: "shared", said: { md5, partCount, checksums: taken, encryption } };
}

/** What is encrypted with the cluster's keys stays so also where that is not asked for. */
function staysEncrypted(record: Uint8Array, wanted: WantedEncryption): boolean {
  const decoded = decodeEncryption(record);
  if (decoded === undefined) return wanted.kind === "none";
  if (decoded.kind === "cluster") return wanted.kind !== "customer";
  return wanted.kind === "customer" && isCustomerKey(wanted.key, decoded);
}

/** The checksum that a copy is to have; `undefined`: its source's. */
function askedAlgorithm({ headers }: S3Request): ChecksumAlgorithm | undefined {
  const name = headers["x-amz-checksum-algorithm"];
  if (name === undefined) return undefined;
  const algorithm = checksumAlgorithm(name);
  if (algorithm !== undefined) return algorithm;
  throw new S3Error("InvalidRequest", {
    message:
      "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]",
  });
}

async function checksumOf(
  request: S3Request,
  parts: GatewayParts,
  source: FoundSource,
  algorithm: ChecksumAlgorithm,
): Promise<Uint8Array> {
  const meter = new PayloadMeter({ md5: undefined, checksum: undefined }, algorithm);
  for await (const piece of sourceContent(
    request,
    parts,
    await openSource(request, parts, source),
  )) {
    meter.update(piece);
  }
  const { checksum } = meter.finish(new Map());
  return present(checksum, `no ${algorithm} was taken`).value;
}

/** Opens the source of a copy, which must be what was found. */
export async function openSource(
  { signal }: S3Request,
  { client }: GatewayParts,
  { named, entry }: FoundSource,
  offsetBytes = 0,
): Promise<OpenedObject> {
  const { bucket, key, versionId } = named;
  const opened = await client.objects.get(bucket, key, { versionId, offsetBytes, signal });
  if (opened.entry?.inodeId === entry.inodeId) return opened;
  throw new S3Error("OperationAborted");
}

/** The plain bytes of the source of a copy, or of a range of them. */
export function sourceContent(
  { headers, signal }: S3Request,
  parts: GatewayParts,
  opened: OpenedObject,
  range?: RequestedRange,
): AsyncIterable<Uint8Array> {
  return plainContent(opened, { range, headers, isOfSource: true, signal }, parts);
}

/** The content of a source as the body of a request. */
export function sourceBody(bytes: AsyncIterable<Uint8Array>, sizeBytes: number): RequestBody {
  return {
    lengthBytes: sizeBytes,
    trailers: new Map(),
    trailerNames: [],
    [Symbol.asyncIterator]: () => bytes[Symbol.asyncIterator](),
  };
}

interface RecodedTerms extends Pick<EntryAttributes, "contentType" | "userMetadata"> {
  readonly precondition: EntryPrecondition | undefined;
  readonly object: Partial<ObjectAttributes>;
}

/** Reads the source and writes it anew, encrypted as the request wants it. */
export async function recodedCopy(
  request: S3Request,
  parts: GatewayParts,
  source: FoundSource,
  { object, ...terms }: RecodedTerms,
): Promise<FileEntry> {
  const { headers, signal } = request;
  const bucket = await parts.buckets.get(request.bucket);
  const encryption = await beginEncryption(wantedEncryption(headers, bucket), parts);
  const bytes = sourceContent(request, parts, await openSource(request, parts, source));
  const payload = new ObjectPayload(
    sourceBody(bytes, source.entry.sizeBytes),
    {},
    {
      cipher: encryption?.cipher,
      fallback: askedAlgorithm(request) ?? keptAlgorithm(source),
      limitBytes: source.entry.sizeBytes,
    },
  );
  const { entry } = await parts.client.objects.put(
    request.bucket,
    request.key,
    await payload.source(),
    {
      ...terms,
      sizeBytes: payload.sizeBytes,
      finish: () => ({ ...object, ...contentAttributes(payload.finish(), encryption) }),
      signal,
    },
  );
  return entry;
}

function keptAlgorithm({ object }: FoundSource): ChecksumAlgorithm | undefined {
  const [kept] = object.checksums;
  return kept === undefined ? undefined : checksumAlgorithm(kept.algorithm);
}
