import { S3Error } from "../s3/errors.ts";
import { allowOnly, readDocument, requiredChild, requiredText } from "../xml/fields.ts";
import { childrenOf, type XmlElement } from "../xml/read.ts";
import { escapeXml } from "../xml/write.ts";

/** How many tags an object may have. */
export const MAX_OBJECT_TAGS = 10;
/** How many tags a bucket may have. */
export const MAX_BUCKET_TAGS = 50;

const MAX_NAME_LENGTH = 128;
const MAX_VALUE_LENGTH = 256;
/** Letters, digits and spaces of any script, and these signs. */
const ALLOWED = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;

/** Tags by name, in the order they were given. */
export type Tags = Readonly<Record<string, string>>;

/** The tags of a `Tagging` document. */
export function readTagging(document: string, limit: number): Tags {
  const root = readDocument(document, "Tagging");
  allowOnly(root, "TagSet");
  return readTagSet(requiredChild(root, "TagSet"), limit);
}

/** The tags that the children `Tag` of an element name. */
export function readTagSet(element: XmlElement, limit: number): Tags {
  allowOnly(element, "Tag");
  const pairs = childrenOf(element, "Tag").map((tag): readonly [string, string] => {
    allowOnly(tag, "Key", "Value");
    return [requiredText(tag, "Key"), requiredText(tag, "Value")];
  });
  return checkedTags(pairs, limit);
}

/** The tags of the header `x-amz-tagging`: a query string. */
export function readTaggingHeader(header: string, limit = MAX_OBJECT_TAGS): Tags {
  const pairs = header
    .split("&")
    .filter((part) => part !== "")
    .map((part): readonly [string, string] => {
      const equals = part.indexOf("=");
      return equals === -1
        ? [decoded(part), ""]
        : [decoded(part.slice(0, equals)), decoded(part.slice(equals + 1))];
    });
  return checkedTags(pairs, limit);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    throw new S3Error("InvalidArgument", {
      message:
        "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.",
    });
  }
}

function checkedTags(pairs: readonly (readonly [string, string])[], limit: number): Tags {
  if (pairs.length > limit) {
    if (limit === MAX_OBJECT_TAGS) {
      throw new S3Error("BadRequest", { message: `Object tags cannot be greater than ${limit}` });
    }
    throw new S3Error("BadRequest", {
      message: `Bucket tag count cannot be greater than ${limit}`,
    });
  }
  const tags = new Map<string, string>();
  for (const [name, value] of pairs) {
    if (name.length === 0 || name.length > MAX_NAME_LENGTH || !ALLOWED.test(name)) {
      throw new S3Error("InvalidTag", { message: "The TagKey you have provided is invalid" });
    }
    if (value.length > MAX_VALUE_LENGTH || !ALLOWED.test(value)) {
      throw new S3Error("InvalidTag", { message: "The TagValue you have provided is invalid" });
    }
    if (name.toLowerCase().startsWith("aws:")) {
      throw new S3Error("InvalidTag", {
        message: "System tags cannot be added/updated by requester",
      });
    }
    if (tags.has(name)) {
      throw new S3Error("InvalidTag", {
        message: "Cannot provide multiple Tags with the same key",
      });
    }
    tags.set(name, value);
  }
  return Object.fromEntries(tags);
}

/** The element `TagSet` of these tags. */
export function tagSetXml(tags: Tags): string {
  const inOrder = Object.entries(tags).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const rows = inOrder.map(
    ([name, value]) => `<Tag><Key>${escapeXml(name)}</Key><Value>${escapeXml(value)}</Value></Tag>`,
  );
  return `<TagSet>${rows.join("")}</TagSet>`;
}
