import type { CairnClient } from "@cairnfs/client/client";
import type { UploadSource } from "@cairnfs/client/upload/source";

/** Where an object is that is the file at a path. */
export interface ObjectPlace {
  readonly bucket: string;
  readonly key: string;
}

/** The object at `path`; `undefined` for what is in no bucket. */
export function objectAt(path: string): ObjectPlace | undefined {
  const [, bucket = "", key = ""] = path.split("/");
  return key === "" ? undefined : { bucket, key };
}

const PARTS = 3;

/**
 * Puts bytes as the doors of object storage put large ones: in parts, one of them twice. All of it is at the key in the end, or nothing
 * of it.
 */
export async function putAsObject(
  client: CairnClient,
  { bucket, key }: ObjectPlace,
  how: {
    readonly source: Buffer;
    readonly stalled: (bytes: Buffer) => UploadSource;
  },
): Promise<void> {
  const { source, stalled } = how;
  const uploadId = await client.multiparts.create(bucket, key);
  const partBytes = Math.ceil(source.byteLength / PARTS);
  const put = async (number: number) => {
    const bytes = source.subarray((number - 1) * partBytes, number * partBytes);
    const part = { uploadId, number };
    const { contentId } = await client.multiparts.putPart(bucket, key, part, stalled(bytes));
    return { number, contentId };
  };
  await put(2);
  const parts = await Promise.all([put(1), put(2), put(3)]);
  await client.multiparts.complete(bucket, key, uploadId, parts);
}
