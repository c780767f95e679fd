import type { RawRequest, RequestHeaders } from "../s3/operation.ts";

/** Parameters of a presigned URL that say how it is signed and nothing of the request. */
const OF_THE_SIGNATURE: ReadonlySet<string> = new Set([
  "x-amz-algorithm",
  "x-amz-credential",
  "x-amz-date",
  "x-amz-expires",
  "x-amz-security-token",
  "x-amz-signature",
  "x-amz-signedheaders",
]);

/**
 * The headers of a request with those that a presigned URL carries in its query: who signs for a browser puts
 * "x-amz-meta-color" and its like there. A header that was sent wins.
 */
export function headersOf({ headers, query }: RawRequest): RequestHeaders {
  if (!query.has("X-Amz-Signature")) return headers;
  const all: Record<string, string | undefined> = { ...headers };
  for (const [name, value] of query) {
    const header = name.toLowerCase();
    if (header.startsWith("x-amz-") && !OF_THE_SIGNATURE.has(header)) {
      // Header values are Latin-1 text of UTF-8 bytes.
      all[header] ??= Buffer.from(value).toString("latin1");
    }
  }
  return all;
}
