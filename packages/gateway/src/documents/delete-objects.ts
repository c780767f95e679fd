import { S3Error } from "../s3/errors.ts";
import {
  allowOnly,
  malformed,
  optionalFlag,
  optionalInteger,
  optionalText,
  readDocument,
  requiredText,
} from "../xml/fields.ts";
import { childrenOf, type XmlElement } from "../xml/read.ts";
import { unquoted } from "./complete-multipart.ts";

/** What is to be deleted, and what must be true of it. */
export interface NamedObject {
  readonly key: string;
  readonly versionId: string | undefined;
  /** Without quotes; "*": anything that exists. */
  readonly etag: string | undefined;
  readonly modifiedMs: number | undefined;
  readonly sizeBytes: number | undefined;
}

/** A `Delete` document. */
export interface DeleteList {
  readonly objects: readonly NamedObject[];
  /** Only what failed is told. */
  readonly isQuiet: boolean;
}

const MAX_OBJECTS = 1_000;

/** What a `Delete` document asks for: at most 1,000 objects. */
export function readDelete(document: string): DeleteList {
  const root = readDocument(document, "Delete");
  allowOnly(root, "Object", "Quiet");
  const objects = childrenOf(root, "Object");
  if (objects.length === 0 || objects.length > MAX_OBJECTS) throw malformed();
  return { objects: objects.map(readObject), isQuiet: optionalFlag(root, "Quiet") ?? false };
}

function readObject(object: XmlElement): NamedObject {
  allowOnly(object, "Key", "VersionId", "ETag", "LastModifiedTime", "Size");
  const key = requiredText(object, "Key");
  if (key === "") throw new S3Error("UserKeyMustBeSpecified");
  const etag = optionalText(object, "ETag");
  const modified = optionalText(object, "LastModifiedTime");
  const modifiedMs = modified === undefined ? undefined : Date.parse(modified);
  if (Number.isNaN(modifiedMs)) throw malformed();
  return {
    key,
    versionId: optionalText(object, "VersionId") || undefined,
    etag: etag === undefined ? undefined : unquoted(etag),
    modifiedMs,
    sizeBytes: optionalInteger(object, "Size"),
  };
}
