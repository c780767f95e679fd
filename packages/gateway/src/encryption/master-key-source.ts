import type { MasterKey } from "./master-keys.ts";

/** Where the cluster's keys come from. */
export interface MasterKeySource {
  /** The one that new contents are encrypted under. */
  newest(): Promise<MasterKey>;
  /** The one that an older content was encrypted under. */
  numbered(number: number): Promise<MasterKey>;
}
