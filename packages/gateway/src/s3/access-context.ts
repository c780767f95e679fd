import type { RequestContext } from "@cairnfs/access/condition";
import { contextKey } from "@cairnfs/access/policy-document";
import { ACCOUNT_ID, userArn } from "@cairnfs/access/principal";
import { readTaggingHeader } from "../documents/tagging.ts";
import type { GatewayParts, S3Request } from "./operation.ts";

const DAY_MS = 86_400_000;

/** Headers that are condition keys by their own name. */
const HEADER_KEYS = [
  "x-amz-acl",
  "x-amz-content-sha256",
  "x-amz-copy-source",
  "x-amz-grant-full-control",
  "x-amz-grant-read",
  "x-amz-grant-read-acp",
  "x-amz-grant-write",
  "x-amz-grant-write-acp",
  "x-amz-metadata-directive",
  "x-amz-object-ownership",
  "x-amz-server-side-encryption",
  "x-amz-server-side-encryption-aws-kms-key-id",
  "x-amz-server-side-encryption-customer-algorithm",
  "x-amz-storage-class",
  "x-amz-website-redirect-location",
  "if-match",
  "if-none-match",
] as const;

const QUERY_KEYS = ["prefix", "delimiter", "max-keys", "versionId"] as const;

/** What policies can ask about a request, beside tags that its object has. */
export function accessContext(
  request: S3Request,
  parts: Pick<GatewayParts, "clock" | "config">,
): Map<string, readonly string[]> {
  const context = new Map<string, readonly string[]>();
  const set = (name: string, value: string | undefined) => {
    if (value !== undefined) context.set(contextKey(name), [value]);
  };
  const { headers, query } = request;
  const nowMs = parts.clock.now();
  set("aws:CurrentTime", new Date(nowMs).toISOString());
  set("aws:EpochTime", String(Math.floor(nowMs / 1000)));
  set("aws:SourceIp", request.sourceAddress);
  set("aws:SecureTransport", String(request.isSecure));
  set("aws:RequestedRegion", parts.config.region);
  set("aws:UserAgent", headers["user-agent"]);
  set("aws:Referer", headers.referer);
  for (const [name, value] of principalKeys(request)) set(name, value);
  for (const name of HEADER_KEYS) set(`s3:${name}`, headers[name]);
  for (const name of QUERY_KEYS) set(`s3:${name}`, query.get(name));
  addLockKeys(request, nowMs, set);
  addRequestTags(request, context);
  return context;
}

function principalKeys({ caller, headers, query }: S3Request): Map<string, string> {
  const keys = new Map([["s3:ResourceAccount", ACCOUNT_ID]]);
  if (caller.kind === "anonymous") {
    keys.set("aws:PrincipalType", "Anonymous");
    return keys;
  }
  keys.set("aws:PrincipalType", caller.isRoot ? "Account" : "User");
  keys.set("aws:PrincipalArn", userArn(caller));
  keys.set("aws:PrincipalAccount", ACCOUNT_ID);
  keys.set("aws:userid", caller.id);
  if (!caller.isRoot) keys.set("aws:username", caller.name);
  const isPresigned = headers.authorization === undefined && query.size > 0;
  keys.set("s3:authType", isPresigned ? "REST-QUERY-STRING" : "REST-HEADER");
  const isOld = headers.authorization?.startsWith("AWS ") === true || query.has("AWSAccessKeyId");
  keys.set("s3:signatureversion", isOld ? "AWS" : "AWS4-HMAC-SHA256");
  return keys;
}

function addLockKeys(
  { headers }: S3Request,
  nowMs: number,
  set: (name: string, value: string | undefined) => void,
): void {
  const until = headers["x-amz-object-lock-retain-until-date"];
  set("s3:object-lock-mode", headers["x-amz-object-lock-mode"]);
  set("s3:object-lock-legal-hold", headers["x-amz-object-lock-legal-hold"]);
  set("s3:object-lock-retain-until-date", until);
  const untilMs = until === undefined ? Number.NaN : Date.parse(until);
  if (Number.isNaN(untilMs)) return;
  set("s3:object-lock-remaining-retention-days", String(Math.ceil((untilMs - nowMs) / DAY_MS)));
}

function addRequestTags({ headers }: S3Request, context: Map<string, readonly string[]>): void {
  const header = headers["x-amz-tagging"];
  if (header === undefined) return;
  addTags(context, "s3:RequestObjectTag", readTaggingHeader(header));
  const names = Object.keys(readTaggingHeader(header));
  context.set(contextKey("s3:RequestObjectTagKeys"), names);
}

/** Adds tags as condition keys of this kind. */
export function addTags(
  context: Map<string, readonly string[]>,
  kind: "s3:RequestObjectTag" | "s3:ExistingObjectTag",
  tags: Readonly<Record<string, string>>,
): RequestContext {
  for (const [name, value] of Object.entries(tags)) {
    context.set(contextKey(`${kind}/${name}`), [value]);
  }
  return context;
}
