/** What decides whether a node may take a chunk. */
export interface NodeFitness {
  readonly state: "joining" | "healthy" | "suspect" | "dead" | "draining" | "drained";
  readonly health: "ok" | "readOnly" | "failed";
  readonly availableBytes: number;
}

/** Why a node may not take a chunk, in the words of the message. */
export type Unfitness = Exclude<NodeFitness["state"], "healthy"> | "read-only" | "failed" | "full";

/** What keeps this node from taking a chunk of this size; undefined when nothing does. Pure. */
export function whyUnfit(node: NodeFitness, chunkSizeBytes: number): Unfitness | undefined {
  if (node.state !== "healthy") return node.state;
  if (node.health === "failed") return "failed";
  if (node.health === "readOnly") return "read-only";
  // The figure is some seconds old, and others are sent there meanwhile: room for a second one must be left.
  return node.availableBytes < 2 * chunkSizeBytes ? "full" : undefined;
}
