import { CairnError } from "@cairnfs/base/errors";
import { toHex } from "@cairnfs/base/hex";
import type { KvReader } from "@cairnfs/kv/kv-store";
import { requireBucket } from "../buckets/read-bucket.ts";
import type { MultipartRecord } from "./multipart-record.ts";
import { multiparts } from "./multipart-tables.ts";
import { uploadIdOf, uploadNumberOf } from "./upload-id.ts";

/** How a caller names an upload in parts. */
export interface MultipartName {
  readonly bucket: string;
  readonly key: string;
  readonly uploadId: Uint8Array;
}

/** An upload and the number that its parts are kept by. */
export interface FoundMultipart {
  readonly number: number;
  readonly record: MultipartRecord;
}

/** The upload, open or completed: `uploadNotFound` when it is neither, `pathNotFound` when its bucket is not there. */
export async function findMultipart(
  reader: KvReader,
  { bucket, key, uploadId }: MultipartName,
): Promise<FoundMultipart> {
  const bucketId = (await requireBucket(reader, bucket)).entry.inodeId;
  const number = uploadNumberOf(uploadId);
  const record = await multiparts.get(reader, number);
  const isIt =
    record?.bucketId === bucketId &&
    record.key === key &&
    Buffer.compare(uploadIdOf(number, record.salt), uploadId) === 0;
  if (isIt && record.state.kind !== "aborted") return { number, record };
  throw new CairnError("uploadNotFound", `no upload of this key has the id ${toHex(uploadId)}`);
}

/** The same, which must be open. */
export async function requireOpen(reader: KvReader, name: MultipartName): Promise<FoundMultipart> {
  const found = await findMultipart(reader, name);
  if (found.record.state.kind === "open") return found;
  throw new CairnError("uploadNotFound", `upload ${toHex(name.uploadId)} is completed`);
}
