import type { KvTransaction } from "@cairnfs/kv/kv-store";
import type { NamespaceSettings } from "./settings.ts";

/** What an operation that changes the tree is handed: one transaction, one time, fresh ids. */
export interface Mutation {
  readonly tx: KvTransaction;
  readonly nowMs: number;
  readonly settings: NamespaceSettings;
  /** An id that was never used before. */
  nextId(): number;
}

/** The version of an entry that replaces one of version `previous`: it grows, whoever was faster. */
export function nextVersion(freshId: number, previous: number | undefined): number {
  return Math.max(freshId, (previous ?? 0) + 1);
}
