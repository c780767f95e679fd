import { expect, test } from "vitest";
import { crc32c, portableCrc32c, sha256 } from "./checksum.ts";
import { toHex } from "./hex.ts";
import { Prng } from "./random.ts";

const CHECK_INPUT = Buffer.from("123456789");

test("the CRC-32C of the check input is the published value, natively and portably", async () => {
  const portable = await portableCrc32c();
  expect(crc32c(CHECK_INPUT)).toBe(0xe3069283);
  expect(portable(CHECK_INPUT)).toBe(0xe3069283);
});

test("the native and the portable CRC-32C agree on pieces of any length and can continue each other", async () => {
  const portable = await portableCrc32c();
  const random = new Prng(7);
  for (let round = 0; round < 50; round++) {
    const bytes = random.bytes(1 + Math.floor(random.next() * 5000));
    const cut = Math.floor(random.next() * bytes.byteLength);
    const whole = crc32c(bytes);
    expect(portable(bytes)).toBe(whole);
    expect(crc32c(bytes.subarray(cut), portable(bytes.subarray(0, cut)))).toBe(whole);
    expect(portable(bytes.subarray(cut), crc32c(bytes.subarray(0, cut)))).toBe(whole);
  }
});

test("a SHA-256 over parts is that of the whole", () => {
  expect(toHex(sha256(Buffer.from("a"), Buffer.from("bc")))).toBe(
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  );
});
