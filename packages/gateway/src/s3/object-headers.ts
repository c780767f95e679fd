import type { FileEntry } from "@cairnfs/client";
import type { ObjectAttributes } from "@cairnfs/client/objects/object-attributes";
import { S3Error } from "./errors.ts";
import type { RequestHeaders } from "./operation.ts";
import { retentionWord } from "./retention-word.ts";

const META = "x-amz-meta-";
const META_BYTES_MAX = 2048;
const CONTENT_TYPE_BYTES_MAX = 255;
/** Of objects whose writer said none. */
const DEFAULT_CONTENT_TYPE = "binary/octet-stream";
/** Given back as they came. */
const KEPT = [
  "cache-control",
  "content-disposition",
  "content-encoding",
  "content-language",
  "expires",
  "x-amz-website-redirect-location",
] as const;
const STORAGE_CLASSES: ReadonlySet<string> = new Set([
  "STANDARD",
  "REDUCED_REDUNDANCY",
  "STANDARD_IA",
  "ONEZONE_IA",
  "INTELLIGENT_TIERING",
  "GLACIER",
  "GLACIER_IR",
  "DEEP_ARCHIVE",
  "EXPRESS_ONEZONE",
  "OUTPOSTS",
  "SNOW",
]);

/** What the headers of a write say of the object that it makes. */
export interface DescribedObject {
  readonly contentType: string;
  readonly userMetadata: Readonly<Record<string, string>>;
  /** Of `ObjectAttributes`. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Reads what headers say of an object; refuses what is too long or makes no sense. */
export function describedObject(headers: RequestHeaders): DescribedObject {
  const contentType = headers["content-type"] ?? "";
  if (Buffer.byteLength(contentType) > CONTENT_TYPE_BYTES_MAX) {
    throw new S3Error("InvalidArgument", { message: "The content type is too long" });
  }
  return {
    contentType: contentType === "" ? DEFAULT_CONTENT_TYPE : contentType,
    userMetadata: userMetadata(headers),
    headers: keptHeaders(headers),
  };
}

/** What the headers say of the user's own; `MetadataTooLarge` above 2 KB. */
export function userMetadata(headers: RequestHeaders): Record<string, string> {
  const found: Record<string, string> = {};
  let sizeBytes = 0;
  for (const [name, value] of Object.entries(headers)) {
    if (!name.startsWith(META) || value === undefined || name === META) continue;
    const own = name.slice(META.length);
    found[own] = value;
    sizeBytes += Buffer.byteLength(own) + Buffer.byteLength(value, "latin1");
  }
  if (sizeBytes > META_BYTES_MAX) {
    throw new S3Error("MetadataTooLarge", {
      details: { Size: String(sizeBytes), MaxSizeAllowed: String(META_BYTES_MAX) },
    });
  }
  return found;
}

function keptHeaders(headers: RequestHeaders): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name of KEPT) {
    const value = name === "content-encoding" ? ownEncoding(headers[name]) : headers[name];
    if (value !== undefined && value !== "") kept[name] = value;
  }
  const redirect = kept["x-amz-website-redirect-location"];
  if (redirect !== undefined && !/^(?:\/|https?:\/\/)/u.test(redirect)) {
    throw new S3Error("InvalidRedirectLocation");
  }
  const storageClass = headers["x-amz-storage-class"];
  if (storageClass !== undefined) {
    if (!STORAGE_CLASSES.has(storageClass)) throw new S3Error("InvalidStorageClass");
    if (storageClass !== "STANDARD") kept["x-amz-storage-class"] = storageClass;
  }
  return kept;
}

/** The encodings of the object itself: how the request was sent is none of them. */
function ownEncoding(header: string | undefined): string | undefined {
  if (header === undefined || !header.includes("aws-chunked")) return header;
  return header
    .split(",")
    .map((coding) => coding.trim())
    .filter((coding) => coding !== "aws-chunked")
    .join(",");
}

/** What replies say of an object: what its writer gave, and when it changed. */
export function objectHeaders(
  entry: FileEntry,
  object: ObjectAttributes | undefined,
): Record<string, string> {
  const headers: Record<string, string> = {
    "content-type": entry.contentType === "" ? DEFAULT_CONTENT_TYPE : headerText(entry.contentType),
    "last-modified": new Date(entry.modifiedMs).toUTCString(),
    "accept-ranges": "bytes",
  };
  if (object !== undefined) {
    for (const [name, value] of Object.entries(object.headers)) headers[name] = headerText(value);
    const tagCount = Object.keys(object.tags).length;
    if (tagCount > 0) headers["x-amz-tagging-count"] = String(tagCount);
    addLock(headers, object);
  }
  let missing = 0;
  for (const [name, value] of Object.entries(entry.userMetadata)) {
    if (/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/u.test(name)) headers[META + name] = headerText(value);
    else missing += 1;
  }
  if (missing > 0) headers["x-amz-missing-meta"] = String(missing);
  return headers;
}

function addLock(headers: Record<string, string>, object: ObjectAttributes): void {
  const mode = retentionWord(object.retentionMode);
  if (mode !== undefined) {
    headers["x-amz-object-lock-mode"] = mode;
    headers["x-amz-object-lock-retain-until-date"] = new Date(object.retainUntilMs).toISOString();
  }
  if (object.hasLegalHold) headers["x-amz-object-lock-legal-hold"] = "ON";
}

/**
 * Text as a header can have it. What an S3 client sent comes back byte by byte; text that came in by another door and has characters
 * that no header has is encoded as RFC 2047 says.
 */
function headerText(text: string): string {
  if (/^[\t\u0020-\u007e\u0080-\u00ff]*$/u.test(text)) return text;
  return `=?UTF-8?B?${Buffer.from(text).toString("base64")}?=`;
}
