import type { LifecycleRule } from "@cairnfs/protocol/gen/cairn/v1/buckets_pb";
import { abortMultipart } from "../multipart/let-go-parts.ts";
import { multipartKeys, multiparts } from "../multipart/multipart-tables.ts";
import { uploadNumberOf } from "../multipart/upload-id.ts";
import type { Mutation } from "../namespace/mutation.ts";
import type { UploadsPlace } from "./lap-state.ts";
import type { LifecycleBucket } from "./remove-due.ts";
import { hasPassed, type LifecycleTimes } from "./rules.ts";

/** So many open uploads are looked at in one step. */
const STEP_UPLOADS = 256;

/** Aborts those of some open uploads of a bucket, from `place` on, that the rules want to go; how many, and where to go on. */
export async function abortDueUploads(
  { tx, nowMs }: Pick<Mutation, "tx" | "nowMs">,
  bucket: LifecycleBucket,
  request: {
    readonly rules: readonly LifecycleRule[];
    readonly place: UploadsPlace;
    readonly times: LifecycleTimes;
  },
): Promise<{ readonly aborted: number; readonly next: UploadsPlace | undefined }> {
  const { rules, place, times } = request;
  const isStart = place.uploadId.byteLength === 0;
  const rows = await multipartKeys.page(tx, {
    within: [bucket.id],
    ...(isStart ? {} : { after: [bucket.id, place.key.toString("utf8"), place.uploadId] as const }),
    limit: STEP_UPLOADS,
  });
  let aborted = 0;
  for (const { key: row } of rows) {
    const [, key, uploadId] = row;
    const applying = rules.filter((rule) => key.startsWith(rule.prefix));
    if (applying.length === 0) continue;
    const number = uploadNumberOf(uploadId);
    const record = await multiparts.get(tx, number);
    if (record?.state.kind !== "open") continue;
    const { createdMs } = record;
    if (!applying.some((rule) => hasPassed(createdMs, rule.abortUploadsDays ?? 0, times))) continue;
    abortMultipart(tx, { number, record }, nowMs);
    aborted += 1;
  }
  const last = rows.at(-1);
  if (last === undefined || rows.length < STEP_UPLOADS) return { aborted, next: undefined };
  return { aborted, next: { ...place, key: Buffer.from(last.key[1]), uploadId: last.key[2] } };
}
