import { authenticate } from "../auth/authenticate.ts";
import { headersOf } from "../auth/query-headers.ts";
import { authorize } from "./authorize.ts";
import { corsHeaders, preflight } from "./cors.ts";
import type { GatewayParts, RawRequest, S3Reply } from "./operation.ts";
import type { Router } from "./route.ts";

/** Answers a request: which operation it asks for, who asks, whether he may, and the operation. Rejects with what is wrong. */
export async function handleRequest(
  request: RawRequest,
  router: Router,
  parts: GatewayParts,
): Promise<S3Reply> {
  if (request.method === "OPTIONS") return preflight(request, parts);
  const headers = headersOf(request);
  const operation = router.find({ ...request, headers });
  const { caller, body } = await authenticate(request, parts);
  const authenticated = { ...request, headers, caller, body };
  await authorize(operation, authenticated, parts);
  const reply = await operation.run(authenticated, parts);
  if (request.headers.origin === undefined) return reply;
  return { ...reply, headers: { ...(await corsHeaders(request, parts)), ...reply.headers } };
}
