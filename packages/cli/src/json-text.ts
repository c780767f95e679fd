/** A document as scripts are given it, in one line of JSON: bytes are hexadecimal text, as SHA-256 is everywhere. */
export function jsonText(document: unknown): string {
  return JSON.stringify(document, hexBytes);
}

/** A Buffer has made an object of itself before it comes here: what it was is in its holder. */
function hexBytes(this: Record<string, unknown>, key: string, value: unknown): unknown {
  const held = this[key];
  return held instanceof Uint8Array ? Buffer.from(held).toString("hex") : value;
}
