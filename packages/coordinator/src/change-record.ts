/**
 * A change, the value of `clog`:
 *
 *     | version 1 | kind u8 | at varint | inode varint | path text | target text (empty unless a rename) |
 *
 * docs/formats/keyspace.md is the register.
 */

import { recordCodec } from "@cairnfs/kv/record";
import type { ChangeKind } from "@cairnfs/protocol/gen/cairn/v1/coordinator_pb";

/** What happened to which path. */
export interface ChangeRecord {
  readonly kind: ChangeKind;
  readonly path: string;
  /** Of a rename: where it went. */
  readonly target: string;
  readonly inodeId: number;
  readonly atMs: number;
}

export const changeCodec = recordCodec<ChangeRecord>("change", {
  version: 1,
  write: (to, change) => {
    to.u8(change.kind);
    to.varint(change.atMs);
    to.varint(change.inodeId);
    to.text(change.path);
    to.text(change.target);
  },
  read: (from) => ({
    kind: from.u8() as ChangeKind,
    atMs: from.varint(),
    inodeId: from.varint(),
    path: from.text(),
    target: from.text(),
  }),
});
