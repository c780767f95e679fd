import type { ObjectAttributes } from "@cairnfs/client/objects/object-attributes";
import { combinesCrcs } from "../../checksums/crc-combine.ts";
import type { ChecksumAlgorithm } from "../../checksums/digests.ts";
import { checksumAlgorithm } from "../../checksums/payload-checks.ts";
import { S3Error } from "../../s3/errors.ts";
import type { RequestHeaders } from "../../s3/operation.ts";
import { checksumType } from "../../s3/shown-checksum.ts";
import { textElement } from "../../xml/write.ts";

/** Which checksum an upload has, and of what: of the whole content, or of the checksums of its parts. */
export interface UploadChecksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly isComposite: boolean;
}

type Kept = Pick<ObjectAttributes, "checksums">;

/** What the headers of a new upload ask for; `undefined` for no checksum. */
export function askedChecksum(headers: RequestHeaders): UploadChecksum | undefined {
  const name = headers["x-amz-checksum-algorithm"];
  const type = headers["x-amz-checksum-type"]?.toUpperCase();
  if (type !== undefined && type !== "COMPOSITE" && type !== "FULL_OBJECT") {
    throw refused("Value for x-amz-checksum-type header is invalid.");
  }
  if (name === undefined) {
    if (type === undefined) return undefined;
    throw refused(
      "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.",
    );
  }
  const algorithm = checksumAlgorithm(name);
  if (algorithm === undefined) {
    throw refused(
      "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256, SHA512, MD5, XXHASH64, XXHASH3, XXHASH128]",
    );
  }
  const isComposite = type === undefined ? algorithm !== "crc64nvme" : type === "COMPOSITE";
  const isPossible = isComposite ? algorithm !== "crc64nvme" : combinesCrcs(algorithm);
  if (!isPossible) {
    throw refused(
      `The ${type ?? "COMPOSITE"} checksum type cannot be used with the ${algorithm} checksum algorithm.`,
    );
  }
  return { algorithm, isComposite };
}

/** As it is kept with the upload: a checksum without a value. */
export function keptChecksum(checksum: UploadChecksum | undefined): Kept {
  return { checksums: checksum === undefined ? [] : [{ ...checksum, value: new Uint8Array(0) }] };
}

/** The checksum of an upload that was kept with it. */
export function uploadChecksum({ checksums }: Kept): UploadChecksum | undefined {
  const [kept] = checksums;
  const algorithm = kept === undefined ? undefined : checksumAlgorithm(kept.algorithm);
  if (kept === undefined || algorithm === undefined) return undefined;
  return { algorithm, isComposite: kept.isComposite };
}

/** What replies say of it in headers. */
export function uploadChecksumHeaders(
  checksum: UploadChecksum | undefined,
): Record<string, string> {
  if (checksum === undefined) return {};
  return {
    "x-amz-checksum-algorithm": checksum.algorithm.toUpperCase(),
    "x-amz-checksum-type": checksumType(checksum),
  };
}

/** And in documents. */
export function uploadChecksumXml(checksum: UploadChecksum | undefined): string {
  if (checksum === undefined) return "";
  return (
    textElement("ChecksumAlgorithm", checksum.algorithm.toUpperCase()) +
    textElement("ChecksumType", checksumType(checksum))
  );
}

function refused(message: string): S3Error {
  return new S3Error("InvalidRequest", { message });
}
