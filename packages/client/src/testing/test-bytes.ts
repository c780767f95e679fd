import { Prng } from "@cairnfs/base/random";

/** Bytes that no 64 KiB block of them repeats; the same for the same seed. */
export function testBytes(sizeBytes: number, seed = 1): Uint8Array {
  const page = new Prng(seed).bytes(4_096);
  const bytes = new Uint8Array(sizeBytes);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < sizeBytes; at += page.byteLength) {
    bytes.set(page.subarray(0, sizeBytes - at), at);
    if (sizeBytes - at >= 8) view.setBigUint64(at, BigInt(at) * 1_000n + BigInt(seed));
  }
  return bytes;
}

/** The bytes as a source that comes in parts of this size. */
export async function* inParts(bytes: Uint8Array, partBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += partBytes) yield bytes.subarray(at, at + partBytes);
}

/** Something to wait for, and the way to let it happen. */
export function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open = () => undefined as void;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

/** Waits for ever, or until the signal fires. */
export function hang(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
