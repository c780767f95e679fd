import type { ChecksumAlgorithm } from "./digests.ts";

/**
 * The CRC of two pieces of data, one after the other, from the CRCs of the pieces: that of the first is multiplied by x to the power of the bits
 * of the second, modulo the polynomial, and that of the second is added. Numbers are bit-reflected: the highest bit is x to the power of 0.
 */
export class CrcCombiner {
  readonly #ring: Ring;
  /** Parts of an upload mostly have one size. */
  #shift: { readonly sizeBytes: number; readonly power: bigint } | undefined;

  /** For one of the algorithms that `combinesCrcs` says yes to. */
  constructor(algorithm: CrcAlgorithm) {
    this.#ring = RINGS[algorithm];
  }

  /** The CRC of both pieces; CRCs are big-endian. */
  combine(first: Uint8Array, second: Uint8Array, secondBytes: number): Uint8Array {
    const ring = this.#ring;
    if (this.#shift?.sizeBytes !== secondBytes) {
      this.#shift = { sizeBytes: secondBytes, power: powerOfBytes(ring, secondBytes) };
    }
    const sum = multiply(ring, this.#shift.power, toNumber(first)) ^ toNumber(second);
    const bytes = Buffer.alloc(Number(ring.bits) / 8);
    if (ring.bits === 64n) bytes.writeBigUInt64BE(sum);
    else bytes.writeUInt32BE(Number(sum));
    return bytes;
  }
}

export type CrcAlgorithm = "crc32" | "crc32c" | "crc64nvme";

/** Whether checksums of this kind can be computed of a whole from those of its parts. */
export function combinesCrcs(algorithm: ChecksumAlgorithm): algorithm is CrcAlgorithm {
  return algorithm in RINGS;
}

interface Ring {
  readonly bits: bigint;
  readonly polynomial: bigint;
  /** x to the power of 8, 16, 32 and so on. */
  readonly powers: bigint[];
}

const RINGS: Readonly<Record<CrcAlgorithm, Ring>> = {
  crc32: { bits: 32n, polynomial: 0xedb88320n, powers: [] },
  crc32c: { bits: 32n, polynomial: 0x82f63b78n, powers: [] },
  crc64nvme: { bits: 64n, polynomial: 0x9a6c9329ac4bc9b5n, powers: [] },
};

function multiply({ bits, polynomial }: Ring, one: bigint, other: bigint): bigint {
  let product = 0n;
  let factor = other;
  for (let bit = 1n << (bits - 1n); bit > 0n; bit >>= 1n) {
    if ((one & bit) !== 0n) product ^= factor;
    factor = (factor & 1n) === 0n ? factor >> 1n : (factor >> 1n) ^ polynomial;
  }
  return product;
}

/** x to the power of 8 times so many. */
function powerOfBytes(ring: Ring, sizeBytes: number): bigint {
  const { powers, bits } = ring;
  let power = 1n << (bits - 1n);
  let rest = sizeBytes;
  for (let index = 0; rest > 0; index++) {
    const last = powers[index - 1];
    powers[index] ??= last === undefined ? 1n << (bits - 9n) : multiply(ring, last, last);
    if (rest % 2 === 1) power = multiply(ring, power, powers[index] ?? 0n);
    rest = Math.floor(rest / 2);
  }
  return power;
}

function toNumber(bytes: Uint8Array): bigint {
  let number = 0n;
  for (const byte of bytes) number = (number << 8n) | BigInt(byte);
  return number;
}
