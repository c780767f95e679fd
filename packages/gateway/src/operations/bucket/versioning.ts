import { hasReason } from "@cairnfs/base/errors";
import { readVersioning } from "../../documents/versioning.ts";
import { S3Error } from "../../s3/errors.ts";
import type { Operation } from "../../s3/operation.ts";
import { readText } from "../../s3/read-document.ts";
import { textElement, xmlDocument } from "../../xml/write.ts";
import { setBucket } from "./documents.ts";

const STATUS = { never: undefined, enabled: "Enabled", suspended: "Suspended" } as const;

export const getBucketVersioning: Operation = {
  name: "GetBucketVersioning",
  method: "GET",
  level: "bucket",
  query: "versioning",
  action: "GetBucketVersioning",
  async run(request, parts) {
    const { versioning } = await parts.buckets.get(request.bucket);
    const body = xmlDocument("VersioningConfiguration", textElement("Status", STATUS[versioning]));
    return { status: 200, body };
  },
};

export const putBucketVersioning: Operation = {
  name: "PutBucketVersioning",
  method: "PUT",
  level: "bucket",
  query: "versioning",
  action: "PutBucketVersioning",
  async run(request, parts) {
    if (request.headers["x-amz-mfa"] !== undefined) {
      throw new S3Error("NotImplemented", { message: "MFA delete is not implemented." });
    }
    const versioning = readVersioning(await readText(request));
    try {
      await setBucket(request, parts, { versioning });
    } catch (error) {
      if (!hasReason(error, "conflictingState")) throw error;
      throw new S3Error("InvalidBucketState", {
        message:
          "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.",
        cause: error,
      });
    }
    return { status: 200 };
  },
};
