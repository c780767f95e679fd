import { S3Error } from "../s3/errors.ts";
import type { RequestHeaders } from "../s3/operation.ts";
import { parseCredential, type Refusal } from "./credential.ts";
import { checkPayloadHash } from "./payload-hash.ts";
import { ALGORITHM_V4, type SignatureV4 } from "./signature-v4.ts";
import { basicTime, parseBasicTime, parseHttpDate } from "./signing-time.ts";

const malformed: Refusal = (fact, details) =>
  new S3Error("AuthorizationHeaderMalformed", {
    message: `The authorization header is malformed; ${fact}`,
    details,
  });

/** The time that a request says it was signed at. */
export interface SigningTime {
  /** "20261123T062034Z". */
  readonly time: string;
  readonly timeMs: number;
}

/** What stands in an Authorization header of version 4; what is missing or malformed is refused as AWS does. */
export function parseAuthorization(
  headers: RequestHeaders,
  authorization: string,
  region: string,
): SignatureV4 & SigningTime {
  const { Credential, SignedHeaders, Signature } = componentsOf(authorization);
  const credential = parseCredential(Credential, region, malformed);
  const signingTime = signingTimeOf(headers);
  return {
    credential,
    signedHeaders: SignedHeaders.split(";").map((name) => name.toLowerCase()),
    signature: Signature.toLowerCase(),
    payloadHash: payloadHashOf(headers),
    refused: malformed,
    ...signingTime,
  };
}

type Component = "Credential" | "SignedHeaders" | "Signature";

function componentsOf(authorization: string): Readonly<Record<Component, string>> {
  const found = new Map<string, string>();
  for (const part of authorization.slice(ALGORITHM_V4.length).split(",")) {
    const text = part.trim();
    if (text === "") continue;
    const at = text.indexOf("=");
    if (at === -1) throw malformed(`the authorization component "${text}" is malformed.`);
    found.set(text.slice(0, at), text.slice(at + 1));
  }
  if (found.size < 3) {
    throw malformed(
      "the authorization header requires three components: Credential, SignedHeaders, and Signature.",
    );
  }
  const component = (name: Component) => {
    const value = found.get(name);
    if (value === undefined || value === "") throw malformed(`missing ${name}.`);
    return value;
  };
  return {
    Credential: component("Credential"),
    SignedHeaders: component("SignedHeaders"),
    Signature: component("Signature"),
  };
}

/** From x-amz-date, or from Date when that is absent. */
function signingTimeOf(headers: RequestHeaders): SigningTime {
  const given = headers["x-amz-date"] ?? headers.date ?? "";
  const basicMs = parseBasicTime(given);
  if (basicMs !== undefined && basicMs >= 0) return { time: given, timeMs: basicMs };
  const timeMs = parseHttpDate(given);
  return { time: basicTime(timeMs), timeMs };
}

function payloadHashOf(headers: RequestHeaders): string {
  const given = headers["x-amz-content-sha256"];
  if (given !== undefined && given !== "") return checkPayloadHash(given);
  throw new S3Error("InvalidRequest", {
    message: "Missing required header for this request: x-amz-content-sha256",
  });
}
