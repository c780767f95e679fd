import { hasReason } from "@cairnfs/base/errors";
import type { BucketDetails, EntryAttributes, FileEntry } from "@cairnfs/client";
import type { ObjectAttributes } from "@cairnfs/client/objects/object-attributes";
import { encryptionHeadersOf, wantedEncryption } from "../../encryption/object-encryption.ts";
import { AccessDecider } from "../../s3/access.ts";
import { type CopySource, copySource } from "../../s3/copy-source.ts";
import { S3Error } from "../../s3/errors.ts";
import { etagOf, quoted } from "../../s3/etag.ts";
import { newObject } from "../../s3/new-object.ts";
import type { GatewayParts, Operation, S3Reply, S3Request } from "../../s3/operation.ts";
import { checksumXml } from "../../s3/shown-checksum.ts";
import { textElement, xmlDocument, xmlTime } from "../../xml/write.ts";
import { type CopiedContent, copiedContent, recodedCopy } from "./copy-content.ts";
import { type FoundSource, findSource } from "./copy-from.ts";
import { lostRace, writePrecondition } from "./write-conditions.ts";

/** How often a copy is begun again whose source was replaced meanwhile. */
const ATTEMPTS = 3;

/** Makes an object of another, or of a version of it, or of itself with something else said of it. */
export const copyObject: Operation = {
  name: "CopyObject",
  method: "PUT",
  level: "object",
  header: "x-amz-copy-source",
  action: "PutObject",
  run: runCopyObject,
};

async function runCopyObject(request: S3Request, parts: GatewayParts): Promise<S3Reply> {
  const named = copySource(request.headers);
  if (named === undefined) throw new S3Error("InvalidRequest");
  const bucket = await parts.buckets.get(request.bucket);
  for (let attempt = 1; ; attempt++) {
    const source = await findSource(request, parts, named);
    refuseSelfCopy(request, named, source);
    const terms = await copyTerms(request, parts, bucket, source);
    const precondition = await writePrecondition(request, parts);
    try {
      const entry = await makeCopy(request, parts, { source, terms, precondition });
      return copyReply(entry, source);
    } catch (error) {
      const mayBeSource = hasReason(error, "preconditionFailed", "pathNotFound", "versionNotFound");
      if (mayBeSource && attempt < ATTEMPTS) continue;
      throw await lostRace(error, request, parts);
    }
  }
}

/** What is said of a copy, and of its content. */
interface CopyTerms {
  readonly attributes: Pick<EntryAttributes, "contentType" | "userMetadata">;
  readonly object: Partial<ObjectAttributes>;
  readonly content: CopiedContent;
}

async function makeCopy(
  request: S3Request,
  parts: GatewayParts,
  {
    source,
    terms,
    precondition,
  }: {
    readonly source: FoundSource;
    readonly terms: CopyTerms;
    readonly precondition: Awaited<ReturnType<typeof writePrecondition>>;
  },
): Promise<FileEntry> {
  const { bucket, key, signal } = request;
  const { attributes, object, content } = terms;
  if (content.kind === "recoded") {
    return recodedCopy(request, parts, source, { ...attributes, precondition, object });
  }
  const from = {
    bucket: source.named.bucket,
    key: source.named.key,
    versionId: source.named.versionId,
    inodeId: source.entry.inodeId,
  };
  return parts.client.objects.copy(from, bucket, key, {
    ...attributes,
    precondition,
    object: { ...object, ...content.said },
    signal,
  });
}

type Directive = "COPY" | "REPLACE";

function directive(request: S3Request, name: "metadata" | "tagging"): Directive {
  const header = request.headers[`x-amz-${name}-directive`]?.toUpperCase() ?? "COPY";
  if (header === "COPY" || header === "REPLACE") return header;
  throw new S3Error("InvalidArgument", { message: `Unknown ${name} directive.` });
}

/** What would leave an object just as it is, is refused. */
function refuseSelfCopy(request: S3Request, named: CopySource, { versionId }: FoundSource): void {
  const { headers, bucket, key } = request;
  const isSame =
    named.bucket === bucket &&
    named.key === key &&
    (named.versionId === undefined || versionId === "");
  const changes =
    directive(request, "metadata") === "REPLACE" ||
    directive(request, "tagging") === "REPLACE" ||
    [
      "x-amz-storage-class",
      "x-amz-website-redirect-location",
      "x-amz-server-side-encryption",
      "x-amz-server-side-encryption-customer-algorithm",
      "x-amz-checksum-algorithm",
    ].some((name) => headers[name] !== undefined);
  if (!isSame || changes) return;
  throw new S3Error("InvalidRequest", {
    message:
      "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
  });
}

async function copyTerms(
  request: S3Request,
  parts: GatewayParts,
  bucket: BucketDetails,
  source: FoundSource,
): Promise<CopyTerms> {
  const replaces = directive(request, "metadata") === "REPLACE";
  const replacesTags = directive(request, "tagging") === "REPLACE";
  if (!replacesTags) await requireTags(request, parts, source);
  const given = await newObject(request, parts, bucket);
  const content = await copiedContent(
    request,
    parts,
    source,
    wantedEncryption(request.headers, bucket),
  );
  const { entry, object } = source;
  return {
    attributes: replaces
      ? given.attributes
      : { contentType: entry.contentType, userMetadata: entry.userMetadata },
    object: {
      ...given.object,
      headers: replaces
        ? (given.object.headers ?? {})
        : { ...copiedHeaders(object.headers), ...ownHeaders(given.object.headers ?? {}) },
      tags: replacesTags ? (given.object.tags ?? {}) : object.tags,
    },
    content,
  };
}

/** Who copies tags has to be allowed to read them. */
async function requireTags(
  request: S3Request,
  parts: GatewayParts,
  { named, object }: FoundSource,
): Promise<void> {
  if (Object.keys(object.tags).length === 0) return;
  const action = named.versionId === undefined ? "GetObjectTagging" : "GetObjectVersionTagging";
  await new AccessDecider(request, parts).require({ ...named, action });
}

/** What a copy has of its own, whatever its source had. */
const OWN_HEADERS = [
  "x-amz-object-lock-legal-hold",
  "x-amz-storage-class",
  "x-amz-website-redirect-location",
];

function copiedHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !OWN_HEADERS.includes(name)),
  );
}

function ownHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => OWN_HEADERS.includes(name)));
}

function copyReply(entry: FileEntry, source: FoundSource): S3Reply {
  const body = xmlDocument(
    "CopyObjectResult",
    textElement("LastModified", xmlTime(entry.modifiedMs)),
    textElement("ETag", quoted(etagOf(entry))),
    entry.object === undefined ? "" : checksumXml(entry.object),
  );
  return {
    status: 200,
    headers: {
      ...(entry.versionId !== undefined && { "x-amz-version-id": entry.versionId }),
      ...(source.versionId !== "" && { "x-amz-copy-source-version-id": source.versionId }),
      ...encryptionHeadersOf(entry.object?.encryption),
    },
    body,
  };
}
