import { S3Error } from "./errors.ts";
import type { GatewayParts, RawRequest, S3Reply } from "./operation.ts";

/** The answer to a preflight: an OPTIONS request that asks what a page of another origin may do. */
export async function preflight(_request: RawRequest, _parts: GatewayParts): Promise<S3Reply> {
  throw new S3Error("AccessDenied", {
    message: "CORSResponse: CORS is not enabled for this bucket.",
  });
}

/** The headers that let a page of another origin read a reply: none unless the bucket's rules say so. */
export async function corsHeaders(
  _request: RawRequest,
  _parts: GatewayParts,
): Promise<Readonly<Record<string, string>>> {
  return {};
}
