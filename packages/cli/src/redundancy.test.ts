import type { ClusterState } from "@cairnfs/client/cluster-state";
import { expect, test } from "vitest";
import { redundancyLine } from "./redundancy.ts";

const size = (sizeBytes: number) => `${sizeBytes} B`;

function stateWith(change: {
  readonly underreplicatedChunks?: number;
  readonly nodes?: readonly { readonly state: string; readonly chunkCount: number }[];
}): ClusterState {
  const nodes = (change.nodes ?? []).map((node) => ({ ...node, usedBytes: 100 }));
  const debt = {
    underreplicatedChunks: change.underreplicatedChunks ?? 0,
    underreplicatedBytes: 9,
  };
  // The line is made of these fields alone.
  return { ...debt, lostChunks: 0, nodes } as unknown as ClusterState;
}

test("a cluster without debt whose nodes all answer has its wanted copies", () => {
  const state = stateWith({ nodes: [{ state: "healthy", chunkCount: 5 }] });
  expect(redundancyLine(state, size)).toBe("every chunk has its wanted copies");
});

test("copies on nodes that do not answer are not called there, whatever the debt says", () => {
  const nodes = [
    { state: "dead", chunkCount: 7 },
    { state: "suspect", chunkCount: 1 },
    { state: "dead", chunkCount: 0 },
  ];
  expect(redundancyLine(stateWith({ nodes }), size)).toBe(
    "8 copies (200 B) out of reach on 2 nodes that do not answer",
  );
  expect(redundancyLine(stateWith({ nodes, underreplicatedChunks: 3 }), size)).toMatch(
    /^9 B in 3 chunks lack copies, 0 have none; 8 copies/u,
  );
});
