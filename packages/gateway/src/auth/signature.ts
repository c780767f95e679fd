import { timingSafeEqual } from "node:crypto";
import { S3Error } from "../s3/errors.ts";

/** What was signed, for the message of a signature that is wrong. */
export interface Signed {
  readonly accessKeyId: string;
  readonly stringToSign: string;
  readonly canonicalRequest?: string;
}

/** Refuses a signature that is not the expected one; how long that takes says nothing of it. */
export function checkSignature(given: string, expected: string, signed: Signed): void {
  const one = Buffer.from(given, "latin1");
  const other = Buffer.from(expected, "latin1");
  if (one.byteLength === other.byteLength && timingSafeEqual(one, other)) return;
  throw signatureDoesNotMatch(given, signed);
}

function signatureDoesNotMatch(given: string, signed: Signed): S3Error {
  const { accessKeyId, stringToSign, canonicalRequest } = signed;
  return new S3Error("SignatureDoesNotMatch", {
    details: {
      AWSAccessKeyId: accessKeyId,
      StringToSign: stringToSign,
      SignatureProvided: given,
      StringToSignBytes: shownBytes(stringToSign),
      ...(canonicalRequest !== undefined && {
        CanonicalRequest: canonicalRequest,
        CanonicalRequestBytes: shownBytes(canonicalRequest),
      }),
    },
  });
}

function shownBytes(text: string): string {
  return Buffer.from(text, "latin1")
    .toString("hex")
    .replaceAll(/(..)(?!$)/gu, "$1 ");
}
