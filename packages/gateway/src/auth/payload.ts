import { S3Error } from "../s3/errors.ts";
import type { RawRequest, RequestBody } from "../s3/operation.ts";
import { ChunkedBody, type ChunkSigner } from "./chunked-body.ts";
import {
  checkPayloadHash,
  EMPTY_SHA256,
  SIGNED_CHUNKS,
  SIGNED_CHUNKS_TRAILER,
  UNSIGNED_CHUNKS_TRAILER,
  UNSIGNED_PAYLOAD,
} from "./payload-hash.ts";
import { checkSha256, VerifiedBody } from "./verified-body.ts";

/**
 * The payload of a request as x-amz-content-sha256 says that it comes: as it is, with a SHA-256 that it must have, or in
 * chunks. Signed chunks need the signer that the signature of the request's head began.
 */
export function payloadOf(
  request: RawRequest,
  payloadHash: string | undefined,
  signer: ChunkSigner | undefined,
): RequestBody {
  const { body } = request;
  if (payloadHash === undefined || payloadHash === UNSIGNED_PAYLOAD) return body;
  switch (checkPayloadHash(payloadHash)) {
    case SIGNED_CHUNKS:
      return chunked(request, { signer: neededSigner(signer, payloadHash), hasTrailer: false });
    case SIGNED_CHUNKS_TRAILER:
      return chunked(request, { signer: neededSigner(signer, payloadHash), hasTrailer: true });
    case UNSIGNED_CHUNKS_TRAILER:
      return chunked(request, { signer: undefined, hasTrailer: true });
    default:
      // Nobody may read what is not there: it is judged at once.
      if (body.lengthBytes === 0) checkSha256(payloadHash, EMPTY_SHA256);
      return new VerifiedBody(body, payloadHash);
  }
}

function chunked(
  request: RawRequest,
  coding: { readonly signer: ChunkSigner | undefined; readonly hasTrailer: boolean },
): RequestBody {
  const { headers, body } = request;
  const given = headers["x-amz-decoded-content-length"];
  const lengthBytes = /^\d{1,16}$/u.test(given ?? "") ? Number(given) : Number.NaN;
  if (!Number.isSafeInteger(lengthBytes)) throw new S3Error("MissingContentLength");
  const trailerNames = coding.hasTrailer ? namesIn(headers["x-amz-trailer"]) : [];
  return new ChunkedBody(body, { lengthBytes, trailerNames, signer: coding.signer });
}

function namesIn(list: string | undefined): readonly string[] {
  const names = (list ?? "").split(",").map((name) => name.trim().toLowerCase());
  return names.filter((name) => name !== "");
}

function neededSigner(signer: ChunkSigner | undefined, payloadHash: string): ChunkSigner {
  if (signer !== undefined) return signer;
  throw new S3Error("InvalidRequest", {
    message: `${payloadHash} needs a request that is signed in its Authorization header`,
  });
}
