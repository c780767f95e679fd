/**
 * How bucket documents are kept: the XML inside the root element, without spaces between elements, in the order it was given. The
 * register of their names is docs/formats/bucket-documents.md.
 */
import type { XmlElement } from "../xml/read.ts";
import { escapeXml } from "../xml/write.ts";

/** What of a document that was read and found good is kept. */
export function storedContent(root: XmlElement): string {
  return root.children.length === 0
    ? escapeXml(root.text)
    : root.children.map(renderElement).join("");
}

/** An element and all in it; of its attributes only the type of a grantee is kept. */
export function renderElement(element: XmlElement): string {
  const type = element.attributes.type;
  const attributes =
    type === undefined
      ? ""
      : ` xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="${escapeXml(type)}"`;
  return `<${element.name}${attributes}>${storedContent(element)}</${element.name}>`;
}

/** What is kept, as the document it was; without the declaration and the namespace. */
export function storedDocument(rootName: string, content: string): string {
  return `<${rootName}>${content}</${rootName}>`;
}

/** The names of the documents of a bucket. */
export type DocumentName =
  | "accelerate"
  | "acl"
  | "cors"
  | "encryption"
  | "logging"
  | "notification"
  | "ownership"
  | "policy"
  | "publicAccessBlock"
  | "requestPayment"
  | "tagging";

/** A document that is kept with a bucket, as text. */
export function keptDocument(
  bucket: { readonly documents: ReadonlyMap<string, Uint8Array> },
  name: DocumentName,
): string | undefined {
  const bytes = bucket.documents.get(name);
  return bytes === undefined ? undefined : Buffer.from(bytes).toString("utf8");
}
