import { createHmac } from "node:crypto";
import { S3Error } from "../s3/errors.ts";
import type { RawRequest } from "../s3/operation.ts";
import { isSubresource } from "../s3/route.ts";
import { canonicalHeader } from "./canonical.ts";
import { checkSignature } from "./signature.ts";
import { checkSkew, isoTime, parseHttpDate } from "./signing-time.ts";

/** A signature of version 2 as it came, in a header or in the query. */
export interface SignatureV2 {
  readonly accessKeyId: string;
  readonly signature: string;
  /** The line of the signed text that says until when, or from when, it is good. */
  readonly dateLine: string;
}

/** Parameters that say what a request is about, or how the reply is to look: they are signed. */
const SIGNED_PARAMETERS: ReadonlySet<string> = new Set([
  "accelerate",
  "acl",
  "analytics",
  "cors",
  "defaultObjectAcl",
  "delete",
  "inventory",
  "lifecycle",
  "location",
  "logging",
  "metrics",
  "notification",
  "object-lock",
  "partNumber",
  "policy",
  "replication",
  "requestPayment",
  "response-cache-control",
  "response-content-disposition",
  "response-content-encoding",
  "response-content-language",
  "response-content-type",
  "response-expires",
  "restore",
  "select",
  "select-type",
  "storageClass",
  "tagging",
  "torrent",
  "uploadId",
  "uploads",
  "versionId",
  "versioning",
  "versions",
  "website",
]);

/** What stands in an Authorization header "AWS id:signature"; a request that is not of now is refused. */
export function parseAuthorizationV2(
  request: RawRequest,
  authorization: string,
  nowMs: number,
): SignatureV2 {
  const found = /^AWS ([^:\s]+):(\S+)$/u.exec(authorization);
  if (found === null) {
    throw new S3Error("InvalidArgument", {
      message: "AWS authorization header is invalid.  Expected AwsAccessKeyId:signature",
      details: { ArgumentName: "Authorization", ArgumentValue: authorization },
    });
  }
  const { headers } = request;
  const amzDate = headers["x-amz-date"];
  const given = amzDate ?? headers.date ?? "";
  checkSkew(parseHttpDate(given), given, nowMs);
  const [, accessKeyId = "", signature = ""] = found;
  // Its own header is signed among the others.
  return { accessKeyId, signature, dateLine: amzDate === undefined ? given : "" };
}

/** The query of a presigned URL of version 2; one that has expired is refused. */
export function parsePresignedV2({ query }: RawRequest, nowMs: number): SignatureV2 {
  const accessKeyId = query.get("AWSAccessKeyId") ?? "";
  const signature = query.get("Signature") ?? "";
  const expires = query.get("Expires") ?? "";
  if (accessKeyId === "" || signature === "" || expires === "") {
    throw new S3Error("AccessDenied", {
      message:
        "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters",
    });
  }
  if (!/^\d{1,12}$/u.test(expires)) {
    throw new S3Error("AccessDenied", {
      message: `Invalid date (should be seconds since epoch): ${expires}`,
    });
  }
  for (const name of query.keys()) if (isSubresource(name)) requireSigned(name);
  const expiresMs = Number(expires) * 1000;
  if (nowMs > expiresMs) {
    throw new S3Error("AccessDenied", {
      message: "Request has expired",
      details: { Expires: isoTime(expiresMs), ServerTime: isoTime(nowMs) },
    });
  }
  return { accessKeyId, signature, dateLine: expires };
}

/** Whoever holds a URL could add what is not signed, and make another request of it. */
function requireSigned(parameter: string): void {
  if (SIGNED_PARAMETERS.has(parameter)) return;
  throw new S3Error("AccessDenied", {
    message: `A presigned URL of version 2 cannot ask for "${parameter}", which is not signed`,
  });
}

/** Refuses a request that does not bear the signature that the secret gives it. */
export function verifyV2(request: RawRequest, signed: SignatureV2, secretKey: string): void {
  const { accessKeyId, signature, dateLine } = signed;
  const stringToSign = [
    request.method,
    canonicalHeader(request, "content-md5"),
    canonicalHeader(request, "content-type"),
    dateLine,
    `${amzHeaders(request)}${resourceOf(request)}`,
  ].join("\n");
  const expected = hmacSha1(secretKey, stringToSign);
  checkSignature(signature, expected, { accessKeyId, stringToSign });
}

export function hmacSha1(secretKey: string, text: string): string {
  return createHmac("sha1", secretKey).update(text, "latin1").digest("base64");
}

function amzHeaders(request: RawRequest): string {
  const names = Object.keys(request.headers).filter((name) => name.startsWith("x-amz-"));
  return names
    .sort()
    .map((name) => `${name}:${canonicalHeader(request, name)}\n`)
    .join("");
}

function resourceOf({ bucket, isVirtualHosted, rawPath, query }: RawRequest): string {
  const path = isVirtualHosted ? `/${bucket}${rawPath}` : rawPath;
  const parameters = [...query.keys()].filter((name) => SIGNED_PARAMETERS.has(name)).sort();
  if (parameters.length === 0) return path;
  const shown = parameters.map((name) => {
    const value = query.get(name) ?? "";
    return value === "" ? name : `${name}=${Buffer.from(value).toString("latin1")}`;
  });
  return `${path}?${shown.join("&")}`;
}
