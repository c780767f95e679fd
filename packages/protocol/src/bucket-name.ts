const SHAPE = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/u;
const ADDRESS = /^\d+\.\d+\.\d+\.\d+$/u;
const RESERVED_START = /^(?:xn--|sthree-|amzn-s3-demo-)/u;
const RESERVED_END = /(?:-s3alias|--ol-s3|--x-s3|--table-s3|\.mrap)$/u;

export const BUCKET_NAME_BYTES_MIN = 3;
export const BUCKET_NAME_BYTES_MAX = 63;

/**
 * Whether a directory of this name at the root is a bucket, by S3's rules: 3 to 63 of a-z, 0-9, "." and "-", where what is between dots
 * begins and ends with a letter or digit; not in the shape of an IP address, and not with a beginning or an end that S3 keeps for itself.
 */
export function isBucketName(name: string): boolean {
  return (
    name.length >= BUCKET_NAME_BYTES_MIN &&
    name.length <= BUCKET_NAME_BYTES_MAX &&
    SHAPE.test(name) &&
    !ADDRESS.test(name) &&
    !RESERVED_START.test(name) &&
    !RESERVED_END.test(name)
  );
}
