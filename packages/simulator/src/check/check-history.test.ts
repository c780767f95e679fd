import { expect, test } from "vitest";
import type { Action, HistoryEntry, Outcome } from "../history/operation.ts";
import { checkHistory } from "./check-history.ts";
import type { ModelRules } from "./namespace-model.ts";

const rules: ModelRules = {
  values: [
    { id: 0, sizeBytes: 0 },
    { id: 1, sizeBytes: 17 },
    { id: 2, sizeBytes: 34 },
  ],
  hasTrash: true,
};
const DONE: Outcome = { status: "ok", seen: "done" };
const LOST: Outcome = { status: "unknown", reason: "deadlineExceeded" };
const NOT_FOUND: Outcome = { status: "refused", reason: "pathNotFound" };

/** An operation that took place somewhere from `from` to `to`. */
function entry(from: number, to: number, action: Action, outcome: Outcome): HistoryEntry {
  return {
    operation: { id: from, client: "client1", pauseMs: 0, action },
    invokedAt: from,
    invokedMs: from,
    endedAt: to,
    endedMs: to,
    outcome,
  };
}

const put = (path: string, value: number): Action => ({ kind: "put", path, value, stallMs: 0 });
const get = (path: string): Action => ({ kind: "get", path, lingerMs: 0 });
const sees = (seen: string): Outcome => ({ status: "ok", seen });

function kindOf(...history: readonly HistoryEntry[]): string {
  return checkHistory(history, rules).kind;
}

test("a read after a write that was acknowledged sees it, or a later one", () => {
  const write = entry(0, 1, put("/a", 1), DONE);
  expect(kindOf(write, entry(2, 3, get("/a"), sees("17")))).toBe("linearizable");
  expect(kindOf(write, entry(2, 3, get("/a"), sees("34")))).toBe("impossible");
  expect(kindOf(write, entry(2, 3, get("/a"), NOT_FOUND))).toBe("impossible");
  const late = entry(2, 9, put("/a", 2), DONE);
  expect(kindOf(write, late, entry(3, 4, get("/a"), sees("17")))).toBe("linearizable");
  expect(kindOf(write, late, entry(3, 4, get("/a"), sees("34")))).toBe("linearizable");
});

test("what was seen once is not unseen", () => {
  const write = entry(0, 1, put("/a", 1), DONE);
  const late = entry(2, 9, put("/a", 2), DONE);
  const seen = entry(3, 4, get("/a"), sees("34"));
  expect(kindOf(write, late, seen, entry(5, 6, get("/a"), sees("17")))).toBe("impossible");
});

test("an operation of unknown outcome takes place whenever it likes, once or never", () => {
  const write = entry(0, 1, put("/a", 1), DONE);
  const unknown = entry(2, 3, { kind: "remove", path: "/a" }, LOST);
  expect(kindOf(write, unknown, entry(8, 9, get("/a"), sees("17")))).toBe("linearizable");
  expect(kindOf(write, unknown, entry(8, 9, get("/a"), NOT_FOUND))).toBe("linearizable");
  const again = entry(10, 11, put("/a", 2), DONE);
  const gone = entry(12, 13, get("/a"), NOT_FOUND);
  expect(kindOf(write, unknown, again, gone)).toBe("linearizable");
  expect(kindOf(write, unknown, entry(4, 5, get("/a"), NOT_FOUND), again, gone)).toBe("impossible");
});

test("a rename is seen at both paths or at none", () => {
  const history = [
    entry(0, 1, put("/a", 1), DONE),
    entry(2, 9, { kind: "rename", path: "/a", to: "/b" }, DONE),
  ];
  const atB = entry(3, 4, get("/b"), sees("17"));
  expect(kindOf(...history, atB, entry(5, 6, get("/a"), NOT_FOUND))).toBe("linearizable");
  expect(kindOf(...history, atB, entry(5, 6, get("/a"), sees("17")))).toBe("impossible");
});

test("a refusal is explained by a state in which it was right", () => {
  expect(kindOf(entry(0, 1, put("/d/a", 1), NOT_FOUND))).toBe("linearizable");
  expect(kindOf(entry(0, 1, put("/a", 1), NOT_FOUND))).toBe("impossible");
  const mkdir = entry(0, 1, { kind: "mkdir", path: "/d" }, DONE);
  const taken: Outcome = { status: "refused", reason: "pathExists" };
  expect(kindOf(mkdir, entry(2, 3, { kind: "mkdir", path: "/d" }, taken))).toBe("linearizable");
  expect(kindOf(mkdir, entry(2, 3, { kind: "mkdir", path: "/d" }, DONE))).toBe("impossible");
});

test("a tree moves, is listed, goes to the trash and comes back as a whole", () => {
  const history = [
    entry(0, 1, { kind: "mkdir", path: "/d" }, DONE),
    entry(2, 3, put("/d/a", 1), DONE),
    entry(4, 5, { kind: "rename", path: "/d", to: "/e" }, DONE),
    entry(6, 7, { kind: "list", path: "/" }, sees("[e=d]")),
    entry(8, 9, { kind: "remove", path: "/e" }, { status: "refused", reason: "directoryNotEmpty" }),
    entry(10, 11, { kind: "removeTree", path: "/e" }, DONE),
    entry(12, 13, get("/e/a"), NOT_FOUND),
    entry(14, 15, { kind: "restore", path: "/e" }, DONE),
    entry(16, 17, { kind: "list", path: "/e" }, sees("[a=17]")),
  ];
  expect(kindOf(...history)).toBe("linearizable");
  const nothing: Outcome = { status: "refused", reason: "trashNotFound" };
  const again = entry(18, 19, { kind: "restore", path: "/e" }, nothing);
  expect(kindOf(...history, again)).toBe("linearizable");
  expect(kindOf(...history, { ...again, outcome: DONE })).toBe("impossible");
});
