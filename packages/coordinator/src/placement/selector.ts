/** A node that may take a chunk: healthy, with room, not excluded by the caller. */
export interface Candidate {
  readonly nodeNumber: number;
  readonly zone: string;
  readonly rack: string;
  readonly capacityBytes: number;
  readonly availableBytes: number;
}

/** What is asked for: nodes for the copies of one chunk. */
export interface SelectionRequest {
  /** How many nodes, at most as many as candidates remain when the excluded are left out. */
  readonly count: number;
  /** 16 bytes or more. The same seed over the same candidates gives the same nodes. */
  readonly seed: Uint8Array;
  /** Candidates that are not to be chosen. */
  readonly excluded: ReadonlySet<number>;
  /** Nodes that hold a copy already: spread the new ones away from them. Not to be chosen either. */
  readonly holders: readonly Candidate[];
}

/**
 * Decides which nodes keep the copies of a chunk; the first takes the data and passes it on.
 * Pure: the answer depends on the arguments alone. The same array of candidates is passed as long as
 * nothing has changed, so what is computed from it may be kept by its identity.
 * A module that the configuration names exports one as `selector`.
 */
export interface NodeSelector {
  readonly name: string;
  /** Exactly `request.count` different node numbers from among the candidates. */
  select(candidates: readonly Candidate[], request: SelectionRequest): readonly number[];
}
