import { readLifecycle } from "../../documents/lifecycle.ts";
import { S3Error } from "../../s3/errors.ts";
import type { Operation } from "../../s3/operation.ts";
import { readText } from "../../s3/read-document.ts";
import { xmlDocument } from "../../xml/write.ts";
import { setBucket } from "./documents.ts";

/** 1,000 rules of some kilobytes each. */
const DOCUMENT_BYTES_MAX = 2 * 1024 * 1024;
/** The only choice that means anything without other storage classes. */
const MINIMUM_SIZE_HEADERS = {
  "x-amz-transition-default-minimum-object-size": "all_storage_classes_128K",
};

export const getBucketLifecycle: Operation = {
  name: "GetBucketLifecycleConfiguration",
  method: "GET",
  level: "bucket",
  query: "lifecycle",
  action: "GetLifecycleConfiguration",
  async run(request, parts) {
    const { lifecycle } = await parts.buckets.get(request.bucket);
    if (lifecycle.length === 0) {
      throw new S3Error("NoSuchLifecycleConfiguration", {
        details: { BucketName: request.bucket },
      });
    }
    const rules = lifecycle.map(({ source = new Uint8Array(0) }) =>
      Buffer.from(source).toString("utf8"),
    );
    const body = xmlDocument("LifecycleConfiguration", ...rules);
    return { status: 200, headers: MINIMUM_SIZE_HEADERS, body };
  },
};

export const putBucketLifecycle: Operation = {
  name: "PutBucketLifecycleConfiguration",
  method: "PUT",
  level: "bucket",
  query: "lifecycle",
  action: "PutLifecycleConfiguration",
  async run(request, parts) {
    const newId = () => Buffer.from(parts.random.bytes(16)).toString("hex");
    const lifecycle = readLifecycle(await readText(request, DOCUMENT_BYTES_MAX), newId);
    await setBucket(request, parts, { lifecycle });
    return { status: 200, headers: MINIMUM_SIZE_HEADERS };
  },
};

export const deleteBucketLifecycle: Operation = {
  name: "DeleteBucketLifecycle",
  method: "DELETE",
  level: "bucket",
  query: "lifecycle",
  action: "PutLifecycleConfiguration",
  async run(request, parts) {
    await setBucket(request, parts, { lifecycle: [] });
    return { status: 204 };
  },
};
