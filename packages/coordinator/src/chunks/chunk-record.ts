/**
 * What the coordinator knows of a chunk, the value of `chnk`:
 *
 *     | version 1 | state u8 | length varint | references varint | wanted copies u8 | list of node numbers varint
 *     | home domain varint | home references varint | due varint | delete epoch varint
 *     | optional debt copies u8 | list of fences: node varint, epoch varint |
 *
 * docs/formats/keyspace.md is the register.
 */

import { CairnError } from "@cairnfs/base/errors";
import { recordCodec } from "@cairnfs/kv/record";
import { type DomainId, domainId } from "../namespace/ids.ts";

/** The states of a chunk record, in the order of their numbers on disk (from 1), and what may follow on each. */
export const CHUNK_STATES = {
  /** Has references. */
  live: ["garbage"],
  /** Has none; when it falls due its deletion is decided, unless it is referred to again. With no holders it is done at once. */
  garbage: ["live", "deleting", "deleted"],
  /** Its deletion is decided; nodes are being told. Copies of later epochs make it live again. */
  deleting: ["deleted", "live"],
  /** Every node has said so. Kept as a fence against receipts from before, until the horizon has passed it. */
  deleted: ["live"],
} as const;
export type ChunkState = keyof typeof CHUNK_STATES;

const STATE_NAMES: readonly ChunkState[] = ["live", "garbage", "deleting", "deleted"];

/** A node whose copies up to an epoch do not count: they were found bad, or are being deleted. */
export interface ReplicaFence {
  readonly nodeNumber: number;
  readonly epoch: number;
}

export interface ChunkRecord {
  readonly state: ChunkState;
  readonly lengthBytes: number;
  /** How often chunk maps name it. */
  readonly references: number;
  readonly wantedCopies: number;
  /** Nodes that proved a copy; when deleting, those that have not confirmed yet. */
  readonly nodeNumbers: readonly number[];
  /** The domain whose references are counted here; those of other domains are rows of `cdom`. 0: none. */
  readonly homeDomainId: DomainId;
  readonly homeReferences: number;
  /** When garbage falls due; 0 otherwise. */
  readonly dueMs: number;
  /** The epoch in which its deletion was decided, 0 if it was not: older copies do not count. */
  readonly deleteEpoch: number;
  /** Under how many copies it stands in `debt`; absent when it is not in debt. */
  readonly debtCopies: number | undefined;
  readonly fences: readonly ReplicaFence[];
}

export const NO_DOMAIN = domainId(0);

export const chunkRecordCodec = recordCodec<ChunkRecord>("chunk", {
  version: 1,
  write: (to, chunk) => {
    to.u8(STATE_NAMES.indexOf(chunk.state) + 1);
    to.varint(chunk.lengthBytes);
    to.varint(chunk.references);
    to.u8(chunk.wantedCopies);
    to.list(chunk.nodeNumbers, (into, nodeNumber) => into.varint(nodeNumber));
    to.varint(chunk.homeDomainId);
    to.varint(chunk.homeReferences);
    to.varint(chunk.dueMs);
    to.varint(chunk.deleteEpoch);
    to.optional(chunk.debtCopies, (into, copies) => into.u8(copies));
    to.list(chunk.fences, (into, fence) => {
      into.varint(fence.nodeNumber);
      into.varint(fence.epoch);
    });
  },
  read: (from) => ({
    state: stateOf(from.u8()),
    lengthBytes: from.varint(),
    references: from.varint(),
    wantedCopies: from.u8(),
    nodeNumbers: from.list((of) => of.varint()),
    homeDomainId: domainId(from.varint()),
    homeReferences: from.varint(),
    dueMs: from.varint(),
    deleteEpoch: from.varint(),
    debtCopies: from.optional((of) => of.u8()),
    fences: from.list((of) => ({ nodeNumber: of.varint(), epoch: of.varint() })),
  }),
});

function stateOf(number: number): ChunkState {
  const state = STATE_NAMES[number - 1];
  if (state === undefined)
    throw new CairnError("internal", `a chunk has the unknown state ${number}`);
  return state;
}
