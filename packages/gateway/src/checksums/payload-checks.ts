import { S3Error } from "../s3/errors.ts";
import type { RequestBody, RequestHeaders } from "../s3/operation.ts";
import {
  CHECKSUM_ALGORITHMS,
  CHECKSUM_BYTES,
  type ChecksumAlgorithm,
  createDigest,
  type Digest,
} from "./digests.ts";

const HEADER = "x-amz-checksum-";

/** What a request says of its payload, to be held against the payload. */
export interface PayloadChecks {
  /** Content-MD5. */
  readonly md5: Uint8Array | undefined;
  readonly checksum: ExpectedChecksum | undefined;
}

export interface ExpectedChecksum {
  readonly algorithm: ChecksumAlgorithm;
  /** Without one it comes as a trailer. */
  readonly value: Uint8Array | undefined;
}

/** A payload's own digests, when all of it has passed. */
export interface PayloadSums {
  readonly md5: Uint8Array;
  readonly checksum:
    | { readonly algorithm: ChecksumAlgorithm; readonly value: Uint8Array }
    | undefined;
}

/** Reads what headers say of the payload; refuses what makes no sense. */
export function payloadChecks(headers: RequestHeaders, body: RequestBody): PayloadChecks {
  return { md5: contentMd5(headers), checksum: expectedChecksum(headers, body.trailerNames) };
}

function contentMd5(headers: RequestHeaders): Uint8Array | undefined {
  const given = headers["content-md5"];
  if (given === undefined) return undefined;
  const bytes = fromBase64(given, 16);
  if (bytes === undefined) throw new S3Error("InvalidDigest");
  return bytes;
}

function expectedChecksum(
  headers: RequestHeaders,
  trailerNames: readonly string[],
): ExpectedChecksum | undefined {
  const named = CHECKSUM_ALGORITHMS.filter((name) => headers[HEADER + name] !== undefined);
  const trailing = CHECKSUM_ALGORITHMS.filter((name) => trailerNames.includes(HEADER + name));
  if (named.length + trailing.length > 1) {
    throw new S3Error("InvalidRequest", {
      message:
        "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
    });
  }
  const algorithm = named[0] ?? trailing[0];
  checkAnnounced(headers["x-amz-sdk-checksum-algorithm"], algorithm);
  if (algorithm === undefined) return undefined;
  const given = headers[HEADER + algorithm];
  if (given === undefined) return { algorithm, value: undefined };
  return { algorithm, value: checksumValue(algorithm, given) };
}

function checkAnnounced(
  announced: string | undefined,
  algorithm: ChecksumAlgorithm | undefined,
): void {
  if (announced === undefined) return;
  if (checksumAlgorithm(announced) === undefined) {
    throw new S3Error("InvalidRequest", {
      message: "Value for x-amz-sdk-checksum-algorithm header is invalid.",
    });
  }
  if (algorithm === undefined) {
    throw new S3Error("InvalidRequest", {
      message:
        "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.",
    });
  }
  if (announced.toLowerCase() !== algorithm) {
    throw new S3Error("InvalidRequest", {
      message: "Value for x-amz-sdk-checksum-algorithm header is invalid.",
    });
  }
}

/** The algorithm of this name in any case; undefined when there is none. */
export function checksumAlgorithm(name: string): ChecksumAlgorithm | undefined {
  const lower = name.toLowerCase();
  return CHECKSUM_ALGORITHMS.find((algorithm) => algorithm === lower);
}

/** A checksum as headers and documents have it: base64; `InvalidRequest` for one that cannot be. */
export function checksumValue(algorithm: ChecksumAlgorithm, text: string): Uint8Array {
  const value = fromBase64(text, CHECKSUM_BYTES[algorithm]);
  if (value === undefined) {
    throw new S3Error("InvalidRequest", {
      message: `Value for ${HEADER}${algorithm} header is invalid.`,
    });
  }
  return value;
}

function fromBase64(text: string, sizeBytes: number): Uint8Array | undefined {
  const trimmed = text.trim();
  if (!/^[A-Za-z0-9+/]+={0,2}$/u.test(trimmed)) return undefined;
  const bytes = Buffer.from(trimmed, "base64");
  return bytes.byteLength === sizeBytes ? bytes : undefined;
}

/** Takes the digests of a payload as it passes, each byte once, and compares them at its end. */
export class PayloadMeter {
  sizeBytes = 0;
  readonly #checks: PayloadChecks;
  readonly #md5 = createDigest("md5");
  readonly #algorithm: ChecksumAlgorithm | undefined;
  readonly #checksum: Digest | undefined;
  #sums: PayloadSums | undefined;

  /** `fallback`: the checksum to take when the request names none. */
  constructor(checks: PayloadChecks, fallback?: ChecksumAlgorithm) {
    this.#checks = checks;
    this.#algorithm = checks.checksum?.algorithm ?? fallback;
    this.#checksum = this.#algorithm === undefined ? undefined : createDigest(this.#algorithm);
  }

  update(bytes: Uint8Array): void {
    this.sizeBytes += bytes.byteLength;
    this.#md5.update(bytes);
    this.#checksum?.update(bytes);
  }

  /** The digests of all that has passed; `BadDigest` when the request said otherwise. Trailers have come by then. */
  finish(trailers: ReadonlyMap<string, string>): PayloadSums {
    this.#sums ??= this.#finish(trailers);
    return this.#sums;
  }

  #finish(trailers: ReadonlyMap<string, string>): PayloadSums {
    const md5 = this.#md5.digest();
    const expected = this.#checks.md5;
    if (expected !== undefined && !Buffer.from(md5).equals(expected)) {
      throw new S3Error("BadDigest", {
        message: "The Content-MD5 you specified did not match what we received.",
        details: { ExpectedDigest: toBase64(expected), CalculatedDigest: toBase64(md5) },
      });
    }
    if (this.#algorithm === undefined || this.#checksum === undefined) {
      return { md5, checksum: undefined };
    }
    const value = this.#checksum.digest();
    this.#compare(value, trailers);
    return { md5, checksum: { algorithm: this.#algorithm, value } };
  }

  #compare(value: Uint8Array, trailers: ReadonlyMap<string, string>): void {
    const { checksum } = this.#checks;
    if (checksum === undefined) return;
    const { algorithm } = checksum;
    const trailing = trailers.get(HEADER + algorithm);
    const expected =
      checksum.value ?? (trailing === undefined ? undefined : checksumValue(algorithm, trailing));
    if (expected === undefined) throw new S3Error("MalformedTrailerError");
    if (Buffer.from(value).equals(expected)) return;
    throw new S3Error("BadDigest", {
      message: `The ${algorithm.toUpperCase()} you specified did not match the calculated checksum.`,
    });
  }
}

export function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}
