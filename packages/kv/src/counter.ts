import { CairnError } from "@cairnfs/base/errors";

const COUNTER_BYTES = 8;
const TWO_TO_32 = 2 ** 32;

/** The number in a counter's value, as `KvTransaction.add` keeps it; 0 where there is no value. */
export function counterValue(bytes: Uint8Array | undefined): number {
  if (bytes === undefined) return 0;
  if (bytes.byteLength !== COUNTER_BYTES) {
    throw new CairnError("internal", `a counter has ${bytes.byteLength} bytes, expected 8`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, COUNTER_BYTES);
  return checkSafe(view.getInt32(0) * TWO_TO_32 + view.getUint32(4));
}

/** The value of a counter that stands at `value`: eight bytes, big-endian, two's complement. */
export function counterBytes(value: number): Uint8Array {
  checkSafe(value);
  const bytes = Buffer.allocUnsafe(COUNTER_BYTES);
  bytes.writeInt32BE(Math.floor(value / TWO_TO_32), 0);
  bytes.writeUInt32BE(value >>> 0, 4);
  return bytes;
}

function checkSafe(value: number): number {
  if (!Number.isSafeInteger(value)) {
    throw new CairnError("internal", `a counter is at ${value}, which is no safe integer`);
  }
  return value;
}
