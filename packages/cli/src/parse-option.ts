import { parseDuration, parseSize } from "@cairnfs/config/units";
import { InvalidArgumentError } from "commander";

/** Reads a whole number from `min` to `max`. */
export function parseCount(min: number, max = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const count = Number(text);
    if (/^\d+$/u.test(text) && count >= min && count <= max) return count;
    throw new InvalidArgumentError(
      max === Number.MAX_SAFE_INTEGER
        ? `expected a whole number, at least ${min}`
        : `expected a whole number, ${min} to ${max}`,
    );
  };
}

/** Reads a size like 8MiB. */
export function parseSizeOption(text: string): number {
  const sizeBytes = parseSize(text);
  if (sizeBytes !== undefined) return sizeBytes;
  throw new InvalidArgumentError("expected a size like 8MiB");
}

/** Reads a duration like 10s. */
export function parseDurationOption(text: string): number {
  const durationMs = parseDuration(text);
  if (durationMs !== undefined) return durationMs;
  throw new InvalidArgumentError("expected a duration like 10s");
}

/** Reads permission bits in octal, like 644. */
export function parseMode(text: string): number {
  if (/^[0-7]{1,4}$/u.test(text)) return Number.parseInt(text, 8);
  throw new InvalidArgumentError("expected permission bits in octal, like 644");
}
