import type { MessageInitShape } from "@bufbuild/protobuf";
import type { NodeUpdatesSchema } from "@cairnfs/protocol/gen/cairn/v1/common_pb";

/** Where one chunk of an upload is to go. */
export interface PlacementRequest {
  /** The upload's session id: the same seed and chunk index lead to the same nodes while these are healthy. */
  readonly seed: Uint8Array;
  readonly chunkIndex: number;
  readonly replicationFactor: number;
  /** How many nodes are the least that will do. */
  readonly writeQuorum: number;
  /** Node numbers that failed the caller just now. */
  readonly excluded: readonly number[];
  /** The most bytes that the chunk will have. */
  readonly chunkSizeBytes: number;
}

/** What uploads and reads need to know of the cluster's nodes. Answers from memory, never waits. */
export interface PlacementSource {
  /**
   * Distinct node numbers, the primary first: `replicationFactor` of them, or fewer but at least the write
   * quorum when there are no more; throws `placementUnavailable` when there are not even so many.
   */
  place(request: PlacementRequest): readonly number[];
  /** The changes of the node table since `version`, or all of it; 0 is older than everything. */
  nodeUpdatesSince(version: number): MessageInitShape<typeof NodeUpdatesSchema>;
  /** Where these nodes are, for somebody who was just told to use them: version 0, since it is no state of the table. */
  nodesOf(nodeNumbers: Iterable<number>): MessageInitShape<typeof NodeUpdatesSchema>;
  /** The key that the node makes its receipts with; `undefined` when no such node is a member. */
  receiptKeyOf(nodeNumber: number): Uint8Array | undefined;
  /**
   * Of the nodes that hold a chunk, the one whose copy should go when `wantedCopies` others stay: one that gives its
   * chunks away before all others. `undefined` when there is none to spare.
   */
  leaverOf(nodeNumbers: readonly number[], wantedCopies: number): number | undefined;
  /** Whether copies on this node count: it is a member and not dead. */
  isLive(nodeNumber: number): boolean;
  /** Whether copies on this node are there to stay: it is heard of, in service, and its disk is in order. */
  isStaying(nodeNumber: number): boolean;
}

/** For so long clients may go on to use placements: nodes come and go and fill up, and older ones say nothing of that. */
export const PLACEMENT_USABLE_MS = 30_000;

/** The least number of durable copies that makes a write good: the majority of the wanted ones. */
export function writeQuorumOf(replicationFactor: number): number {
  return Math.floor(replicationFactor / 2) + 1;
}
