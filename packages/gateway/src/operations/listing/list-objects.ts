import type { FileEntry, ListedObject } from "@cairnfs/client";
import type { GatewayParts, Operation, S3Reply, S3Request } from "../../s3/operation.ts";
import { textElement, xmlDocument } from "../../xml/write.ts";
import { afterOfToken, continuationToken } from "./continuation-token.ts";
import { fillPage } from "./fill-page.ts";
import { contentXml, objectOwner, ownerElements } from "./listed-xml.ts";
import {
  commonPrefixesXml,
  delimiterXml,
  keyWriter,
  type ListingQuery,
  listingQuery,
} from "./listing-query.ts";

export const listObjects: Operation = {
  name: "ListObjects",
  method: "GET",
  level: "bucket",
  action: "ListBucket",
  run: runListObjects,
};

export const listObjectsV2: Operation = {
  name: "ListObjectsV2",
  method: "GET",
  level: "bucket",
  query: "list-type=2",
  action: "ListBucket",
  run: runListObjectsV2,
};

/** One reply's worth of a listing. */
interface Page {
  readonly objects: readonly { readonly key: string; readonly entry: FileEntry }[];
  readonly prefixes: readonly string[];
  /** Where the next reply goes on. */
  readonly nextAfter: string | undefined;
}

async function runListObjects(request: S3Request, parts: GatewayParts): Promise<S3Reply> {
  const asked = listingQuery(request, "max-keys");
  const marker = request.query.get("marker") ?? "";
  const page = await readPage(request, parts, asked, marker);
  const shown = keyWriter(asked);
  // Without a delimiter clients go on after the last key.
  const nextMarker = asked.delimiter === "" ? undefined : page.nextAfter;
  const body = xmlDocument(
    "ListBucketResult",
    textElement("Name", request.bucket),
    textElement("Prefix", shown(asked.prefix)),
    textElement("Marker", shown(marker)),
    textElement("NextMarker", nextMarker === undefined ? undefined : shown(nextMarker)),
    textElement("MaxKeys", asked.limit),
    delimiterXml(asked),
    textElement("IsTruncated", page.nextAfter !== undefined),
    await contentsXml(page, asked, { request, parts, showsOwner: true }),
    commonPrefixesXml(page.prefixes, asked),
  );
  return { status: 200, body };
}

async function runListObjectsV2(request: S3Request, parts: GatewayParts): Promise<S3Reply> {
  const { query } = request;
  const asked = listingQuery(request, "max-keys");
  const token = query.get("continuation-token");
  const startAfter = query.get("start-after");
  const after = token === undefined || token === "" ? (startAfter ?? "") : afterOfToken(token);
  const page = await readPage(request, parts, asked, after);
  const shown = keyWriter(asked);
  const nextToken = page.nextAfter === undefined ? undefined : continuationToken(page.nextAfter);
  const body = xmlDocument(
    "ListBucketResult",
    textElement("Name", request.bucket),
    textElement("Prefix", shown(asked.prefix)),
    textElement("ContinuationToken", token),
    textElement("NextContinuationToken", nextToken),
    textElement("StartAfter", startAfter === undefined ? undefined : shown(startAfter)),
    textElement("KeyCount", page.objects.length + page.prefixes.length),
    textElement("MaxKeys", asked.limit),
    delimiterXml(asked),
    textElement("IsTruncated", page.nextAfter !== undefined),
    await contentsXml(page, asked, {
      request,
      parts,
      showsOwner: query.get("fetch-owner") === "true",
    }),
    commonPrefixesXml(page.prefixes, asked),
  );
  return { status: 200, body };
}

async function readPage(
  { bucket, signal }: S3Request,
  { client }: GatewayParts,
  { prefix, delimiter, limit }: ListingQuery,
  start: string,
): Promise<Page> {
  const { items, next } = await fillPage<ListedObject, string>(
    limit,
    start,
    async (after, left) => {
      const page = { prefix, delimiter, after, limit: left, signal };
      const { items, nextAfter } = await client.objects.listPage(bucket, page);
      return { items, next: nextAfter };
    },
  );
  return {
    objects: items.filter((item) => item.kind === "object"),
    prefixes: items.flatMap((item) => (item.kind === "prefix" ? [item.key] : [])),
    nextAfter: next,
  };
}

async function contentsXml(
  page: Page,
  asked: ListingQuery,
  {
    request,
    parts,
    showsOwner,
  }: { readonly request: S3Request; readonly parts: GatewayParts; readonly showsOwner: boolean },
): Promise<string> {
  const shown = keyWriter(asked);
  if (!showsOwner) {
    const rows = page.objects.map(({ key, entry }) => contentsRow(shown(key), entry, ""));
    return rows.join("");
  }
  const bucket = await parts.buckets.get(request.bucket);
  const ownerOf = (entry: FileEntry) => objectOwner(entry, bucket, parts);
  const owners = page.objects.map(({ entry }) => ownerOf(entry));
  const elements = await ownerElements(owners, parts, request.signal);
  const rows = page.objects.map(({ key, entry }) =>
    contentsRow(shown(key), entry, elements.get(ownerOf(entry)) ?? ""),
  );
  return rows.join("");
}

function contentsRow(key: string, entry: FileEntry, owner: string): string {
  return `<Contents>${textElement("Key", key)}${contentXml(entry, owner)}</Contents>`;
}
