/** Lower-case hexadecimal digits of `bytes`. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}

/** The bytes that `digits` spell; `undefined` when they are not whole hexadecimal bytes. */
export function fromHex(digits: string): Uint8Array | undefined {
  return /^(?:[0-9a-f]{2})*$/iu.test(digits) ? Buffer.from(digits, "hex") : undefined;
}
