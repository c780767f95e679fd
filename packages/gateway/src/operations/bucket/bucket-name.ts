import { S3Error } from "../../s3/errors.ts";

const RESERVED_STARTS = ["xn--", "sthree-", "amzn-s3-demo-"];
const RESERVED_ENDS = ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"];

/** Refuses, as `InvalidBucketName`, a name that S3 gives to no bucket. */
export function checkBucketName(name: string): void {
  const isFine =
    /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/u.test(name) &&
    !/\.\.|\.-|-\./u.test(name) &&
    !/^\d{1,3}(?:\.\d{1,3}){3}$/u.test(name) &&
    !RESERVED_STARTS.some((start) => name.startsWith(start)) &&
    !RESERVED_ENDS.some((end) => name.endsWith(end));
  if (!isFine) throw new S3Error("InvalidBucketName", { details: { BucketName: name } });
}
