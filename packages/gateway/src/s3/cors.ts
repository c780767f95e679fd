import {
  corsHeaders as allowedBy,
  CORS_METHODS,
  type CorsQuestion,
  isHeaderName,
} from "../documents/cors.ts";
import { bucketRules } from "./bucket-rules.ts";
import { S3Error } from "./errors.ts";
import type { GatewayParts, RawRequest, S3Reply } from "./operation.ts";

/** The answer to a preflight: an OPTIONS request that asks what a page of another origin may do. */
export async function preflight(request: RawRequest, parts: GatewayParts): Promise<S3Reply> {
  const { headers } = request;
  const { origin } = headers;
  const method = headers["access-control-request-method"];
  if (origin === undefined || origin === "") {
    throw new S3Error("BadRequest", {
      message: "Insufficient information. Origin request header needed.",
    });
  }
  if (method === undefined || !CORS_METHODS.includes(method)) {
    throw new S3Error("BadRequest", {
      message: `Invalid Access-Control-Request-Method: ${method ?? "null"}`,
    });
  }
  const names = (headers["access-control-request-headers"] ?? "")
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  const strange = names.find((name) => !isHeaderName(name));
  if (strange !== undefined) {
    throw new S3Error("BadRequest", {
      message: `Access-Control-Request-Headers "${strange}" contains invalid character.`,
    });
  }
  const rules = request.bucket === "" ? [] : bucketRules(await bucketOf(request, parts)).cors;
  if (rules.length === 0) {
    throw new S3Error("AccessForbidden", {
      message: "CORSResponse: CORS is not enabled for this bucket.",
    });
  }
  const allowed = allowedBy(rules, { origin, method, headers: names });
  if (allowed === undefined) {
    throw new S3Error("AccessForbidden", {
      message:
        "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec.",
    });
  }
  return { status: 200, headers: allowed };
}

/** The headers that let a page of another origin read a reply: none unless the bucket's rules say so. */
export async function corsHeaders(
  request: RawRequest,
  parts: GatewayParts,
): Promise<Readonly<Record<string, string>>> {
  const { origin } = request.headers;
  if (origin === undefined || request.bucket === "") return {};
  const bucket = await bucketOf(request, parts).catch((error: unknown) => {
    // A bucket that has just gone has no rules.
    if (error instanceof S3Error) return undefined;
    throw error;
  });
  if (bucket === undefined) return {};
  const { cors } = bucketRules(bucket);
  const method = request.headers["access-control-request-method"] ?? request.method;
  const question: CorsQuestion = { origin, method, headers: [] };
  return allowedBy(cors, question) ?? {};
}

function bucketOf(request: RawRequest, parts: GatewayParts) {
  return parts.buckets.get(request.bucket);
}
