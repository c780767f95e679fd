import { crc64Module, INPUT_BYTES_MAX, INPUT_OFFSET } from "./crc64nvme-code.ts";

/** The polynomial, bits reversed. */
const POLYNOMIAL = 0x9a6c9329ac4bc9b5n;
const TABLES = 16;
const ALL_ONES = (1n << 64n) - 1n;

/** What is used of WebAssembly: the language's own library does not describe it. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: object };
};

interface Crc64Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly update: (crc: bigint, lengthBytes: number) => bigint;
}

const kernel = loadKernel();

/** Continues a CRC-64/NVME over `bytes`; start with 0. The value is an unsigned 64-bit number. */
export function crc64nvme(bytes: Uint8Array, previous = 0n): bigint {
  const { input, update } = kernel;
  let crc = previous ^ ALL_ONES;
  for (let at = 0; at < bytes.byteLength; at += INPUT_BYTES_MAX) {
    const part = bytes.subarray(at, at + INPUT_BYTES_MAX);
    input.set(part);
    crc = update(crc, part.byteLength);
  }
  return BigInt.asUintN(64, crc) ^ ALL_ONES;
}

function loadKernel() {
  const instance = new WebAssembly.Instance(new WebAssembly.Module(crc64Module()));
  const { memory, update } = instance.exports as unknown as Crc64Exports;
  new BigUint64Array(memory.buffer, 0, TABLES * 256).set(tables());
  return { input: new Uint8Array(memory.buffer, INPUT_OFFSET, INPUT_BYTES_MAX), update };
}

/** Table k has, for each byte, the value of that byte followed by k zero bytes. */
function tables(): BigUint64Array {
  const words = new BigUint64Array(TABLES * 256);
  for (let byte = 0; byte < 256; byte++) {
    let word = BigInt(byte);
    for (let bit = 0; bit < 8; bit++)
      word = (word & 1n) === 1n ? (word >> 1n) ^ POLYNOMIAL : word >> 1n;
    words[byte] = word;
  }
  for (let at = 256; at < words.length; at++) {
    const before = words[at - 256] ?? 0n;
    words[at] = (words[Number(before & 0xffn)] ?? 0n) ^ (before >> 8n);
  }
  return words;
}
