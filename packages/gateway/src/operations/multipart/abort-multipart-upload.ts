import type { Operation } from "../../s3/operation.ts";
import { noSuchUpload, openUpload, uploadIdOf } from "./find-upload.ts";

/** Lets an open upload go, with all its parts. */
export const abortMultipartUpload: Operation = {
  name: "AbortMultipartUpload",
  method: "DELETE",
  level: "object",
  query: "uploadId",
  action: "AbortMultipartUpload",
  async run(request, parts) {
    const { bucket, key, signal } = request;
    const uploadId = uploadIdOf(request);
    await openUpload(request, parts);
    await parts.client.multiparts
      .abort(bucket, key, uploadId, { signal })
      .catch((error: unknown) => {
        throw noSuchUpload(error, uploadId);
      });
    return { status: 204 };
  },
};
