import { S3Error } from "../s3/errors.ts";
import type { Caller, GatewayParts, RawRequest, RequestBody, UserCaller } from "../s3/operation.ts";
import { callerOf } from "./caller.ts";
import { ChunkSigner } from "./chunk-signer.ts";
import { checkDay } from "./credential.ts";
import { parseAuthorization } from "./parse-authorization.ts";
import { checkExpiry, parsePresigned } from "./parse-presigned.ts";
import { payloadOf } from "./payload.ts";
import {
  parseAuthorizationV2,
  parsePresignedV2,
  type SignatureV2,
  verifyV2,
} from "./signature-v2.ts";
import { ALGORITHM_V4, checkSignedHeaders, type SignatureV4, verifyV4 } from "./signature-v4.ts";
import { checkSkew } from "./signing-time.ts";

/** Who sends a request, and its payload. */
export interface Authenticated {
  readonly caller: Caller;
  /** What the body carries, without the coding that signatures need, verified as it is read. */
  readonly body: RequestBody;
}

export type AuthenticationParts = Pick<GatewayParts, "clock" | "config" | "keys" | "signingKeys">;

/** Finds out who sends a request, before its body is read; refuses a signature that is wrong. */
export async function authenticate(
  request: RawRequest,
  parts: AuthenticationParts,
): Promise<Authenticated> {
  const { headers, query } = request;
  const authorization = headers.authorization ?? "";
  const isPresigned = query.has("X-Amz-Signature") || query.has("X-Amz-Credential");
  const isPresignedV2 = query.has("Signature") || query.has("AWSAccessKeyId");
  if (authorization !== "") {
    if (isPresigned || isPresignedV2) throw twoWays(authorization);
    return byHeader(request, authorization, parts);
  }
  if (isPresigned) return byPresigned(request, parts);
  if (isPresignedV2) {
    return byV2(request, parsePresignedV2(request, Math.floor(parts.clock.now())), parts);
  }
  const payloadHash = headers["x-amz-content-sha256"];
  return { caller: { kind: "anonymous" }, body: payloadOf(request, payloadHash, undefined) };
}

async function byHeader(
  request: RawRequest,
  authorization: string,
  parts: AuthenticationParts,
): Promise<Authenticated> {
  const { clock, config } = parts;
  if (authorization.startsWith("AWS ")) {
    return byV2(request, parseAuthorizationV2(request, authorization, clock.now()), parts);
  }
  if (!authorization.startsWith(`${ALGORITHM_V4} `)) throw unsupported(authorization);
  const signed = parseAuthorization(request.headers, authorization, config.region);
  checkSkew(signed.timeMs, signed.time, clock.now());
  return byV4(request, signed, parts);
}

async function byPresigned(
  request: RawRequest,
  parts: AuthenticationParts,
): Promise<Authenticated> {
  const signed = parsePresigned(request, parts.config.region);
  checkExpiry(signed, parts.clock.now());
  return byV4(request, signed, parts);
}

async function byV4(
  request: RawRequest,
  signed: SignatureV4,
  parts: AuthenticationParts,
): Promise<Authenticated> {
  refuseToken(request);
  const { credential, time, signature, payloadHash } = signed;
  const { caller, secretKey } = await lookUp(credential.accessKeyId, parts);
  checkDay(credential, time, signed.refused);
  checkSignedHeaders(request, signed.signedHeaders);
  const signingKey = parts.signingKeys.keyOf(credential, secretKey);
  verifyV4(request, signed, signingKey);
  const signer = new ChunkSigner({ credential, signingKey, time, signature });
  return { caller, body: payloadOf(request, payloadHash, signer) };
}

async function byV2(
  request: RawRequest,
  signed: SignatureV2,
  parts: AuthenticationParts,
): Promise<Authenticated> {
  refuseToken(request);
  const { caller, secretKey } = await lookUp(signed.accessKeyId, parts);
  verifyV2(request, signed, secretKey);
  const payloadHash = request.headers["x-amz-content-sha256"];
  return { caller, body: payloadOf(request, payloadHash, undefined) };
}

/** The user and the secret of a key that is good. */
export async function lookUp(
  accessKeyId: string,
  { keys, clock }: Pick<AuthenticationParts, "keys" | "clock">,
): Promise<{ readonly caller: UserCaller; readonly secretKey: string }> {
  const found = await keys.find(accessKeyId);
  const caller = callerOf(accessKeyId, found, clock.now());
  return { caller, secretKey: found?.secretKey ?? "" };
}

/** Nobody here gives out keys for a session. */
function refuseToken({ headers, query }: RawRequest): void {
  const token = headers["x-amz-security-token"] ?? query.get("X-Amz-Security-Token");
  if (token !== undefined) throw new S3Error("InvalidToken");
}

function unsupported(authorization: string): S3Error {
  const at = authorization.indexOf(" ");
  const message =
    at === -1
      ? "Authorization header is invalid -- one and only one ' ' (space) required."
      : "Unsupported Authorization Type";
  const shown = at === -1 ? authorization : authorization.slice(0, at);
  return new S3Error("InvalidArgument", {
    message,
    details: { ArgumentName: "Authorization", ArgumentValue: shown },
  });
}

function twoWays(authorization: string): S3Error {
  return new S3Error("InvalidArgument", {
    message:
      "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified",
    details: { ArgumentName: "Authorization", ArgumentValue: authorization },
  });
}
