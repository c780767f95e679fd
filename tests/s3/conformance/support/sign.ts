import { createHash, createHmac } from "node:crypto";
import { checksum } from "./checksums.ts";
import { chunked, STREAMING } from "./chunks.ts";

/** How a request is signed, rightly or wrongly. */
export interface Signing {
  readonly style?: "header" | "presigned" | "v2" | "v2Presigned" | "none";
  /** What x-amz-content-sha256 says: the hash of the body unless given. */
  readonly payload?: "unsigned" | "chunks" | "chunksTrailer" | "unsignedTrailer" | (string & {});
  readonly region?: string;
  readonly service?: string;
  /** How far the signer's clock is off. */
  readonly skewMs?: number;
  readonly expiresS?: number | string;
  readonly accessKeyId?: string;
  readonly secretKey?: string;
  /** Named in the signature though nothing requires it. */
  readonly alsoSigned?: readonly string[];
  /** Of a body with a trailer: its checksum header and what it says, if not the right value. */
  readonly trailer?: string;
  readonly trailerValue?: string;
  /** Bytes of a chunk. */
  readonly chunkBytes?: number;
  /** What x-amz-decoded-content-length says; "" leaves it out. */
  readonly decodedLength?: string;
  /** Spoils what was made, just before it is sent. */
  readonly spoil?: (request: Outgoing) => void;
}

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretKey: string;
}

/** A request as it goes out. */
export interface Outgoing {
  readonly method: string;
  /** With the query, as sent. */
  path: string;
  readonly headers: Record<string, string>;
  body: Uint8Array;
}

/** Signs as asked; what is not signed is left as it is. */
export function sign(
  request: Outgoing,
  credentials: Credentials | undefined,
  signing: Signing,
  region: string,
): void {
  if (credentials !== undefined && signing.style !== "none") {
    const used = {
      accessKeyId: signing.accessKeyId ?? credentials.accessKeyId,
      secretKey: signing.secretKey ?? credentials.secretKey,
    };
    const date = new Date(Date.now() + (signing.skewMs ?? 0));
    if (signing.style === "v2") signV2(request, used, date);
    else if (signing.style === "v2Presigned") presignV2(request, used, date, signing);
    else if (signing.style === "presigned") presign(request, used, date, signing, region);
    else signHeader(request, used, date, signing, region);
  } else if (signing.payload !== undefined) {
    request.headers["x-amz-content-sha256"] = payloadHash(request, signing);
    encodeBody(request, signing, undefined);
  }
  signing.spoil?.(request);
}

export interface Scope {
  readonly key: Uint8Array;
  readonly stamp: string;
  readonly scope: string;
  readonly signature: string;
}

export function amzDate(date: Date): string {
  return date.toISOString().replaceAll(/[-:]|\.\d{3}/gu, "");
}

export function signingKey(
  secretKey: string,
  day: string,
  region: string,
  service: string,
): Buffer {
  const ofDay = hmac(`AWS4${secretKey}`, day);
  return hmac(hmac(hmac(ofDay, region), service), "aws4_request");
}

