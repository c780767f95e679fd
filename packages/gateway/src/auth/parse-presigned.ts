import { S3Error } from "../s3/errors.ts";
import type { RawRequest } from "../s3/operation.ts";
import { parseCredential, type Refusal } from "./credential.ts";
import type { SigningTime } from "./parse-authorization.ts";
import { UNSIGNED_PAYLOAD } from "./payload-hash.ts";
import { ALGORITHM_V4, type SignatureV4 } from "./signature-v4.ts";
import { isoTime, parseBasicTime, SKEW_MAX_MS } from "./signing-time.ts";

const ECDSA = "AWS4-ECDSA-P256-SHA256";
const SECONDS_MAX = 604_800;

const refused = (message: string, details?: Readonly<Record<string, string>>) =>
  new S3Error("AuthorizationQueryParametersError", { message, details });

const credentialRefused: Refusal = (fact, details) =>
  refused(`Error parsing the X-Amz-Credential parameter; ${fact}`, details);

/** The query of a presigned URL of version 4; what is missing or malformed is refused as AWS does. */
export function parsePresigned(
  { query, headers }: RawRequest,
  region: string,
): SignatureV4 & SigningTime & { readonly expiresS: number } {
  const parameter = (name: string) => {
    const value = query.get(name);
    if (value !== undefined && value !== "") return value;
    throw refused(
      "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.",
    );
  };
  const algorithm = parameter("X-Amz-Algorithm");
  const [credentialText, signature, time, signedHeaders, expires] = [
    parameter("X-Amz-Credential"),
    parameter("X-Amz-Signature"),
    parameter("X-Amz-Date"),
    parameter("X-Amz-SignedHeaders"),
    parameter("X-Amz-Expires"),
  ];
  if (algorithm !== ALGORITHM_V4) {
    // AWS knows a second one, by public keys, which nobody has here.
    const known = algorithm === ECDSA ? ALGORITHM_V4 : `${ALGORITHM_V4} and ${ECDSA}`;
    throw refused(`X-Amz-Algorithm only supports "${known}"`);
  }
  const credential = parseCredential(credentialText, region, credentialRefused);
  const timeMs = parseBasicTime(time);
  if (timeMs === undefined) {
    throw refused(`X-Amz-Date must be in the ISO8601 Long Format "yyyyMMdd'T'HHmmss'Z'"`);
  }
  return {
    credential,
    signedHeaders: signedHeaders.split(";").map((name) => name.toLowerCase()),
    signature: signature.toLowerCase(),
    time,
    timeMs,
    expiresS: expiresOf(expires),
    payloadHash:
      query.get("X-Amz-Content-Sha256") ?? headers["x-amz-content-sha256"] ?? UNSIGNED_PAYLOAD,
    refused,
    unsignedParameter: "X-Amz-Signature",
  };
}

function expiresOf(text: string): number {
  if (!/^-?\d+$/u.test(text)) throw refused("X-Amz-Expires should be a number");
  const seconds = Number(text);
  if (seconds < 0) throw refused("X-Amz-Expires must be non-negative");
  if (seconds > SECONDS_MAX) {
    throw refused(
      `X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than ${SECONDS_MAX} seconds`,
    );
  }
  return seconds;
}

/** Refuses a URL before its time, and after it. */
export function checkExpiry(
  { time, timeMs, expiresS }: SigningTime & { readonly expiresS: number },
  nowMs: number,
): void {
  if (timeMs - nowMs > SKEW_MAX_MS) {
    throw new S3Error("AccessDenied", {
      message: "Request is not yet valid",
      details: { "X-Amz-Date": time, ServerTime: isoTime(nowMs) },
    });
  }
  const expiresMs = timeMs + expiresS * 1000;
  if (nowMs <= expiresMs) return;
  throw new S3Error("AccessDenied", {
    message: "Request has expired",
    details: {
      "X-Amz-Expires": String(expiresS),
      Expires: isoTime(expiresMs),
      ServerTime: isoTime(nowMs),
    },
  });
}
