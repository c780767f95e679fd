import { createHash } from "node:crypto";
import { S3Error } from "./errors.ts";
import type { S3Request } from "./operation.ts";

/** The most that a document of a bucket's configuration may have. */
export const CONFIGURATION_BYTES_MAX = 256 * 1024;

/** The whole payload of a request as UTF-8 text; `MaxMessageLengthExceeded` beyond the limit, `BadDigest` when it is not what was sent. */
export async function readText(
  request: S3Request,
  limitBytes: number = CONFIGURATION_BYTES_MAX,
): Promise<string> {
  return decodeText(await readBytes(request, limitBytes));
}

async function readBytes(request: S3Request, limitBytes: number): Promise<Buffer> {
  if ((request.body.lengthBytes ?? 0) > limitBytes) throw new S3Error("MaxMessageLengthExceeded");
  const parts: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const part of request.body) {
    sizeBytes += part.byteLength;
    if (sizeBytes > limitBytes) throw new S3Error("MaxMessageLengthExceeded");
    // A part is good only until the next one is asked for.
    parts.push(Buffer.from(part));
  }
  const bytes = Buffer.concat(parts);
  verifyMd5(request, bytes);
  return bytes;
}

function verifyMd5(request: S3Request, bytes: Buffer): void {
  const given = request.headers["content-md5"];
  if (given === undefined) return;
  const wanted = Buffer.from(given, "base64");
  if (wanted.byteLength !== 16) throw new S3Error("InvalidDigest");
  if (!createHash("md5").update(bytes).digest().equals(wanted)) throw new S3Error("BadDigest");
}

function decodeText(bytes: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new S3Error("MalformedXML", { cause });
  }
}
