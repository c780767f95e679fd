import type { ChecksumAlgorithm } from "../../checksums/digests.ts";
import { PayloadMeter, type PayloadSums, payloadChecks } from "../../checksums/payload-checks.ts";
import type { ContentCipher } from "../../encryption/content-cipher.ts";
import { S3Error } from "../../s3/errors.ts";
import type { RequestBody, RequestHeaders } from "../../s3/operation.ts";

/** The most that one PUT may bring, of an object or of a part. */
const PUT_BYTES_MAX = 5 * 1024 ** 3;
/** How long a chunk waits for memory, which clients that send slowly may hold, before it is passed on as it comes. */
export const MEMORY_PATIENCE_MS = 2000;
/** Payloads up to here are gathered before they are put: whole they take the short ways in. */
const GATHERED_BYTES_MAX = 64 * 1024;

interface PayloadOptions {
  /** How the bytes are stored; as they are unless given. */
  readonly cipher?: ContentCipher | undefined;
  /** The checksum to take of a payload whose request names none. */
  readonly fallback?: ChecksumAlgorithm | undefined;
  readonly limitBytes?: number | undefined;
}

/**
 * The bytes that a request brings, on their way into an object: each byte is measured and digested once as it passes, and encrypted. What is
 * wrong with them (length, digests, signature) is known at the end and refuses the write.
 */
export class ObjectPayload {
  /** Of what is stored, when the request says so. */
  readonly sizeBytes: number | undefined;
  readonly #body: RequestBody;
  readonly #meter: PayloadMeter;
  readonly #cipher: ContentCipher | undefined;
  readonly #limitBytes: number;

  constructor(body: RequestBody, headers: RequestHeaders, options: PayloadOptions = {}) {
    this.#limitBytes = options.limitBytes ?? PUT_BYTES_MAX;
    if ((body.lengthBytes ?? 0) > this.#limitBytes) throw this.#tooLarge(body.lengthBytes ?? 0);
    this.sizeBytes = body.lengthBytes;
    this.#body = body;
    this.#cipher = options.cipher;
    this.#meter = new PayloadMeter(payloadChecks(headers, body), options.fallback);
  }

  /** How many bytes have passed. */
  get passedBytes(): number {
    return this.#meter.sizeBytes;
  }

  /** What to put: the bytes of a small payload, else the bytes as they come. */
  async source(): Promise<Uint8Array | AsyncIterable<Uint8Array>> {
    const { sizeBytes } = this;
    if (sizeBytes === undefined || sizeBytes > GATHERED_BYTES_MAX) return this.#passing();
    const bytes = Buffer.allocUnsafe(sizeBytes);
    let filledBytes = 0;
    for await (const piece of this.#passing()) {
      bytes.set(piece, filledBytes);
      filledBytes += piece.byteLength;
    }
    return bytes;
  }

  /** The digests of all that has passed; refuses the payload when the request said otherwise. */
  finish(): PayloadSums {
    return this.#meter.finish(this.#body.trailers);
  }

  async *#passing(): AsyncGenerator<Uint8Array, void, undefined> {
    const { sizeBytes } = this;
    const meter = this.#meter;
    const encrypt = this.#cipher?.encryptor();
    for await (const piece of this.#body) {
      meter.update(piece);
      if (meter.sizeBytes > (sizeBytes ?? this.#limitBytes)) throw this.#tooMuch(meter.sizeBytes);
      yield encrypt === undefined ? piece : encrypt(piece);
    }
    if (sizeBytes !== undefined && meter.sizeBytes < sizeBytes) throw new S3Error("IncompleteBody");
  }

  #tooMuch(sizeBytes: number): S3Error {
    return this.sizeBytes === undefined ? this.#tooLarge(sizeBytes) : new S3Error("IncompleteBody");
  }

  #tooLarge(sizeBytes: number): S3Error {
    return new S3Error("EntityTooLarge", {
      details: {
        ProposedSize: String(sizeBytes),
        MaxSizeAllowed: String(this.#limitBytes),
      },
    });
  }
}

/** Refuses, as `MissingContentLength`, a write that says neither how long its body is nor that it comes in chunks. */
export function requireLength(headers: RequestHeaders): void {
  if (headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined) return;
  throw new S3Error("MissingContentLength");
}
