/** Faults and speed of the way from one host to another, in that direction. */
export interface LinkState {
  /** Nothing arrives. */
  isBlocked: boolean;
  /** A message takes about so long more. */
  extraMs: number;
}
