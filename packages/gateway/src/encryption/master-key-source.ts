import { S3Error } from "../s3/errors.ts";
import type { MasterKey } from "./master-keys.ts";

/** Where the cluster's keys come from. */
export interface MasterKeySource {
  /** The one that new contents are encrypted under. */
  newest(): Promise<MasterKey>;
  /** The one that an older content was encrypted under. */
  numbered(number: number): Promise<MasterKey>;
}

/** There are no keys: what needs one is `NotImplemented`. */
export const NO_MASTER_KEYS: MasterKeySource = {
  newest: () => Promise.reject(new S3Error("NotImplemented")),
  numbered: () => Promise.reject(new S3Error("NotImplemented")),
};
