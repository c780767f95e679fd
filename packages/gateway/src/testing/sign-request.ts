import { createHash, createHmac } from "node:crypto";

/** An access key of a test. */
export interface TestKey {
  readonly accessKeyId: string;
  readonly secretKey: string;
}

export interface RequestToSign {
  readonly method: string;
  /** Percent-encoded. */
  readonly path: string;
  /** Percent-encoded, without "?". */
  readonly query: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** What x-amz-content-sha256 says. */
  readonly payloadHash: string;
  readonly region?: string;
  readonly timeMs: number;
}

/** The headers of a request with those that sign it by AWS Signature Version 4. */
export function signRequest(request: RequestToSign, key: TestKey): Record<string, string> {
  const amzDate = new Date(request.timeMs).toISOString().replace(/[:-]|\.\d{3}/gu, "");
  const headers: Record<string, string> = {
    ...request.headers,
    "x-amz-date": amzDate,
    "x-amz-content-sha256": request.payloadHash,
  };
  const names = Object.keys(headers)
    .filter((name) => name === "host" || name === "content-md5" || name.startsWith("x-amz-"))
    .sort();
  const canonical = [
    request.method,
    request.path,
    sortedQuery(request.query),
    ...names.map((name) => `${name}:${headers[name]?.trim().replace(/ +/gu, " ")}`),
    "",
    names.join(";"),
    request.payloadHash,
  ].join("\n");
  const date = amzDate.slice(0, 8);
  const scope = `${date}/${request.region ?? "us-east-1"}/s3/aws4_request`;
  const toSign = ["AWS4-HMAC-SHA256", amzDate, scope, sha256Hex(canonical)].join("\n");
  const signature = hmac(signingKey(key.secretKey, scope), toSign).toString("hex");
  headers.authorization = `AWS4-HMAC-SHA256 Credential=${key.accessKeyId}/${scope}, SignedHeaders=${names.join(";")}, Signature=${signature}`;
  return headers;
}

function signingKey(secret: string, scope: string): Buffer {
  let key: Buffer = Buffer.from(`AWS4${secret}`);
  for (const part of scope.split("/")) key = hmac(key, part);
  return key;
}

function sortedQuery(query: string): string {
  if (query === "") return "";
  return query
    .split("&")
    .map((pair) => (pair.includes("=") ? pair : `${pair}=`))
    .sort()
    .join("&");
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text, "latin1").digest();
}

export function sha256Hex(bytes: string | Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
