import { Prng } from "@cairnfs/base/random";
import { expect, test } from "vitest";
import { CrcCombiner } from "./crc-combine.ts";
import { createDigest } from "./digests.ts";

test.each(["crc32", "crc32c", "crc64nvme"] as const)(
  "the %s of a whole is computed from those of its parts, whatever their sizes",
  (algorithm) => {
    const random = new Prng(5);
    const sum = (bytes: Uint8Array) => {
      const digest = createDigest(algorithm);
      digest.update(bytes);
      return digest.digest();
    };
    const whole = Buffer.from(random.bytes(70_000));
    const combiner = new CrcCombiner(algorithm);
    let at = 0;
    let crc = sum(whole.subarray(0, 0));
    for (const sizeBytes of [1, 1, 0, 2, 255, 256, 4_097, 4_097, 33_333, 27_958]) {
      const part = whole.subarray(at, at + sizeBytes);
      crc = combiner.combine(crc, sum(part), sizeBytes);
      at += sizeBytes;
    }
    expect(at).toBe(whole.byteLength);
    expect(Buffer.from(crc).toString("hex")).toBe(Buffer.from(sum(whole)).toString("hex"));
  },
);
