import { ChangeKind } from "@cairnfs/protocol/gen/cairn/v1/coordinator_pb";
import { count } from "./counters.ts";
import { CHANGE_LOG_PREFIX, changeLog } from "./keyspace.ts";
import type { Mutation } from "./namespace/mutation.ts";

/** A change as an operation reports it. */
export interface ChangeReport {
  readonly kind: keyof typeof KINDS;
  readonly path: string;
  readonly target?: string;
  readonly inodeId: number;
}

const KINDS = {
  put: ChangeKind.PUT,
  makeDirectory: ChangeKind.MAKE_DIRECTORY,
  rename: ChangeKind.RENAME,
  remove: ChangeKind.REMOVE,
  setAttributes: ChangeKind.SET_ATTRIBUTES,
  restore: ChangeKind.RESTORE,
} as const;

/** Appends to the change log, in the transaction of the change itself. */
export function logChange(mutation: Mutation, change: ChangeReport): void {
  const record = changeLog.encode({
    kind: KINDS[change.kind],
    path: change.path,
    target: change.target ?? "",
    inodeId: change.inodeId,
    atMs: mutation.nowMs,
  });
  mutation.tx.append(CHANGE_LOG_PREFIX, record);
  count(mutation.tx, "changes", 1);
}
