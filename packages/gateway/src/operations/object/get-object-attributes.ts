import type { FileEntry } from "@cairnfs/client";
import type { ObjectAttributes } from "@cairnfs/client/objects/object-attributes";
import { readEncryption } from "../../encryption/object-encryption.ts";
import { invalidArgument, S3Error } from "../../s3/errors.ts";
import { etagOf } from "../../s3/etag.ts";
import type { GatewayParts, Operation, S3Reply, S3Request } from "../../s3/operation.ts";
import { checksumValueXml, checksumXml } from "../../s3/shown-checksum.ts";
import { element, textElement, xmlDocument } from "../../xml/write.ts";
import { pageLimit } from "../listing/listing-query.ts";
import { findObject, versionHeaders } from "./object-facts.ts";

const NAMES: ReadonlySet<string> = new Set([
  "ETag",
  "Checksum",
  "ObjectParts",
  "StorageClass",
  "ObjectSize",
]);

/** What a request asks of an object: its ETag, checksum, parts, storage class and size. */
export const getObjectAttributes: Operation = {
  name: "GetObjectAttributes",
  method: "GET",
  level: "object",
  query: "attributes",
  action: "GetObject GetObjectAttributes",
  run: runGetObjectAttributes,
};

async function runGetObjectAttributes(request: S3Request, parts: GatewayParts): Promise<S3Reply> {
  const asked = askedNames(request);
  const found = await findObject(request, parts);
  const { entry, object } = found;
  await readEncryption(object.encryption, request.headers, parts);
  const body = xmlDocument(
    "GetObjectAttributesResponse",
    asked.has("ETag") ? textElement("ETag", etagOf(entry)) : "",
    asked.has("Checksum") ? wholeChecksumXml(object) : "",
    asked.has("ObjectParts") ? await partsXml(entry, object, request, parts) : "",
    asked.has("StorageClass")
      ? textElement("StorageClass", object.headers["x-amz-storage-class"] ?? "STANDARD")
      : "",
    asked.has("ObjectSize") ? textElement("ObjectSize", entry.sizeBytes) : "",
  );
  return {
    status: 200,
    headers: {
      "last-modified": new Date(entry.modifiedMs).toUTCString(),
      ...versionHeaders(found),
    },
    body,
  };
}

function askedNames({ headers }: S3Request): ReadonlySet<string> {
  const header = headers["x-amz-object-attributes"] ?? "";
  const names = header
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  if (names.length === 0) {
    throw new S3Error("InvalidRequest", {
      message:
        "The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty",
    });
  }
  if (!names.every((name) => NAMES.has(name))) {
    throw invalidArgument("x-amz-object-attributes", header, "Invalid attribute name specified.");
  }
  return new Set(names);
}

function wholeChecksumXml(object: ObjectAttributes): string {
  const checksum = checksumXml(object);
  return checksum === "" ? "" : element("Checksum", checksum);
}

async function partsXml(
  entry: FileEntry,
  { partCount }: ObjectAttributes,
  { headers, signal }: S3Request,
  parts: GatewayParts,
): Promise<string> {
  if (partCount === 0) return "";
  const limit = pageLimit(headers["x-amz-max-parts"], "max-parts");
  const marker = headers["x-amz-part-number-marker"] ?? "0";
  if (!/^\d{1,9}$/.test(marker)) {
    throw invalidArgument("part-number-marker", marker, "Invalid part number marker");
  }
  const page = await parts.client.multiparts.objectPartsPage(entry, {
    afterNumber: Number(marker),
    limit: Math.max(limit, 1),
    signal,
  });
  const shown = limit === 0 ? [] : page.parts;
  return element(
    "ObjectParts",
    textElement("PartsCount", partCount),
    textElement("PartNumberMarker", Number(marker)),
    textElement("NextPartNumberMarker", shown.at(-1)?.number ?? 0),
    textElement("MaxParts", limit),
    textElement("IsTruncated", limit > 0 && page.hasMore),
    ...shown.map(({ number, sizeBytes, object }) =>
      element(
        "Part",
        textElement("PartNumber", number),
        textElement("Size", sizeBytes),
        checksumValueXml({ ...object, partCount: 0 }),
      ),
    ),
  );
}
