import { CairnError } from "@cairnfs/base/errors";
import { prefixEnd } from "@cairnfs/kv/ordered-key";
import { startsWith } from "./tree-cursor.ts";

/** A page ends early rather than be larger: a message has at most 4 MiB. */
export const PAGE_BYTES_MAX = 2 * 1024 * 1024;
/** No key and nothing that a key is compared with is longer. */
const TEXT_BYTES_MAX = 8_192;

/** Which keys a listing is of, and how they are rolled up. */
export interface KeyRange {
  readonly prefix: Buffer;
  /** Empty: keys are not rolled up. */
  readonly delimiter: Buffer;
  /** Where the listing begins. */
  readonly start: Buffer;
}

export interface KeyRangeRequest {
  readonly prefix: string;
  readonly delimiter: string;
  /** Only keys after this one; when it is a common prefix, only what comes after all its keys. */
  readonly after: string;
  /** Keys from `after` on, that one among them unless it is a common prefix. */
  readonly includesAfter?: boolean;
}

/** No key has NUL in it: this comes after a key and before all that it begins. */
export const JUST_AFTER = Buffer.from([1]);

/** The range that a request names; `undefined` when no key can be in it. What is too long to be of a key is `invalidArgument`. */
export function keyRange(request: KeyRangeRequest): KeyRange | undefined {
  const prefix = bytesOf(request.prefix, "prefix");
  const delimiter = bytesOf(request.delimiter, "delimiter");
  const after = bytesOf(request.after, "after");
  if (after.byteLength === 0 || Buffer.compare(after, prefix) < 0) {
    return { prefix, delimiter, start: prefix };
  }
  if (!startsWith(after, prefix)) return undefined;
  const isRolledUp = commonPrefixOf(after, { prefix, delimiter })?.byteLength === after.byteLength;
  if (isRolledUp) return { prefix, delimiter, start: Buffer.from(prefixEnd(after)) };
  const start = request.includesAfter === true ? after : Buffer.concat([after, JUST_AFTER]);
  return { prefix, delimiter, start };
}

/** What a key, which has the prefix, is rolled up into; `undefined` when it stands for itself. */
export function commonPrefixOf(
  key: Buffer,
  { prefix, delimiter }: Pick<KeyRange, "prefix" | "delimiter">,
): Buffer | undefined {
  if (delimiter.byteLength === 0) return undefined;
  const at = key.indexOf(delimiter, prefix.byteLength);
  return at < 0 ? undefined : key.subarray(0, at + delimiter.byteLength);
}

function bytesOf(text: string, field: string): Buffer {
  const bytes = Buffer.from(text);
  if (bytes.byteLength <= TEXT_BYTES_MAX) return bytes;
  throw new CairnError(
    "invalidArgument",
    `${field} has ${bytes.byteLength} bytes, expected at most ${TEXT_BYTES_MAX}`,
  );
}
