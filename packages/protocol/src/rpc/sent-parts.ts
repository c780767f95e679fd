/** What to do when a part of a message has left. */
const releases = new WeakMap<Uint8Array, () => void>();

/**
 * Has `release` called when the transport that sends this very array has no use for it any more, sent or not. Transports that cannot tell never
 * do: who waits for nothing but to use the memory again loses no more than that.
 */
export function whenSent(part: Uint8Array, release: () => void): void {
  releases.set(part, release);
}

/** Whether somebody wants to know when the part has left. */
export function isAwaited(part: Uint8Array): boolean {
  return releases.has(part);
}

/** The transport has no use for the part any more. */
export function partLeft(part: Uint8Array): void {
  const release = releases.get(part);
  if (release === undefined) return;
  releases.delete(part);
  release();
}
