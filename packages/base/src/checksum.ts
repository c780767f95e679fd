import { createHash } from "node:crypto";

/**
 * Continues a CRC-32C (Castagnoli) over `bytes`; start with 0. The value is an unsigned 32-bit number.
 * Uses the prebuilt native code where it is installed and WebAssembly elsewhere.
 */
export const crc32c: (bytes: Uint8Array, previous?: number) => number = await loadCrc32c();

const CASTAGNOLI_REVERSED = 0x82f63b78;

async function loadCrc32c(): Promise<(bytes: Uint8Array, previous?: number) => number> {
  try {
    const native = await import("@node-rs/crc32");
    return (bytes, previous = 0) => native.crc32c(bytes, previous);
  } catch {
    // Not installed here, or no binary for this platform: the portable one is a third as fast.
    return portableCrc32c();
  }
}

/** The WebAssembly CRC-32C, whichever else is installed. */
export async function portableCrc32c(): Promise<(bytes: Uint8Array, previous?: number) => number> {
  const { createCRC32 } = await import("hash-wasm");
  const hasher = await createCRC32(CASTAGNOLI_REVERSED);
  const state = hasher.init().save();
  // The saved state is hash-wasm's 4-byte tag followed by the running value in little-endian order.
  const words = new DataView(state.buffer, state.byteOffset, state.byteLength);
  const valueOffset = state.byteLength - 4;
  return (bytes, previous = 0) => {
    words.setUint32(valueOffset, previous, true);
    hasher.load(state);
    hasher.update(bytes);
    return Number.parseInt(hasher.digest("hex"), 16);
  };
}

/** An incremental SHA-256. `digest` ends it. */
export interface Sha256 {
  update(bytes: Uint8Array): void;
  digest(): Uint8Array;
}

export function createSha256(): Sha256 {
  const hash = createHash("sha256");
  return {
    update: (bytes) => {
      hash.update(bytes);
    },
    digest: () => hash.digest(),
  };
}

/** The SHA-256 of all `parts`, one after the other. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createSha256();
  for (const part of parts) hash.update(part);
  return hash.digest();
}
