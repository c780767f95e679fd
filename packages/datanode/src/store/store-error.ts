import { AssertionFailure } from "@cairnfs/base/assert";
import { hasErrorCode } from "@cairnfs/base/disk";
import { CairnError, hasReason } from "@cairnfs/base/errors";

/**
 * The error that a store answers with when its disk failed while it was `doing` something: `storeFull` or `storeFailed`.
 * What is a CairnError already, or a bug of ours, stays what it is.
 */
export function storeError(error: unknown, doing: string): unknown {
  if (error instanceof CairnError || error instanceof AssertionFailure) return error;
  if (hasErrorCode(error, "ENOSPC", "EDQUOT")) {
    return new CairnError("storeFull", `the disk is full: ${doing}`, { cause: error });
  }
  if (error instanceof Error && "code" in error && "syscall" in error) {
    return new CairnError("storeFailed", `the disk failed: ${doing}`, { cause: error });
  }
  return error;
}

/** What a disk says of a place that its medium does not give back. */
const MEDIUM_CODES = ["EIO", "EILSEQ", "EUCLEAN", "ENODATA"];

/**
 * What reading a copy to its end failed with says of the copy: `corrupt` when its bytes are wrong, `unreadable` when the medium
 * does not give them. All else (no right, no handle, no memory) says nothing of it and is thrown.
 */
export function damageShownBy(error: unknown): "corrupt" | "unreadable" {
  if (hasReason(error, "chunkCorrupt")) return "corrupt";
  if (isMediumError(error)) return "unreadable";
  throw error;
}

/** Whether the disk's medium failed, and not somebody's right to use it or the machine. */
export function isMediumError(error: unknown): boolean {
  return hasErrorCode(error, ...MEDIUM_CODES);
}
