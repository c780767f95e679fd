import type { FoundAccessKey } from "@cairnfs/client/access";
import { S3Error } from "../s3/errors.ts";
import type { UserCaller } from "../s3/operation.ts";

/** Whom a key belongs to; one that is unknown, disabled or expired is refused. */
export function callerOf(
  accessKeyId: string,
  found: FoundAccessKey | undefined,
  nowMs: number,
): UserCaller {
  const isGood =
    found !== undefined && !found.key.isDisabled && (found.key.expiresMs ?? Infinity) > nowMs;
  if (!isGood) {
    throw new S3Error("InvalidAccessKeyId", { details: { AWSAccessKeyId: accessKeyId } });
  }
  const { user } = found;
  return {
    kind: "user",
    id: user.userId,
    name: user.name,
    isRoot: user.isRoot,
    policies: user.policies,
    accessKeyId,
  };
}
