import { createHash } from "node:crypto";
import { Prng } from "@cairnfs/base/random";
import { expect, test } from "vitest";
import { crc64nvme } from "./crc64nvme.ts";
import { CHECKSUM_ALGORITHMS, CHECKSUM_BYTES, createDigest } from "./digests.ts";

test("CRC-64/NVME has the value of its catalogue", () => {
  expect(crc64nvme(Buffer.from("123456789"))).toBe(0xae8b14860a799888n);
  expect(crc64nvme(new Uint8Array(0))).toBe(0n);
});

test("CRC-64/NVME is the same in whatever pieces the bytes come, and as bit by bit", () => {
  const random = new Prng(5);
  for (const sizeBytes of [1, 7, 8, 15, 16, 17, 100, 1023, 300_000]) {
    const bytes = random.bytes(sizeBytes);
    const whole = crc64nvme(bytes);
    if (sizeBytes < 2000) expect(whole).toBe(bitByBit(bytes));
    const cut = Math.floor(random.next() * sizeBytes);
    expect(crc64nvme(bytes.subarray(cut), crc64nvme(bytes.subarray(0, cut)))).toBe(whole);
  }
});

test("every checksum gives its known value of a short text", () => {
  const known = {
    crc32: "cbf43926",
    crc32c: "e3069283",
    crc64nvme: "ae8b14860a799888",
    sha1: createHash("sha1").update("123456789").digest("hex"),
    sha256: createHash("sha256").update("123456789").digest("hex"),
    sha512: createHash("sha512").update("123456789").digest("hex"),
    md5: createHash("md5").update("123456789").digest("hex"),
    xxhash64: "8cb841db40e6ae83",
    xxhash3: "72dcb18b67a17dff",
    xxhash128: "33119477ede5dcd5e9716427681d5860",
  };
  for (const algorithm of CHECKSUM_ALGORITHMS) {
    const digest = createDigest(algorithm);
    digest.update(Buffer.from("1234"));
    digest.update(Buffer.from("56789"));
    const value = digest.digest();
    expect(Buffer.from(value).toString("hex")).toBe(known[algorithm]);
    expect(value.byteLength).toBe(CHECKSUM_BYTES[algorithm]);
  }
});

function bitByBit(bytes: Uint8Array): bigint {
  let crc = 0xffffffffffffffffn;
  for (const byte of bytes) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++)
      crc = crc & 1n ? (crc >> 1n) ^ 0x9a6c9329ac4bc9b5n : crc >> 1n;
  }
  return crc ^ 0xffffffffffffffffn;
}
