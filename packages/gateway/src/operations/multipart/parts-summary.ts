import { createHash } from "node:crypto";
import type { ObjectPart } from "@cairnfs/client/objects/multiparts";
import type { ObjectAttributes } from "@cairnfs/client/objects/object-attributes";
import { CrcCombiner, combinesCrcs } from "../../checksums/crc-combine.ts";
import { createDigest, type Digest } from "../../checksums/digests.ts";
import { checksumValue, toBase64 } from "../../checksums/payload-checks.ts";
import type { NamedPart } from "../../documents/complete-multipart.ts";
import { S3Error } from "../../s3/errors.ts";
import { attributesEtag } from "../../s3/etag.ts";
import type { RequestHeaders } from "../../s3/operation.ts";
import { checksumType } from "../../s3/shown-checksum.ts";
import type { UploadChecksum } from "./upload-checksum.ts";

/** The least that a part may have which is not the last. */
const PART_BYTES_MIN = 5 * 1024 * 1024;

/** What is said of an object that parts become. */
export interface WholeObject {
  readonly object: Pick<ObjectAttributes, "md5" | "partCount" | "checksums">;
}

/** Takes the parts of an upload one after the other, refuses what cannot be completed, and has the ETag and checksum of the whole in the end. */
export class PartsSummary {
  readonly #checksum: UploadChecksum | undefined;
  readonly #headers: RequestHeaders;
  readonly #md5 = createHash("md5");
  readonly #whole: WholeChecksum | undefined;
  #sizeBytes = 0;
  #count = 0;

  constructor(checksum: UploadChecksum | undefined, headers: RequestHeaders) {
    this.#checksum = checksum;
    this.#headers = headers;
    this.#whole = checksum === undefined ? undefined : wholeChecksum(checksum);
    this.#checkType();
  }

  /** Adds a part of the upload, which the client named so. */
  add(named: NamedPart, part: ObjectPart, isLast: boolean, uploadId: string): void {
    const details = { UploadId: uploadId, PartNumber: String(part.number), ETag: named.etag };
    const etag = attributesEtag({ md5: part.object.md5, partCount: 0 });
    if (named.etag !== etag) throw new S3Error("InvalidPart", { details });
    if (!isLast && part.sizeBytes < PART_BYTES_MIN) {
      throw new S3Error("EntityTooSmall", {
        details: {
          ProposedSize: String(part.sizeBytes),
          MinSizeAllowed: String(PART_BYTES_MIN),
          PartNumber: String(part.number),
          ETag: named.etag,
        },
      });
    }
    this.#md5.update(part.object.md5);
    this.#addChecksum(named, part, details);
    this.#sizeBytes += part.sizeBytes;
    this.#count += 1;
  }

  /** What the whole is; refuses it when the request says otherwise. */
  finish(): WholeObject {
    const size = this.#headers["x-amz-mp-object-size"];
    if (size !== undefined && size !== String(this.#sizeBytes)) {
      throw refused(
        `The provided 'x-amz-mp-object-size' header value ${size} does not match what was computed: ${this.#sizeBytes}`,
      );
    }
    const object = { md5: this.#md5.digest(), partCount: this.#count };
    if (this.#checksum === undefined || this.#whole === undefined) {
      return { object: { ...object, checksums: [] } };
    }
    const value = this.#whole.finish();
    this.#compare(value);
    return { object: { ...object, checksums: [{ ...this.#checksum, value }] } };
  }

  #checkType(): void {
    const type = this.#headers["x-amz-checksum-type"]?.toUpperCase();
    if (
      type === undefined ||
      this.#checksum === undefined ||
      type === checksumType(this.#checksum)
    ) {
      return;
    }
    throw refused(
      `The upload was created using the ${checksumType(this.#checksum)} checksum mode. The complete request must use the same checksum mode.`,
    );
  }

  #addChecksum(
    named: NamedPart,
    part: ObjectPart,
    details: Readonly<Record<string, string>>,
  ): void {
    const [kept] = part.object.checksums;
    for (const [algorithm, text] of named.checksums) {
      const isSame = kept?.algorithm === algorithm && toBase64(kept.value) === text;
      if (!isSame) throw new S3Error("InvalidPart", { details });
    }
    if (this.#checksum === undefined || this.#whole === undefined) return;
    const { algorithm, isComposite } = this.#checksum;
    if (isComposite && !named.checksums.has(algorithm)) {
      throw refused(
        `The upload was created using a ${algorithm} checksum. The complete request must include the checksum for each part. It was missing for part ${part.number} in the request.`,
      );
    }
    if (kept?.algorithm !== algorithm) throw new S3Error("InvalidPart", { details });
    this.#whole.add(kept.value, part.sizeBytes);
  }

  #compare(value: Uint8Array): void {
    if (this.#checksum === undefined) return;
    const { algorithm, isComposite } = this.#checksum;
    const header = this.#headers[`x-amz-checksum-${algorithm}`];
    if (header === undefined) return;
    const [text = "", count] = header.split("-");
    const isCount = count === undefined || (isComposite && count === String(this.#count));
    const isSame = Buffer.from(checksumValue(algorithm, text)).equals(value);
    if (isCount && isSame) return;
    throw new S3Error("BadDigest", {
      message: `The ${algorithm} you specified did not match the calculated checksum.`,
    });
  }
}

interface WholeChecksum {
  add(value: Uint8Array, sizeBytes: number): void;
  finish(): Uint8Array;
}

function wholeChecksum({ algorithm, isComposite }: UploadChecksum): WholeChecksum {
  if (isComposite || !combinesCrcs(algorithm)) {
    const digest: Digest = createDigest(algorithm);
    return { add: (value) => digest.update(value), finish: () => digest.digest() };
  }
  const combiner = new CrcCombiner(algorithm);
  let whole: Uint8Array = createDigest(algorithm).digest();
  return {
    add(value, sizeBytes) {
      whole = combiner.combine(whole, value, sizeBytes);
    },
    finish: () => whole,
  };
}

function refused(message: string): S3Error {
  return new S3Error("InvalidRequest", { message });
}
