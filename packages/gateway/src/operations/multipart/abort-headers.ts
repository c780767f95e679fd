import type { BucketDetails } from "@cairnfs/client";
import { afterDays } from "../../s3/expiration.ts";

/** When an upload that is begun at this time will be let go by the bucket's lifecycle, and by which rule; nothing if by none. */
export function abortHeaders(
  { lifecycle }: Pick<BucketDetails, "lifecycle">,
  key: string,
  createdMs: number,
): Record<string, string> {
  const rules = lifecycle.filter(
    ({ isEnabled, prefix, abortUploadsDays }) =>
      isEnabled && abortUploadsDays !== undefined && key.startsWith(prefix),
  );
  const [first] = rules.toSorted(
    (one, other) => (one.abortUploadsDays ?? 0) - (other.abortUploadsDays ?? 0),
  );
  if (first?.abortUploadsDays === undefined) return {};
  const abortMs = afterDays(createdMs, first.abortUploadsDays);
  return {
    "x-amz-abort-date": new Date(abortMs).toUTCString(),
    "x-amz-abort-rule-id": first.id,
  };
}
