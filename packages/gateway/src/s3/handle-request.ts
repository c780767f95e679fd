import { authenticate } from "../auth/authenticate.ts";
import { headersOf } from "../auth/query-headers.ts";
import { authorize, hideMissing } from "./authorize.ts";
import { checkKey } from "./check-key.ts";
import { corsHeaders, preflight } from "./cors.ts";
import { S3Error } from "./errors.ts";
import type { GatewayParts, RawRequest, RequestHeaders, S3Reply, S3Request } from "./operation.ts";
import type { Router } from "./route.ts";

/** Hears the name of the operation that a request asks for, once it is known. */
type OnOperation = (name: string) => void;

/** Answers a request: which operation it asks for, who asks, whether he may, and the operation. Rejects with what is wrong. */
export async function handleRequest(
  request: RawRequest,
  router: Router,
  parts: GatewayParts,
  onOperation: OnOperation,
): Promise<S3Reply> {
  if (request.method === "OPTIONS") {
    onOperation("Preflight");
    return preflight(request, parts);
  }
  if (request.headers.origin === undefined) return answer(request, router, parts, onOperation);
  const shared = await corsHeaders(request, parts);
  try {
    const reply = await answer(request, router, parts, onOperation);
    return { ...reply, headers: { ...shared, ...reply.headers } };
  } catch (error) {
    if (error instanceof S3Error) throw error.withHeaders(shared);
    throw error;
  }
}

async function answer(
  request: RawRequest,
  router: Router,
  parts: GatewayParts,
  onOperation: OnOperation,
): Promise<S3Reply> {
  const headers = headersOf(request);
  const { method, bucket, key, query } = request;
  const operation = router.find({ method, bucket, key, query, headers });
  onOperation(operation.name);
  checkKey(key);
  const { caller, body } = await authenticate(request, parts);
  const authenticated = authenticatedRequest(request, headers, { caller, body });
  const checkEntry = await authorize(operation, authenticated, parts);
  const decided = checkEntry === undefined ? authenticated : { ...authenticated, checkEntry };
  return operation.run(decided, parts).catch(async (error: unknown) => {
    throw await hideMissing(error, authenticated, parts);
  });
}

/** Field by field: this is done for every request, and copying an object whole costs a multiple. */
function authenticatedRequest(
  raw: RawRequest,
  headers: RequestHeaders,
  { caller, body }: Pick<S3Request, "caller" | "body">,
): S3Request {
  return {
    method: raw.method,
    rawPath: raw.rawPath,
    rawQuery: raw.rawQuery,
    rawHeaders: raw.rawHeaders,
    headers,
    query: raw.query,
    bucket: raw.bucket,
    key: raw.key,
    isVirtualHosted: raw.isVirtualHosted,
    body,
    sourceAddress: raw.sourceAddress,
    isSecure: raw.isSecure,
    requestId: raw.requestId,
    signal: raw.signal,
    caller,
  };
}
