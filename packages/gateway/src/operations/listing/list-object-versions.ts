import type { BucketDetails, ListedVersion } from "@cairnfs/client";
import { invalidArgument } from "../../s3/errors.ts";
import type { GatewayParts, Operation, S3Reply, S3Request } from "../../s3/operation.ts";
import { textElement, xmlDocument, xmlTime } from "../../xml/write.ts";
import { fillPage, type ListingPage } from "./fill-page.ts";
import { contentXml, objectOwner, ownerElements } from "./listed-xml.ts";
import {
  commonPrefixesXml,
  delimiterXml,
  keyWriter,
  type ListingQuery,
  listingQuery,
} from "./listing-query.ts";

export const listObjectVersions: Operation = {
  name: "ListObjectVersions",
  method: "GET",
  level: "bucket",
  query: "versions",
  action: "ListBucketVersions",
  run: runListObjectVersions,
};

interface Position {
  readonly afterKey: string;
  readonly afterVersionId: string;
}

type Page = ListingPage<ListedVersion, Position>;

async function runListObjectVersions(request: S3Request, parts: GatewayParts): Promise<S3Reply> {
  const { query } = request;
  const asked = listingQuery(request, "max-keys");
  const start = {
    afterKey: query.get("key-marker") ?? "",
    afterVersionId: query.get("version-id-marker") ?? "",
  };
  if (start.afterVersionId !== "" && start.afterKey === "") {
    throw invalidArgument(
      "version-id-marker",
      start.afterVersionId,
      "A version-id marker cannot be specified without a key marker.",
    );
  }
  const page = await readPage(request, parts, asked, start);
  const shown = keyWriter(asked);
  const prefixes = page.items.flatMap((item) => (item.kind === "prefix" ? [item.key] : []));
  const { next } = page;
  const body = xmlDocument(
    "ListVersionsResult",
    textElement("Name", request.bucket),
    textElement("Prefix", shown(asked.prefix)),
    textElement("KeyMarker", shown(start.afterKey)),
    textElement("VersionIdMarker", start.afterVersionId),
    textElement("NextKeyMarker", next === undefined ? undefined : shown(next.afterKey)),
    textElement("NextVersionIdMarker", next?.afterVersionId || undefined),
    textElement("MaxKeys", asked.limit),
    delimiterXml(asked),
    textElement("IsTruncated", next !== undefined),
    await versionsXml(page, asked, request, parts),
    commonPrefixesXml(prefixes, asked),
  );
  return { status: 200, body };
}

function readPage(
  { bucket, signal }: S3Request,
  { client }: GatewayParts,
  { prefix, delimiter, limit }: ListingQuery,
  start: Position,
): Promise<Page> {
  return fillPage(limit, start, (position, left) =>
    client.objects.listVersionsPage(bucket, {
      prefix,
      delimiter,
      ...position,
      limit: left,
      signal,
    }),
  );
}

async function versionsXml(
  page: Page,
  asked: ListingQuery,
  request: S3Request,
  parts: GatewayParts,
): Promise<string> {
  const bucket = await parts.buckets.get(request.bucket);
  const owners = page.items.map((item) => ownerOf(item, bucket, parts));
  const elements = await ownerElements(owners, parts, request.signal);
  const shown = keyWriter(asked);
  const rows = page.items.map((item) => {
    if (item.kind === "prefix") return "";
    const owner = elements.get(ownerOf(item, bucket, parts)) ?? "";
    const name =
      textElement("Key", shown(item.key)) +
      textElement("VersionId", item.versionId || "null") +
      textElement("IsLatest", item.isLatest);
    return item.kind === "version"
      ? `<Version>${name}${contentXml(item.entry, owner)}</Version>`
      : `<DeleteMarker>${name}${textElement("LastModified", xmlTime(item.modifiedMs))}${owner}</DeleteMarker>`;
  });
  return rows.join("");
}

function ownerOf(item: ListedVersion, bucket: BucketDetails, parts: GatewayParts): string {
  if (item.kind === "deleteMarker") return item.owner;
  return item.kind === "version" ? objectOwner(item.entry, bucket, parts) : bucket.owner;
}
