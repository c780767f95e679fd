import { expect, test } from "vitest";
import { checkLinearizable, type Operation } from "./linearizable.ts";
import { type RegisterInput, type RegisterOutput, registerModel } from "./register.ts";

type RegisterOperation = Operation<RegisterInput, RegisterOutput>;

function write(value: string, from: number, to?: number): RegisterOperation {
  const output = to === undefined ? undefined : ({ kind: "done" } as const);
  return { input: { kind: "write", value }, output, invokedAt: from, returnedAt: to };
}

function read(value: string, from: number, to: number): RegisterOperation {
  const output = { kind: "value", value } as const;
  return { input: { kind: "read" }, output, invokedAt: from, returnedAt: to };
}

function swap(
  [expected, value]: readonly [string, string],
  kind: "done" | "refused",
  from: number,
  to: number,
): RegisterOperation {
  const input = { kind: "compareAndSet", expected, value } as const;
  return { input, output: { kind }, invokedAt: from, returnedAt: to };
}

function verdictOf(...history: readonly RegisterOperation[]): string {
  return checkLinearizable(history, registerModel).kind;
}

test("a read sees what was written before it, and nothing older", () => {
  expect(verdictOf(read("", 0, 1), write("a", 2, 3), read("a", 4, 5))).toBe("linearizable");
  expect(verdictOf(write("a", 0, 1), read("", 2, 3))).toBe("violated");
  expect(verdictOf(write("a", 0, 1), write("b", 2, 3), read("a", 4, 5))).toBe("violated");
});

test("what overlaps may come in any order, but in one order for all", () => {
  const writes = [write("a", 0, 10), write("b", 0, 10)];
  expect(verdictOf(...writes, read("a", 2, 3), read("b", 4, 5))).toBe("linearizable");
  expect(verdictOf(...writes, read("b", 2, 3), read("a", 4, 5))).toBe("linearizable");
  expect(verdictOf(...writes, read("a", 2, 3), read("b", 4, 5), read("a", 6, 7))).toBe("violated");
});

test("an operation without an answer may take effect late, or never, and only once", () => {
  expect(verdictOf(write("a", 0), read("", 1, 2), read("a", 8, 9))).toBe("linearizable");
  expect(verdictOf(write("a", 0), read("", 1, 2))).toBe("linearizable");
  const twice = [write("a", 0), read("a", 1, 2), write("b", 3, 4), read("a", 5, 6)];
  expect(verdictOf(...twice)).toBe("violated");
});

test("a condition holds exactly when it was answered that it did", () => {
  expect(verdictOf(write("a", 0, 1), swap(["a", "b"], "done", 2, 3), read("b", 4, 5))).toBe(
    "linearizable",
  );
  expect(verdictOf(write("a", 0, 1), swap(["a", "b"], "refused", 2, 3))).toBe("violated");
  const both = [swap(["a", "b"], "done", 2, 9), swap(["a", "c"], "done", 2, 9)];
  expect(verdictOf(write("a", 0, 1), ...both)).toBe("violated");
});

test("where no order was found, it says at which operations", () => {
  const stale = read("a", 4, 5);
  const history = [write("a", 0, 1), write("b", 2, 3), stale];
  expect(checkLinearizable(history, registerModel)).toEqual({ kind: "violated", stuckAt: [stale] });
});

test("it gives up rather than search for ever", () => {
  const history = Array.from({ length: 30 }, (_, at) => write(String(at), 0, 100));
  expect(checkLinearizable([...history, read("none", 200, 201)], registerModel, 1000).kind).toBe(
    "undecided",
  );
});
