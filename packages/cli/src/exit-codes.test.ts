import { CairnError, Reason } from "@cairnfs/base/errors";
import { expect, test } from "vitest";
import { ExitCode, exitCodeOf } from "./exit-codes.ts";
import { CommandFailure, showFailure } from "./failure.ts";

test("every reason has an exit code, and none is success", () => {
  for (const reason of Object.keys(Reason) as Reason[]) {
    const { code } = ExitCode[exitCodeOf(new CairnError(reason, "no"))];
    expect(code, reason).toBeGreaterThan(0);
  }
});

test("codes are told apart by number", () => {
  const numbers = Object.values(ExitCode).map(({ code }) => code);
  expect(new Set(numbers).size).toBe(numbers.length);
});

test.each([
  ["pathNotFound", 3],
  ["pathExists", 4],
  ["placementUnavailable", 6],
  ["unreachable", 7],
  ["chunkCorrupt", 8],
  ["cancelled", 130],
] as const)("%s ends with %d", (reason, code) => {
  expect(ExitCode[exitCodeOf(new CairnError(reason, "no"))].code).toBe(code);
});

test("a missing local file is not found, by its path and without a stack", () => {
  const error = Object.assign(new Error("ENOENT: no such file or directory, open 'x'"), {
    code: "ENOENT",
    syscall: "open",
    path: "x\ny",
  });
  expect(showFailure(error)).toMatchObject({
    exit: "notFound",
    message: "x\\ny: no such file or folder here",
  });
});

test("a failure that a command words itself keeps its words and advice", () => {
  expect(showFailure(new CommandFailure("usage", "no target", "name one"))).toMatchObject({
    exit: "usage",
    message: "no target",
    advice: "name one",
  });
});

test("what nobody foresaw is a bug with its stack", () => {
  const { exit, message } = showFailure(new TypeError("x is undefined"));
  expect(exit).toBe("bug");
  expect(message).toContain("exit-codes.test");
});
