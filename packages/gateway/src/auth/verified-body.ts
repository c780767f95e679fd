import { createHash } from "node:crypto";
import { S3Error } from "../s3/errors.ts";
import type { RequestBody } from "../s3/operation.ts";

/** A payload whose SHA-256 was signed: its reader is told at the end if it is another. */
export class VerifiedBody implements RequestBody {
  readonly lengthBytes: number | undefined;
  readonly trailers: ReadonlyMap<string, string>;
  readonly trailerNames: readonly string[];
  readonly #body: RequestBody;
  readonly #sha256: string;

  constructor(body: RequestBody, sha256: string) {
    this.lengthBytes = body.lengthBytes;
    this.trailers = body.trailers;
    this.trailerNames = body.trailerNames;
    this.#body = body;
    this.#sha256 = sha256;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    const hash = createHash("sha256");
    for await (const piece of this.#body) {
      hash.update(piece);
      yield piece;
    }
    checkSha256(this.#sha256, hash.digest("hex"));
  }
}

/** Refuses a payload that has another SHA-256 than was signed. */
export function checkSha256(signed: string, computed: string): void {
  if (computed === signed) return;
  throw new S3Error("XAmzContentSHA256Mismatch", {
    details: { ClientComputedContentSHA256: signed, S3ComputedContentSHA256: computed },
  });
}
