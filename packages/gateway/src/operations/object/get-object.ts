import type { FileEntry } from "@cairnfs/client";
import type { ObjectPart } from "@cairnfs/client/objects/multiparts";
import type { StatedObject } from "@cairnfs/client/objects/objects";
import { readEncryption } from "../../encryption/object-encryption.ts";
import {
  contentRange,
  likelyStart,
  type RequestedRange,
  requestedRange,
} from "../../s3/byte-range.ts";
import { checkReadConditions } from "../../s3/conditions.ts";
import { invalidArgument, S3Error } from "../../s3/errors.ts";
import { etagOf, quoted } from "../../s3/etag.ts";
import { expirationHeaders } from "../../s3/expiration.ts";
import { objectHeaders } from "../../s3/object-headers.ts";
import type { GatewayParts, Operation, S3Reply, S3Request } from "../../s3/operation.ts";
import { checksumHeaders } from "../../s3/shown-checksum.ts";
import { requestedVersion } from "../../s3/version-id.ts";
import { partNumberOf } from "../multipart/find-upload.ts";
import { deleteMarkerError, noSuchObject } from "./find-object.ts";
import { contentBody, partRange, plainContent } from "./object-content.ts";

/** The bytes of an object, or of a range of it. */
export const getObject: Operation = {
  name: "GetObject",
  method: "GET",
  level: "object",
  action: "GetObject",
  checksEntry: true,
  run: runGetObject,
};

/** What is said of an object. */
export const headObject: Operation = {
  name: "HeadObject",
  method: "HEAD",
  level: "object",
  action: "GetObject",
  checksEntry: true,
  run: runHeadObject,
};

async function runGetObject(request: S3Request, parts: GatewayParts): Promise<S3Reply> {
  const { bucket, key, query, headers, signal } = request;
  checkAsked(request);
  const opened = await found(request, parts, () =>
    parts.client.objects.get(bucket, key, {
      versionId: requestedVersion(query),
      offsetBytes: likelyStart(headers.range),
      signal,
    }),
  );
  const { reply, range } = await describe(request, parts, opened);
  const wanted = { range, headers, signal };
  if (Number(reply.headers["content-length"]) > GATHERED_BYTES_MAX) {
    return { ...reply, ...contentBody(opened, wanted, parts) };
  }
  return { ...reply, body: await gathered(plainContent(opened, wanted, parts)) };
}

/** Replies up to here are sent in one go. */
const GATHERED_BYTES_MAX = 64 * 1024;

async function gathered(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  // Each is good until the next one is asked for only.
  for await (const piece of body) pieces.push(Uint8Array.from(piece));
  const [first = NONE] = pieces;
  return pieces.length > 1 ? Buffer.concat(pieces) : first;
}

async function runHeadObject(request: S3Request, parts: GatewayParts): Promise<S3Reply> {
  const { bucket, key, query, signal } = request;
  checkAsked(request);
  const stated = await found(request, parts, () =>
    parts.client.objects.stat(bucket, key, { versionId: requestedVersion(query), signal }),
  );
  return (await describe(request, parts, stated)).reply;
}

async function found<T extends StatedObject>(
  request: S3Request,
  parts: GatewayParts,
  ask: () => Promise<T>,
): Promise<T> {
  await parts.buckets.get(request.bucket);
  const stated = await ask().catch(async (error: unknown) => {
    throw await noSuchObject(error, request, parts);
  });
  await request.checkEntry?.(stated.entry);
  return stated;
}

interface Described {
  readonly reply: { readonly status: number; readonly headers: Record<string, string> };
  readonly range: RequestedRange | undefined;
}

