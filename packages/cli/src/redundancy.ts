import type { ClusterState } from "@cairnfs/client/cluster-state";
import { counted, humanCount } from "./format.ts";

/**
 * What can be said of the copies, in one line. The debt counts what uploads left and what was found bad; the copies on
 * nodes that do not answer are in no debt yet, so they are told beside it.
 */
export function redundancyLine(state: ClusterState, size: (sizeBytes: number) => string): string {
  const silent = state.nodes.filter(
    (node) => (node.state === "suspect" || node.state === "dead") && node.chunkCount > 0,
  );
  const parts: string[] = [];
  if (state.underreplicatedChunks > 0) {
    parts.push(
      `${size(state.underreplicatedBytes)} in ${counted(state.underreplicatedChunks, "chunk")} lack copies, ${humanCount(state.lostChunks)} have none`,
    );
  }
  if (silent.length > 0) {
    const copies = silent.reduce((sum, node) => sum + node.chunkCount, 0);
    const usedBytes = silent.reduce((sum, node) => sum + node.usedBytes, 0);
    const which = counted(silent.length, "node that does not answer", "nodes that do not answer");
    parts.push(
      `${counted(copies, "copy", "copies")} (${size(usedBytes)}) out of reach on ${which}`,
    );
  }
  return parts.length === 0 ? "every chunk has its wanted copies" : parts.join("; ");
}
