const TWO_TO_32 = 2 ** 32;

/** Writes a whole number as eight big-endian bytes. */
export function writeU64(bytes: Uint8Array, at: number, value: number): void {
  writeU32(bytes, at, Math.floor(value / TWO_TO_32));
  writeU32(bytes, at + 4, value >>> 0);
}

/** Writes the low 32 bits of a whole number as four big-endian bytes. */
export function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

/** The whole number that `writeU64` wrote. */
export function readU64(bytes: Buffer, at: number): number {
  return bytes.readUInt32BE(at) * TWO_TO_32 + bytes.readUInt32BE(at + 4);
}
