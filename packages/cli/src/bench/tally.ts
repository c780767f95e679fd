import { Histogram, type HistogramData } from "./histogram.ts";

/** What one operation came to. */
export interface Work {
  /** Of file content moved. */
  readonly bytes?: number;
  /** Of a listing. */
  readonly entries?: number;
  /** Where a step has operations of several kinds: which one it was. */
  readonly kind?: string;
}

/** A tally as it travels between processes. */
export interface TallyData {
  readonly kind: string;
  readonly latency: HistogramData;
  readonly bytes: number;
  readonly entries: number;
  readonly errors: number;
  readonly firstError: string | undefined;
}

/** What operations of one kind came to: those that worked with their spans, those that failed by number and first message. */
export class Tally {
  readonly kind: string;
  readonly latency = new Histogram();
  bytes = 0;
  entries = 0;
  errors = 0;
  firstError: string | undefined;

  constructor(kind: string) {
    this.kind = kind;
  }

  done(durationMs: number, { bytes = 0, entries = 0 }: Work): void {
    this.latency.record(durationMs);
    this.bytes += bytes;
    this.entries += entries;
  }

  failed(message: string): void {
    this.errors += 1;
    this.firstError ??= message;
  }

  add(data: TallyData): void {
    this.latency.add(data.latency);
    this.bytes += data.bytes;
    this.entries += data.entries;
    this.errors += data.errors;
    this.firstError ??= data.firstError;
  }

  data(): TallyData {
    const { kind, bytes, entries, errors, firstError } = this;
    return { kind, latency: this.latency.data(), bytes, entries, errors, firstError };
  }
}

/** The tallies of several, kind by kind, in the order they were first met. */
export function mergedTallies(parts: Iterable<TallyData>): Tally[] {
  const merged = new Map<string, Tally>();
  for (const part of parts) {
    const tally = merged.get(part.kind) ?? new Tally(part.kind);
    merged.set(part.kind, tally);
    tally.add(part);
  }
  return [...merged.values()];
}
