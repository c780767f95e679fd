import { CairnError } from "@cairnfs/base/errors";

/** A uint64 from the wire as a number; above 2^53 - 1 it is refused as `invalidArgument`. */
export function wholeNumber(value: bigint, field: string): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new CairnError("invalidArgument", `${field} is ${value}, expected at most 2^53 - 1`);
  }
  return Number(value);
}
