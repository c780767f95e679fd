import { CairnError } from "@cairnfs/base/errors";

/** What a document is refused with; the message is AWS's wording where it has one. */
export function malformed(message: string, cause?: unknown): CairnError {
  return new CairnError("malformedPolicy", message, { cause });
}
