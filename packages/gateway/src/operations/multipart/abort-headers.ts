import type { BucketDetails } from "@cairnfs/client";

const DAY_MS = 86_400_000;

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
  // S3 counts days from the midnight that follows.
  const abortMs = Math.ceil((createdMs + first.abortUploadsDays * DAY_MS) / DAY_MS) * DAY_MS;
  return {
    "x-amz-abort-date": new Date(abortMs).toUTCString(),
    "x-amz-abort-rule-id": first.id,
  };
}
