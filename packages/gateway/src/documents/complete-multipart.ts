import { invalidArgument } from "../s3/errors.ts";
import { allowOnly, malformed, optionalText, readDocument, requiredText } from "../xml/fields.ts";
import { childrenOf, type XmlElement } from "../xml/read.ts";

/** A part as the client says it uploaded it. */
export interface NamedPart {
  readonly number: number;
  /** Without quotes. */
  readonly etag: string;
  /** Checksums in base64, by algorithm. */
  readonly checksums: ReadonlyMap<string, string>;
}

/** The checksum elements of S3's documents, by algorithm. */
export const CHECKSUM_ELEMENTS: ReadonlyMap<string, string> = new Map([
  ["crc32", "ChecksumCRC32"],
  ["crc32c", "ChecksumCRC32C"],
  ["crc64nvme", "ChecksumCRC64NVME"],
  ["sha1", "ChecksumSHA1"],
  ["sha256", "ChecksumSHA256"],
  ["sha512", "ChecksumSHA512"],
  ["md5", "ChecksumMD5"],
  ["xxhash64", "ChecksumXXHASH64"],
  ["xxhash3", "ChecksumXXHASH3"],
  ["xxhash128", "ChecksumXXHASH128"],
]);

/** The most parts that an upload may have. */
export const MAX_PARTS = 10_000;

/** The parts of a `CompleteMultipartUpload` document, in its order. */
export function readCompleteMultipart(document: string): readonly NamedPart[] {
  const root = readDocument(document, "CompleteMultipartUpload", "CompletedMultipartUpload");
  allowOnly(root, "Part");
  const parts = childrenOf(root, "Part");
  if (parts.length === 0 || parts.length > MAX_PARTS) throw malformed();
  return parts.map(readPart);
}

function readPart(part: XmlElement): NamedPart {
  allowOnly(part, "PartNumber", "ETag", ...CHECKSUM_ELEMENTS.values());
  const text = requiredText(part, "PartNumber").trim();
  if (!/^-?\d{1,9}$/.test(text)) throw malformed();
  const number = Number(text);
  if (number < 1 || number > MAX_PARTS) {
    throw invalidArgument(
      "partNumber",
      text,
      `Part number must be an integer between 1 and ${MAX_PARTS}, inclusive`,
    );
  }
  const checksums = new Map<string, string>();
  for (const [algorithm, element] of CHECKSUM_ELEMENTS) {
    const value = optionalText(part, element)?.trim();
    if (value !== undefined) checksums.set(algorithm, value);
  }
  return { number, etag: unquoted(requiredText(part, "ETag")), checksums };
}

/** An ETag without the quotes around it, if it has any. */
export function unquoted(etag: string): string {
  return etag.trim().replace(/^"(.*)"$/, "$1");
}
