import type { Replica } from "./replica.ts";

/** What a node found when it read its copy of a chunk. */
export type ReplicaFinding = "intact" | "corrupt" | "missing";

/** A copy that is to be read. */
export interface ReplicaToVerify extends Replica {
  /** How long the chunk is: reading it may take so much longer. */
  readonly lengthBytes: number;
}

/** How a report of a bad replica is checked before it is believed. */
export interface ReplicaVerifier {
  /** Has the node read its whole copy. Rejects when the node cannot be asked, or takes far too long. */
  verify(replica: ReplicaToVerify, signal: AbortSignal): Promise<ReplicaFinding>;
}
