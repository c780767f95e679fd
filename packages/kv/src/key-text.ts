/**
 * Keys as strings of one character a byte: they compare as the bytes do, and make keys of maps.
 * Nothing of this leaves the package.
 */
export function keyText(key: Uint8Array): string {
  const bytes = Buffer.isBuffer(key)
    ? key
    : Buffer.from(key.buffer, key.byteOffset, key.byteLength);
  return bytes.toString("latin1");
}

/** The bytes that `keyText` made `text` of, in memory of their own. */
export function keyBytes(text: string): Uint8Array {
  return Buffer.from(text, "latin1");
}
