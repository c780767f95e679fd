import type { Writable } from "node:stream";
import { CairnError } from "./errors.ts";

/**
 * Writes `parts` to `sink` at the sink's pace and resolves when the last part is accepted.
 * A sink that fails or closes, or an aborted signal, ends the source as well. The sink stays
 * the caller's: to end, to destroy and to listen to.
 */
export async function pump(
  parts: AsyncIterable<Uint8Array>,
  sink: Writable,
  signal: AbortSignal,
): Promise<number> {
  let sentBytes = 0;
  for await (const part of parts) {
    signal.throwIfAborted();
    sentBytes += part.byteLength;
    if (!sink.write(part)) await roomIn(sink, signal);
  }
  return sentBytes;
}

/**
 * Resolves when `sink` takes more; rejects when it closes, fails or the signal fires.
 * Node's own ways to wait here can wait for ever (20 and 22): `once(sink, "drain")` when the
 * sink has closed, `pipeline` with `end: false` when it is aborted. So we hear every ending.
 */
export function roomIn(sink: Writable, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    sink.on("drain", settle).on("error", settle).on("close", settle);
    signal.addEventListener("abort", settle);
    if (sink.destroyed || signal.aborted) settle();

    function settle(): void {
      sink.off("drain", settle).off("error", settle).off("close", settle);
      signal.removeEventListener("abort", settle);
      if (signal.aborted) reject(signal.reason);
      else if (sink.destroyed)
        reject(sink.errored ?? new CairnError("peerGone", "the sink closed"));
      else resolve();
    }
  });
}
