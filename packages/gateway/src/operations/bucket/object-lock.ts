import { hasReason } from "@cairnfs/base/errors";
import type { DefaultRetention } from "@cairnfs/client";
import {
  type BucketRetention,
  objectLockXml,
  readObjectLock,
} from "../../documents/object-lock.ts";
import { S3Error } from "../../s3/errors.ts";
import type { Operation } from "../../s3/operation.ts";
import { readText } from "../../s3/read-document.ts";
import { xmlDocument } from "../../xml/write.ts";
import { setBucket } from "./documents.ts";

export const getObjectLockConfiguration: Operation = {
  name: "GetObjectLockConfiguration",
  method: "GET",
  level: "bucket",
  query: "object-lock",
  action: "GetBucketObjectLockConfiguration",
  async run(request, parts) {
    const { hasObjectLock, defaultRetention } = await parts.buckets.get(request.bucket);
    if (!hasObjectLock) {
      throw new S3Error("ObjectLockConfigurationNotFoundError", {
        details: { BucketName: request.bucket },
      });
    }
    const retention = defaultRetention === undefined ? undefined : shown(defaultRetention);
    return { status: 200, body: xmlDocument("ObjectLockConfiguration", objectLockXml(retention)) };
  },
};

export const putObjectLockConfiguration: Operation = {
  name: "PutObjectLockConfiguration",
  method: "PUT",
  level: "bucket",
  query: "object-lock",
  action: "PutBucketObjectLockConfiguration",
  async run(request, parts) {
    const document = await readText(request);
    if (document === "") throw new S3Error("MissingRequestBodyError");
    const retention = readObjectLock(document);
    try {
      await setBucket(request, parts, {
        hasObjectLock: true,
        defaultRetention: retention === undefined ? "none" : kept(retention),
      });
    } catch (error) {
      if (!hasReason(error, "conflictingState")) throw error;
      throw new S3Error("InvalidBucketState", {
        message: "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration",
        cause: error,
      });
    }
    return { status: 200 };
  },
};

function shown({ mode, days = 0, years = 0 }: DefaultRetention): BucketRetention {
  return { mode: mode === "compliance" ? "COMPLIANCE" : "GOVERNANCE", days, years };
}

function kept({ mode, days, years }: BucketRetention): DefaultRetention {
  const period = days > 0 ? { days } : { years };
  return { mode: mode === "COMPLIANCE" ? "compliance" : "governance", ...period };
}