export function hmac(key: string | Uint8Array, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

export function sha256(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

function signHeader(
  request: Outgoing,
  credentials: Credentials,
  date: Date,
  signing: Signing,
  home: string,
): void {
  const stamp = amzDate(date);
  const region = signing.region ?? home;
  const service = signing.service ?? "s3";
  const scope = `${stamp.slice(0, 8)}/${region}/${service}/aws4_request`;
  const { headers } = request;
  headers["x-amz-date"] ??= stamp;
  headers["x-amz-content-sha256"] = payloadHash(request, signing);
  describeChunks(request, signing);
  const signed = signedNames(headers, signing);
  const key = signingKey(credentials.secretKey, stamp.slice(0, 8), region, service);
  const canonical = canonicalRequest(request, signed, headers["x-amz-content-sha256"]);
  const text = ["AWS4-HMAC-SHA256", stamp, scope, sha256(canonical)].join("\n");
  const signature = hmac(key, text).toString("hex");
  headers.authorization = `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${scope}, SignedHeaders=${signed.join(";")}, Signature=${signature}`;
  encodeBody(request, signing, { key, stamp, scope, signature });
}

function presign(
  request: Outgoing,
  credentials: Credentials,
  date: Date,
  signing: Signing,
  home: string,
): void {
  const stamp = amzDate(date);
  const region = signing.region ?? home;
  const service = signing.service ?? "s3";
  const scope = `${stamp.slice(0, 8)}/${region}/${service}/aws4_request`;
  const signed = signedNames(request.headers, signing);
  const added = [
    ["X-Amz-Algorithm", "AWS4-HMAC-SHA256"],
    ["X-Amz-Credential", `${credentials.accessKeyId}/${scope}`],
    ["X-Amz-Date", stamp],
    ["X-Amz-Expires", String(signing.expiresS ?? 300)],
    ["X-Amz-SignedHeaders", signed.join(";")],
  ].map(([name, value]) => `${name}=${encodeURIComponent(value ?? "")}`);
  request.path += `${request.path.includes("?") ? "&" : "?"}${added.join("&")}`;
  const key = signingKey(credentials.secretKey, stamp.slice(0, 8), region, service);
  const canonical = canonicalRequest(request, signed, signing.payload ?? "UNSIGNED-PAYLOAD");
  const text = ["AWS4-HMAC-SHA256", stamp, scope, sha256(canonical)].join("\n");
  request.path += `&X-Amz-Signature=${hmac(key, text).toString("hex")}`;
}

function signedNames(headers: Readonly<Record<string, string>>, signing: Signing): string[] {
  return Object.keys(headers)
    .filter(
      (name) =>
        name === "host" ||
        name.startsWith("x-amz-") ||
        name === "content-md5" ||
        name === "content-type" ||
        signing.alsoSigned?.includes(name),
    )
    .toSorted();
}

function canonicalRequest(request: Outgoing, signed: readonly string[], payload: string): string {
  const [path = "", query = ""] = request.path.split(/\?(.*)/su);
  const pairs = query
    .split("&")
    .filter((pair) => pair !== "")
    .map((pair) => {
      const [name = "", value = ""] = pair.split(/=(.*)/su);
      return [recode(name), recode(value)] as const;
    })
    .toSorted(([a, x], [b, y]) => compare(a, b) || compare(x, y));
  return [
    request.method,
    path.split("/").map(recode).join("/"),
    pairs.map(([name, value]) => `${name}=${value}`).join("&"),
    ...signed.map(
      (name) => `${name}:${(request.headers[name] ?? "").trim().replaceAll(/ +/gu, " ")}`,
    ),
    "",
    signed.join(";"),
    payload,
  ].join("\n");
}

/** Decoded, and encoded as AWS wants it. */
function recode(text: string): string {
  let plain = text;
  try {
    plain = decodeURIComponent(text);
  } catch {
    // What is no encoding is signed as it stands.
  }
  return encodeURIComponent(plain).replaceAll(
    /[!'()*]/gu,
    (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function payloadHash(request: Outgoing, signing: Signing): string {
  if (signing.payload === undefined) return sha256(request.body);
  return STREAMING[signing.payload] ?? signing.payload;
}

function isChunked(signing: Signing): boolean {
  return (
    signing.payload !== undefined && signing.payload !== "unsigned" && signing.payload in STREAMING
  );
}

function describeChunks(request: Outgoing, signing: Signing): void {
  if (!isChunked(signing)) return;
  const { headers, body } = request;
  headers["content-encoding"] = headers["content-encoding"] ?? "aws-chunked";
  if (signing.decodedLength !== "")
    headers["x-amz-decoded-content-length"] = signing.decodedLength ?? String(body.length);
  if (signing.trailer !== undefined) headers["x-amz-trailer"] ??= signing.trailer;
}

function encodeBody(request: Outgoing, signing: Signing, scope: Scope | undefined): void {
  if (!isChunked(signing)) return;
  if (scope === undefined) describeChunks(request, signing);
  const name = signing.trailer;
  const algorithm = name?.replace("x-amz-checksum-", "");
  const value =
    signing.trailerValue ??
    (algorithm === undefined ? "" : checksum(algorithm as "crc32", request.body));
  request.body = chunked(request.body, {
    scope: signing.payload === "unsignedTrailer" ? undefined : scope,
    chunkBytes: signing.chunkBytes ?? 8192,
    trailer: name === undefined ? undefined : { name, value },
  });
}

const V2_SUBRESOURCES = new Set(
  "acl cors delete lifecycle location logging notification partNumber policy requestPayment tagging torrent uploadId uploads versionId versioning versions website response-content-type response-content-language response-expires response-cache-control response-content-disposition response-content-encoding".split(
    " ",
  ),
);

function v2Text(request: Outgoing, date: string): string {
  const [path = "", query = ""] = request.path.split(/\?(.*)/su);
  const { headers } = request;
  const amz = Object.keys(headers)
    .filter((name) => name.startsWith("x-amz-"))
    .toSorted()
    .map((name) => `${name}:${(headers[name] ?? "").trim()}\n`);
  const sub = query
    .split("&")
    .filter((pair) => V2_SUBRESOURCES.has(pair.split("=")[0] ?? ""))
    .toSorted()
    .map((pair) => {
      const [name = "", value] = pair.split(/=(.*)/su);
      return value === undefined ? name : `${name}=${decodeURIComponent(value)}`;
    });
  const resource = `${path}${sub.length > 0 ? `?${sub.join("&")}` : ""}`;
  return [
    request.method,
    headers["content-md5"] ?? "",
    headers["content-type"] ?? "",
    headers["x-amz-date"] === undefined ? date : "",
    `${amz.join("")}${resource}`,
  ].join("\n");
}

function signV2(request: Outgoing, credentials: Credentials, date: Date): void {
  const { headers } = request;
  if (headers["x-amz-date"] === undefined) headers.date = date.toUTCString();
  const text = v2Text(request, headers.date ?? "");
  headers.authorization = `AWS ${credentials.accessKeyId}:${hmacSha1(credentials.secretKey, text)}`;
}

function presignV2(
  request: Outgoing,
  credentials: Credentials,
  date: Date,
  signing: Signing,
): void {
  const expires = String(Math.floor(date.getTime() / 1000) + Number(signing.expiresS ?? 300));
  const signature = hmacSha1(credentials.secretKey, v2Text(request, expires));
  request.path += `${request.path.includes("?") ? "&" : "?"}AWSAccessKeyId=${credentials.accessKeyId}&Expires=${expires}&Signature=${encodeURIComponent(signature)}`;
}

export function hmacSha1(key: string, text: string): string {
  return createHmac("sha1", key).update(text).digest("base64");
}
