import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { crc32c } from "@cairnfs/base/checksum";
import { createXXHash3, createXXHash64, createXXHash128, type IHasher } from "hash-wasm";
import { crc64nvme } from "./crc64nvme.ts";

/** The checksums of S3, by the names that records keep. */
export const CHECKSUM_ALGORITHMS = [
  "crc32",
  "crc32c",
  "crc64nvme",
  "sha1",
  "sha256",
  "sha512",
  "md5",
  "xxhash64",
  "xxhash3",
  "xxhash128",
] as const;
export type ChecksumAlgorithm = (typeof CHECKSUM_ALGORITHMS)[number];

/** How long the values are. */
export const CHECKSUM_BYTES: Readonly<Record<ChecksumAlgorithm, number>> = {
  crc32: 4,
  crc32c: 4,
  crc64nvme: 8,
  sha1: 20,
  sha256: 32,
  sha512: 64,
  md5: 16,
  xxhash64: 8,
  xxhash3: 8,
  xxhash128: 16,
};

/** A checksum as it grows. `digest` ends it. */
export interface Digest {
  update(bytes: Uint8Array): void;
  /** Big-endian, as S3 sends it. */
  digest(): Uint8Array;
}

export function createDigest(algorithm: ChecksumAlgorithm): Digest {
  switch (algorithm) {
    case "crc32":
      return crc32Digest(crc32);
    case "crc32c":
      return crc32Digest(crc32c);
    case "crc64nvme":
      return crc64Digest();
    case "xxhash64":
    case "xxhash3":
    case "xxhash128":
      return wasmDigest(XXHASHES[algorithm]);
    default:
      return nodeDigest(algorithm);
  }
}

/** One of each for all: their state is taken out between two updates. */
const XXHASHES = {
  xxhash64: await createXXHash64(),
  xxhash3: await createXXHash3(),
  xxhash128: await createXXHash128(),
};

function wasmDigest(hasher: IHasher): Digest {
  let state = hasher.init().save();
  return {
    update: (bytes) => {
      state = hasher.load(state).update(bytes).save();
    },
    digest: () => hasher.load(state).digest("binary"),
  };
}

function nodeDigest(algorithm: string): Digest {
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
