import type { Clock } from "@cairnfs/base/clock";

const SLICE_MS = 5000;
const SLICES = 6;

/** How fast work went lately: bytes a second over the last half minute, or since it began if that is shorter. */
export class RateMeter {
  readonly #clock: Clock;
  readonly #slices: { startMs: number; sizeBytes: number }[] = [];
  #totalBytes = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get totalBytes(): number {
    return this.#totalBytes;
  }

  add(sizeBytes: number): void {
    this.#totalBytes += sizeBytes;
    const nowMs = this.#clock.monotonicMs();
    this.#forget(nowMs);
    const last = this.#slices.at(-1);
    if (last !== undefined && nowMs < last.startMs + SLICE_MS) last.sizeBytes += sizeBytes;
    else this.#slices.push({ startMs: nowMs, sizeBytes });
  }

  /** 0 when nothing was done lately. */
  bytesPerSecond(): number {
    const nowMs = this.#clock.monotonicMs();
    this.#forget(nowMs);
    const [first] = this.#slices;
    if (first === undefined) return 0;
    const sizeBytes = this.#slices.reduce((sum, slice) => sum + slice.sizeBytes, 0);
    return (sizeBytes / Math.max(1000, nowMs - first.startMs)) * 1000;
  }

  #forget(nowMs: number): void {
    while ((this.#slices[0]?.startMs ?? nowMs) < nowMs - SLICE_MS * SLICES) this.#slices.shift();
  }
}
