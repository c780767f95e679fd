import { PayloadMeter, payloadChecks } from "../checksums/payload-checks.ts";
import { readXml, type XmlElement } from "../xml/read.ts";
import { S3Error } from "./errors.ts";
import type { S3Request } from "./operation.ts";

/** What a document may take: a completion of 10,000 parts with checksums is about 3 MB. */
const DOCUMENT_BYTES_MAX = 4 * 1024 * 1024;
/** So much of a document anybody may have here; what is more is taken from what all share. */
const FREE_BYTES = 64 * 1024;
const SHARED_BYTES_MAX = 64 * 1024 * 1024;
const utf8 = new TextDecoder("utf-8", { fatal: true });

/** All of a request's body, which must fit in `limitBytes`, held against its Content-MD5 and checksum. While others hold very much it is `SlowDown`. */
export async function readWhole(
  request: S3Request,
  limitBytes = DOCUMENT_BYTES_MAX,
): Promise<Buffer> {
  const { body, headers } = request;
  if ((body.lengthBytes ?? 0) > limitBytes) throw new S3Error("MaxMessageLengthExceeded");
  const checks = payloadChecks(headers, body);
  const bytes = await gather(body, limitBytes);
  if (checks.md5 !== undefined || checks.checksum !== undefined) {
    const meter = new PayloadMeter(checks);
    meter.update(bytes);
    meter.finish(body.trailers);
  }
  return bytes;
}

/** What documents that are on their way hold beyond what is free: many that come slowly must not fill the memory. */
let sharedBytes = 0;

async function gather(body: AsyncIterable<Uint8Array>, limitBytes: number): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let sizeBytes = 0;
  let takenBytes = 0;
  try {
    for await (const part of body) {
      sizeBytes += part.byteLength;
      if (sizeBytes > limitBytes) throw new S3Error("MaxMessageLengthExceeded");
      const wantedBytes = Math.max(0, sizeBytes - FREE_BYTES) - takenBytes;
      if (sharedBytes + wantedBytes > SHARED_BYTES_MAX) throw new S3Error("SlowDown");
      sharedBytes += wantedBytes;
      takenBytes += wantedBytes;
      parts.push(Buffer.from(part));
    }
    return Buffer.concat(parts);
  } finally {
    sharedBytes -= takenBytes;
  }
}

/** A request's body as text; `MalformedXML` when it is no UTF-8. */
export async function readText(request: S3Request, limitBytes?: number): Promise<string> {
  const bytes = await readWhole(request, limitBytes);
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new S3Error("MalformedXML", { cause });
  }
}

/** A request's body as a document; undefined when it is empty. The root must have this name. */
export async function readDocument(
  request: S3Request,
  rootName: string,
): Promise<XmlElement | undefined> {
  const text = await readText(request);
  if (text.trim() === "") return undefined;
  const root = readXml(text);
  if (root.name !== rootName) throw new S3Error("MalformedXML");
  return root;
}
