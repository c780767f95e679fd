import { Chance } from "../schedule/chance.ts";

/** The bytes that a file can have in a world. Each length is used once, so a length tells which value it is. */
export interface Value {
  readonly id: number;
  readonly sizeBytes: number;
}

const POOL_BYTES = 2048 * 1024;
const STAMP_BYTES = 1024;
let pool: Buffer | undefined;

/** The bytes of a value: every value differs from every other in each KiB. */
export function bytesOf(value: Value): Buffer {
  pool ??= Buffer.from(new Chance(1).bytes(POOL_BYTES));
  const bytes = Buffer.allocUnsafe(value.sizeBytes);
  pool.copy(bytes, 0, 0, value.sizeBytes);
  for (let at = 0; at + 4 <= value.sizeBytes; at += STAMP_BYTES) bytes.writeUInt32LE(value.id, at);
  return bytes;
}
