import { createHmac, hash, type KeyObject } from "node:crypto";
import { S3Error } from "../s3/errors.ts";
import type { RawRequest } from "../s3/operation.ts";
import { canonicalHeader, canonicalPath, canonicalQuery } from "./canonical.ts";
import { type Credential, type Refusal, scopeOf } from "./credential.ts";
import { checkSignature } from "./signature.ts";

/** A signature of version 4 as it came, in a header or in the query. */
export interface SignatureV4 {
  readonly credential: Credential;
  /** Lower case, as they came. */
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  /** "20261123T062034Z". */
  readonly time: string;
  /** The payload's SHA-256 in hexadecimal digits, or one of the words that stand for it. */
  readonly payloadHash: string;
  /** What else is wrong where the signature stands is refused so. */
  readonly refused: Refusal;
  /** A parameter of the query that is not signed: the signature itself. */
  readonly unsignedParameter?: string | undefined;
}

export const ALGORITHM_V4 = "AWS4-HMAC-SHA256";

/** Refuses a request that does not bear the signature that the key gives it. */
export function verifyV4(request: RawRequest, signed: SignatureV4, signingKey: KeyObject): void {
  const { credential, time, signature } = signed;
  const canonicalRequest = canonicalRequestOf(request, signed);
  const digest = hash("sha256", Buffer.from(canonicalRequest, "latin1"), "hex");
  const stringToSign = `${ALGORITHM_V4}\n${time}\n${scopeOf(credential)}\n${digest}`;
  const expected = hmacHex(signingKey, stringToSign);
  const { accessKeyId } = credential;
  checkSignature(signature, expected, { accessKeyId, stringToSign, canonicalRequest });
}

export function hmacHex(key: KeyObject, text: string): string {
  return createHmac("sha256", key).update(text, "latin1").digest("hex");
}

function canonicalRequestOf(request: RawRequest, signed: SignatureV4): string {
  const { signedHeaders, payloadHash, unsignedParameter } = signed;
  let headers = "";
  for (const name of signedHeaders) headers += `${name}:${canonicalHeader(request, name)}\n`;
  return [
    request.method,
    canonicalPath(request.rawPath),
    canonicalQuery(request.rawQuery, unsignedParameter),
    headers,
    signedHeaders.join(";"),
    payloadHash,
  ].join("\n");
}

/**
 * Refuses a request with headers that mean something to S3 and are not signed: whoever holds a presigned URL could otherwise
 * make another request of it.
 */
export function checkSignedHeaders(request: RawRequest, signedHeaders: readonly string[]): void {
  const unsigned = Object.keys(request.headers).filter(
    (name) => (name.startsWith("x-amz-") || name === "host") && !signedHeaders.includes(name),
  );
  if (!signedHeaders.includes("host") && !unsigned.includes("host")) unsigned.push("host");
  if (unsigned.length === 0) return;
  throw new S3Error("AccessDenied", {
    message: "There were headers present in the request which were not signed",
    details: { HeadersNotSigned: unsigned.join(", ") },
  });
}
