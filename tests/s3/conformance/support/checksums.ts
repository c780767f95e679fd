import { createHash } from "node:crypto";

/** The checksums of S3, computed for the suite alone so that it and a server do not err together. */

export type Algorithm = "crc32" | "crc32c" | "crc64nvme" | "sha1" | "sha256";

/** As the x-amz-checksum headers carry it. */
export function checksum(algorithm: Algorithm, body: string | Uint8Array): string {
  const bytes = bytesOf(body);
  switch (algorithm) {
    case "crc32":
      return number32(crc(bytes, 0xedb88320n, 32));
    case "crc32c":
      return number32(crc(bytes, 0x82f63b78n, 32));
    case "crc64nvme": {
      const buffer = Buffer.alloc(8);
      buffer.writeBigUInt64BE(crc(bytes, 0x9a6c9329ac4bc9b5n, 64));
      return buffer.toString("base64");
    }
    default:
      return createHash(algorithm).update(bytes).digest("base64");
  }
}

/** Of a composite: the checksum of the parts' checksums, and how many there are. */
export function composite(algorithm: Algorithm, parts: readonly (string | Uint8Array)[]): string {
  const sums = parts.map((part) => Buffer.from(checksum(algorithm, part), "base64"));
  return `${checksum(algorithm, Buffer.concat(sums))}-${parts.length}`;
}

export function md5(body: string | Uint8Array, encoding: "hex" | "base64" = "hex"): string {
  return createHash("md5").update(bytesOf(body)).digest(encoding);
}

/** As AWS computes it for a completed upload. */
export function uploadEtag(...parts: readonly (string | Uint8Array)[]): string {
  const sums = parts.map((part) => Buffer.from(md5(part), "hex"));
  return `"${md5(Buffer.concat(sums))}-${parts.length}"`;
}

export function bytesOf(body: string | Uint8Array): Uint8Array {
  return typeof body === "string" ? Buffer.from(body) : body;
}

/** Bytes that differ by seed, and compress badly. */
export function bytes(size: number, seed = 1): Uint8Array {
  const made = new Uint8Array(size);
  let state = seed * 2_654_435_761;
  for (let at = 0; at < size; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    made[at] = state >>> 24;
  }
  return made;
}

function number32(value: bigint): string {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32BE(Number(value));
  return buffer.toString("base64");
}

/** Bit by bit over a table of bytes; in two halves of 32 bits, for the speed. */
function crc(bytes: Uint8Array, polynomial: bigint, width: 32 | 64): bigint {
  const low = new Uint32Array(256);
  const high = new Uint32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let value = BigInt(byte);
    for (let bit = 0; bit < 8; bit++)
      value = (value & 1n) === 1n ? (value >> 1n) ^ polynomial : value >> 1n;
    low[byte] = Number(value & 0xffffffffn);
    high[byte] = Number(value >> 32n);
  }
  let lower = 0xffffffff;
  let upper = width === 64 ? 0xffffffff : 0;
  for (const byte of bytes) {
    const index = (lower ^ byte) & 0xff;
    lower = (((lower >>> 8) | (upper << 24)) ^ (low[index] ?? 0)) >>> 0;
    upper = ((upper >>> 8) ^ (high[index] ?? 0)) >>> 0;
  }
  const value = (BigInt(upper) << 32n) | BigInt(lower);
  return value ^ (width === 64 ? 0xffffffffffffffffn : 0xffffffffn);
}
