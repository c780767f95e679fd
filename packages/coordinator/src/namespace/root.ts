import type { KvTransaction } from "@cairnfs/kv/kv-store";
import { count } from "../counters.ts";
import { entries } from "../keyspace.ts";
import { DIRECTORY_MODE_DEFAULT, NO_METADATA, NO_POLICY, sortNameOf } from "./entry.ts";
import { ABOVE_ROOT_ID, ROOT_ID } from "./ids.ts";

/** Makes the root directory of a new store; one that is there stays as it is. */
export async function ensureRoot(tx: KvTransaction, nowMs: number): Promise<void> {
  const key = [ABOVE_ROOT_ID, sortNameOf("", "directory")] as const;
  if (await entries.has(tx, key)) return;
  entries.put(tx, key, {
    kind: "directory",
    inodeId: ROOT_ID,
    version: 1,
    createdMs: nowMs,
    modifiedMs: nowMs,
    mode: DIRECTORY_MODE_DEFAULT,
    contentType: "",
    userMetadata: NO_METADATA,
    policy: NO_POLICY,
    isImplied: false,
  });
  count(tx, "directories", 1);
}
