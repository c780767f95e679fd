import { expect, test } from "vitest";
import { abortError, CairnError, hasReason, isReason } from "./errors.ts";

test("an error knows its code and who may retry from its reason", () => {
  const error = new CairnError("storeFull", "node 3 has no room", { details: { nodeNumber: 3 } });
  expect([error.code, error.retry]).toEqual([8, "other-replica"]);
  expect(hasReason(error, "pathNotFound", "storeFull")).toBe(true);
  expect(hasReason(new Error("storeFull"), "storeFull")).toBe(false);
});

test("a name from outside is a reason only when the table has it", () => {
  expect(isReason("chunkCorrupt")).toBe(true);
  expect(isReason("toString")).toBe(false);
});

test("an aborted signal tells a deadline from a caller who gave up", () => {
  expect(abortError(AbortSignal.abort()).reason).toBe("cancelled");
  expect(abortError(AbortSignal.abort(new DOMException("late", "TimeoutError"))).reason).toBe(
    "deadlineExceeded",
  );
  const own = new CairnError("shuttingDown", "stopping");
  expect(abortError(AbortSignal.abort(own))).toBe(own);
});
