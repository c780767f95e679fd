import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { crc32c } from "@cairnfs/base/checksum";
import { crc64nvme } from "./crc64nvme.ts";

/** The checksums of S3, by the names that records keep. */
export const CHECKSUM_ALGORITHMS = ["crc32", "crc32c", "crc64nvme", "sha1", "sha256"] as const;
export type ChecksumAlgorithm = (typeof CHECKSUM_ALGORITHMS)[number];

/** How long the values are. */
export const CHECKSUM_BYTES: Readonly<Record<ChecksumAlgorithm, number>> = {
  crc32: 4,
  crc32c: 4,
  crc64nvme: 8,
  sha1: 20,
  sha256: 32,
};

/** A checksum as it grows. `digest` ends it. */
export interface Digest {
  update(bytes: Uint8Array): void;
  /** Big-endian, as S3 sends it. */
  digest(): Uint8Array;
}

export function createDigest(algorithm: ChecksumAlgorithm | "md5"): Digest {
  if (algorithm === "crc32") return crc32Digest(crc32);
  if (algorithm === "crc32c") return crc32Digest(crc32c);
  if (algorithm === "crc64nvme") return crc64Digest();
  const hash = createHash(algorithm);
  return {
    update: (bytes) => {
      hash.update(bytes);
    },
    digest: () => hash.digest(),
  };
}

function crc32Digest(over: (bytes: Uint8Array, previous: number) => number): Digest {
  let value = 0;
  return {
    update: (bytes) => {
      value = over(bytes, value);
    },
    digest: () => {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(value);
      return bytes;
    },
  };
}

function crc64Digest(): Digest {
  let value = 0n;
  return {
    update: (bytes) => {
      value = crc64nvme(bytes, value);
    },
    digest: () => {
      const bytes = Buffer.alloc(8);
      bytes.writeBigUInt64BE(value);
      return bytes;
    },
  };
}
