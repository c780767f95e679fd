import { CairnError } from "@cairnfs/base/errors";

const PAGE_LIMIT_MAX = 1_000;
const OWNER_BYTES_MAX = 128;

/** The limit of a page from the wire, where 0 asks for the most there is; above that it is refused as `invalidArgument`. */
export function pageLimit(limit: number, limitMax = PAGE_LIMIT_MAX): number {
  if (limit <= limitMax) return limit === 0 ? limitMax : limit;
  throw new CairnError("invalidArgument", `limit is ${limit}, expected 0 to ${limitMax}`);
}

/** How many of something a request may ask for. */
export interface RequestLimit {
  /** The field of the request. */
  readonly field: string;
  /** What 0 asks for. */
  readonly whenZero: number;
  readonly max: number;
}

/** A limit from the wire; above the most it is refused as `invalidArgument`. */
export function requestLimit(limit: number, { field, whenZero, max }: RequestLimit): number {
  if (limit <= max) return limit === 0 ? whenZero : limit;
  throw new CairnError(
    "invalidArgument",
    `${field} is ${limit}, expected 1 to ${max}, or 0 for ${whenZero}`,
  );
}

/** A text from the wire; one that is too long is refused as `invalidArgument`. */
export function shortText(text: string, field: string, bytesMax = OWNER_BYTES_MAX): string {
  const sizeBytes = Buffer.byteLength(text);
  if (sizeBytes <= bytesMax) return text;
  throw new CairnError(
    "invalidArgument",
    `${field} has ${sizeBytes} bytes, expected at most ${bytesMax}`,
  );
}