/** The reply without its body: what is said of the object, its conditions and its range kept. */
async function describe(
  request: S3Request,
  parts: GatewayParts,
  { entry, version }: StatedObject,
): Promise<Described> {
  const { headers, query } = request;
  if (entry === undefined) throw deleteMarkerError(request, version, query.has("versionId"));
  const { object } = entry;
  const encryption = await readEncryption(object?.encryption ?? NONE, headers, parts);
  const etag = etagOf(entry);
  const identity = {
    etag: quoted(etag),
    ...(version.versionId !== "" && { "x-amz-version-id": version.versionId }),
  };
  const said = objectHeaders(entry, object);
  checkReadConditions(
    headers,
    { etag, modifiedMs: entry.modifiedMs },
    {
      ...identity,
      "last-modified": said["last-modified"] ?? "",
    },
  );
  const range = await rangeOf(request, entry, parts);
  const isCurrent = !query.has("versionId");
  const bucket = await parts.buckets.get(request.bucket);
  const expiration = isCurrent ? expirationHeaders(bucket, request.key, entry) : {};
  const reply = {
    status: range === undefined ? 200 : 206,
    headers: {
      ...said,
      ...identity,
      ...checksums(request, entry, range),
      ...encryption?.headers,
      ...expiration,
      ...overrides(request),
      ...lengths(range, entry),
      ...partCount(request, entry),
    },
  };
  return { reply, range };
}

/** Asked for, and of just the bytes that are sent. */
function checksums(
  { headers }: S3Request,
  entry: FileEntry,
  range: PartRange | undefined,
): Record<string, string> {
  if (headers["x-amz-checksum-mode"]?.toUpperCase() !== "ENABLED") return {};
  if (range?.part !== undefined) return checksumHeaders(range.part.object);
  const isWhole = range === undefined || isAll(range, entry);
  return isWhole && entry.object !== undefined ? checksumHeaders(entry.object) : {};
}

type PartRange = RequestedRange & { readonly part?: ObjectPart | undefined };

const NONE = new Uint8Array(0);

function isAll({ firstByte, lastByte }: RequestedRange, { sizeBytes }: FileEntry): boolean {
  return firstByte === 0 && lastByte === sizeBytes - 1;
}

function lengths(
  range: RequestedRange | undefined,
  { sizeBytes }: FileEntry,
): Record<string, string> {
  if (range === undefined) return { "content-length": String(sizeBytes) };
  return {
    "content-length": String(range.lastByte - range.firstByte + 1),
    "content-range": contentRange(range, sizeBytes),
  };
}

async function rangeOf(
  request: S3Request,
  entry: FileEntry,
  parts: GatewayParts,
): Promise<PartRange | undefined> {
  const { headers, query, signal } = request;
  if (!query.has("partNumber")) return requestedRange(headers.range, entry.sizeBytes);
  const range = await partRange(entry, partNumberOf(request), parts, signal);
  return entry.sizeBytes === 0 ? undefined : range;
}

function partCount({ query }: S3Request, { object }: FileEntry): Record<string, string> {
  if (!query.has("partNumber") || object === undefined || object.partCount === 0) return {};
  return { "x-amz-mp-parts-count": String(object.partCount) };
}

const OVERRIDES = [
  "content-type",
  "content-language",
  "expires",
  "cache-control",
  "content-disposition",
  "content-encoding",
] as const;

const CONTROL = /(?!\t)\p{Cc}/u;

/** Headers that the request wants otherwise than they are kept. */
function overrides({ query }: S3Request): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const name of OVERRIDES) {
    const value = query.get(`response-${name}`);
    // Headers are bytes, parameters are text.
    if (value !== undefined) headers[name] = Buffer.from(value).toString("latin1");
  }
  return headers;
}

function checkAsked(request: S3Request): void {
  const { query, caller, headers } = request;
  const encryption = headers["x-amz-server-side-encryption"];
  if (encryption !== undefined) {
    throw invalidArgument(
      "x-amz-server-side-encryption",
      encryption,
      "x-amz-server-side-encryption header is not supported for this operation.",
    );
  }
  for (const name of OVERRIDES) {
    const value = query.get(`response-${name}`) ?? "";
    if (CONTROL.test(value)) {
      const message = "A header cannot have control characters";
      throw invalidArgument(`response-${name}`, value, message);
    }
  }
  const isOverridden = OVERRIDES.some((name) => query.has(`response-${name}`));
  if (isOverridden && caller.kind === "anonymous") {
    throw new S3Error("InvalidRequest", {
      message: "Request specific response headers cannot be used for anonymous GET requests.",
    });
  }
  if (!query.has("partNumber")) return;
  partNumberOf(request);
  if (headers.range !== undefined) {
    throw new S3Error("InvalidRequest", {
      message: "Cannot specify both Range header and partNumber query parameter",
    });
  }
}
