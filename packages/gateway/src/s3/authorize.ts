import { S3Error } from "./errors.ts";
import type { GatewayParts, Operation, S3Request } from "./operation.ts";

/** Refuses, as `AccessDenied`, what the caller may not do. */
export async function authorize(
  _operation: Operation,
  request: S3Request,
  _parts: GatewayParts,
): Promise<void> {
  if (request.caller.kind === "anonymous") throw new S3Error("AccessDenied");
}
