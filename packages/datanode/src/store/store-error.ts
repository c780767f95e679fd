import { AssertionFailure } from "@cairnfs/base/assert";
import { hasErrorCode } from "@cairnfs/base/disk";
import { CairnError } from "@cairnfs/base/errors";

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
