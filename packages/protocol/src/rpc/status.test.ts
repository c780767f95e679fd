import { CairnError, Code, Reason } from "@cairnfs/base/errors";
import { expect, test } from "vitest";
import { errorFromStatus, errorOfHandler, statusOf } from "./status.ts";

const NO_DETAIL = new Uint8Array(0);

test("every reason comes out of the wire as it went in", () => {
  for (const reason of Object.keys(Reason) as Reason[]) {
    const error = errorFromStatus(statusOf(new CairnError(reason, "what happened")));
    expect([error.reason, error.code, error.message]).toEqual([
      reason,
      Reason[reason].code,
      "what happened",
    ]);
  }
});

test("details keep their values and their kinds", () => {
  const details = {
    size: 17,
    negative: -1.5,
    huge: 2 ** 53,
    flag: true,
    text: "a b",
    empty: "",
    number: "17",
    exponent: "1e3",
    bool: "false",
    quoted: '"x"',
    quote: '"',
    nan: "NaN",
  };
  const error = errorFromStatus(statusOf(new CairnError("internal", "", { details })));
  expect(error.details).toEqual(details);
});

test("a reason of a later release becomes the nearest to its code", () => {
  const status = statusOf(new CairnError("pathNotFound", "gone"));
  // The reason is the first field: its last letter makes another word of it.
  const detail = Uint8Array.from(status.detail);
  detail[detail.indexOf(100)] = 120;
  const error = errorFromStatus({ ...status, code: Code.aborted, detail });
  expect(error.reason).toBe("transactionConflict");
});

test("a status of somebody else's server becomes the nearest reason", () => {
  const reasonOf = (code: number) =>
    errorFromStatus({ code, message: "", detail: NO_DETAIL }).reason;
  expect(reasonOf(Code.unavailable)).toBe("peerGone");
  expect(reasonOf(Code.unimplemented)).toBe("unimplemented");
  expect(reasonOf(Code.deadlineExceeded)).toBe("deadlineExceeded");
  expect(reasonOf(Code.unknown)).toBe("internal");
  expect(reasonOf(99)).toBe("internal");
});

test("details that cannot be read leave the code and the message", () => {
  const detail = new Uint8Array([0xff, 0xff, 0xff]);
  const error = errorFromStatus({ code: Code.notFound, message: "no such file", detail });
  expect([error.reason, error.message]).toEqual(["pathNotFound", "no such file"]);
});

test("what a handler throws besides our errors is internal, or the abort of its call", () => {
  const running = new AbortController();
  const bug = errorOfHandler(new TypeError("x is not a function"), running.signal);
  expect(bug.reason).toBe("internal");
  expect(bug.message).not.toContain("x is");
  expect(bug.cause).toBeInstanceOf(TypeError);
  running.abort(new CairnError("shuttingDown", "the server is stopping"));
  expect(errorOfHandler(new Error("aborted"), running.signal).reason).toBe("shuttingDown");
  const own = new CairnError("storeFull", "no room");
  expect(errorOfHandler(own, running.signal)).toBe(own);
});
