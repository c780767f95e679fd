import { CairnError } from "@cairnfs/base/errors";

export const KEY_BYTES_MAX = 1900;
export const VALUE_BYTES_MAX = 4 * 1024 * 1024;
/** The most that one transaction writes, keys and values together. */
export const TRANSACTION_BYTES_MAX = 64 * 1024 * 1024;
/** The most entries that one range read returns. */
export const RANGE_ENTRIES_MAX = 10_000;

/** One byte more than a key, so that the key after the longest one can bound a range. */
const BOUND_BYTES_MAX = KEY_BYTES_MAX + 1;

/** Refuses a key that no driver could store. */
export function checkKey(key: Uint8Array): void {
  if (key.byteLength < 1 || key.byteLength > KEY_BYTES_MAX) {
    throw new CairnError(
      "invalidArgument",
      `a key has ${key.byteLength} bytes, expected 1 to ${KEY_BYTES_MAX}`,
    );
  }
}

/** Refuses a value that is over the limit. */
export function checkValue(value: Uint8Array): void {
  if (value.byteLength > VALUE_BYTES_MAX) {
    throw new CairnError(
      "invalidArgument",
      `a value has ${value.byteLength} bytes, expected at most ${VALUE_BYTES_MAX}`,
    );
  }
}

/** Refuses an end of a range that is longer than any key could need. */
export function checkBound(bound: Uint8Array): void {
  if (bound.byteLength > BOUND_BYTES_MAX) {
    throw new CairnError(
      "invalidArgument",
      `a range ends at a key of ${bound.byteLength} bytes, expected at most ${BOUND_BYTES_MAX}`,
    );
  }
}

/** Refuses a number of entries that is no whole number from 1 to 10,000. */
export function checkRangeLimit(limit: number): void {
  if (!Number.isInteger(limit) || limit < 1 || limit > RANGE_ENTRIES_MAX) {
    throw new CairnError(
      "invalidArgument",
      `a range asks for ${limit} entries, expected 1 to ${RANGE_ENTRIES_MAX}`,
    );
  }
}
