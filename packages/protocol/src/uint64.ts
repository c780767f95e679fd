import { CairnError } from "@cairnfs/base/errors";

/** A uint64 of a message as a number; one that a number cannot hold exactly is refused as `invalidArgument`. */
export function numberFromUint64(value: bigint, name: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < 0) {
    throw new CairnError("invalidArgument", `${name} is ${value}, expected at most 2^53 - 1`);
  }
  return number;
}
