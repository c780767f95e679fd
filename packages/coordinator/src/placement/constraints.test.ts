import { expect, test } from "vitest";
import { type NodeFitness, whyUnfit } from "./constraints.ts";

const fit: NodeFitness = { state: "healthy", health: "ok", availableBytes: 2000 };

test("only healthy nodes in good health take chunks", () => {
  expect(whyUnfit(fit, 1000)).toBeUndefined();
  for (const state of ["joining", "suspect", "dead", "draining", "drained"] as const) {
    expect(whyUnfit({ ...fit, state }, 1000)).toBe(state);
  }
  expect(whyUnfit({ ...fit, health: "readOnly" }, 1000)).toBe("read-only");
  expect(whyUnfit({ ...fit, health: "failed" }, 1000)).toBe("failed");
});

test("a node is full when it has no room for the chunk and one more like it", () => {
  expect(whyUnfit(fit, 1000)).toBeUndefined();
  expect(whyUnfit(fit, 1001)).toBe("full");
});
