import { CairnError } from "@cairnfs/base/errors";
import { SimClock } from "@cairnfs/base/testing/sim-clock";
import { expect, test } from "vitest";
import { createLogger, type LoggerOptions } from "./json-logger.ts";

function capture(options: Partial<LoggerOptions> = {}) {
  const lines: string[] = [];
  const clock = new SimClock(Date.parse("2026-03-01T12:00:00.250Z"));
  const logger = createLogger({
    clock,
    sink: { write: (line) => void lines.push(line) },
    ...options,
  });
  return { logger, clock, lines, rows: () => lines.map((line) => JSON.parse(line)) };
}

test("a line is one JSON object with time, level, message and fields", () => {
  const { logger, rows } = capture({ fields: { role: "datanode" } });
  logger.with({ requestId: "00ff" }).info("chunk stored", { sizeBytes: 5, chunkId: "ab" });
  expect(rows()).toEqual([
    {
      level: "info",
      time: "2026-03-01T12:00:00.250Z",
      role: "datanode",
      requestId: "00ff",
      sizeBytes: 5,
      chunkId: "ab",
      message: "chunk stored",
    },
  ]);
});

test("lines below the level are not written", () => {
  const { logger, rows } = capture({ level: "warn" });
  logger.debug("one");
  logger.info("two");
  logger.warn("three");
  logger.error("four");
  expect(rows().map((row) => row.message)).toEqual(["three", "four"]);
});

test("a secret is covered in fields, in bound fields and in an error's details", () => {
  const { logger, lines } = capture();
  const error = new CairnError("internal", "no", { details: { password: "hunter2" } });
  logger.with({ clusterSecret: "hunter2" }).warn("oops", { receiptKey: "hunter2" }, error);
  expect(lines.join("")).not.toContain("hunter2");
  expect(lines.join("").match(/\[redacted\]/gu)).toHaveLength(3);
});

test("an expected error is shown by reason with its causes and no stack, a bug with its stack", () => {
  const { logger, rows } = capture();
  const cause = Object.assign(new Error("refused"), { code: "ECONNREFUSED" });
  logger.warn("no answer", {}, new CairnError("unreachable", "node 3 is away", { cause }));
  logger.error("bug", {}, new TypeError("x is not a function"));
  expect(rows()[0].error).toMatchObject({
    type: "CairnError",
    reason: "unreachable",
    message: "node 3 is away",
    cause: { code: "ECONNREFUSED", message: "refused" },
  });
  expect(rows()[0].error.stack).toBeUndefined();
  expect(rows()[1].error.stack).toContain("TypeError");
});

test("a text that repeats passes up to the burst, then is counted and reported once the window ends", async () => {
  const { logger, clock, rows } = capture({
    repeatLimits: { burst: 2, windowMs: 1_000, textsMax: 10 },
  });
  for (let round = 0; round < 7; round++) logger.warn("disk is slow", { round });
  logger.info("something else");
  expect(rows().map((row) => row.message)).toEqual([
    "disk is slow",
    "disk is slow",
    "something else",
  ]);
  await clock.advance(1_000);
  expect(rows().at(-1)).toMatchObject({ message: "repeated: disk is slow", suppressed: 5 });
  expect(clock.pendingTimers).toBe(0);
  logger.warn("disk is slow");
  expect(rows()).toHaveLength(5);
});

test("texts beyond the limit of one window pass rather than grow the memory", () => {
  const { logger, rows } = capture({ repeatLimits: { burst: 1, windowMs: 1_000, textsMax: 2 } });
  for (const text of ["a", "b", "c", "c", "c", "a"]) logger.info(text);
  expect(rows().map((row) => row.message)).toEqual(["a", "b", "c", "c", "c"]);
});

test("debug lines are never held back", () => {
  const { logger, rows } = capture({
    level: "debug",
    repeatLimits: { burst: 1, windowMs: 1_000, textsMax: 10 },
  });
  for (let round = 0; round < 3; round++) logger.debug("call");
  expect(rows()).toHaveLength(3);
});

test("pretty lines are for people: no JSON, and nothing that steers the terminal", () => {
  const { logger, lines } = capture({ format: "pretty" });
  logger.warn(
    "node \u001b[2Jis away",
    { address: "h:1", why: "two words" },
    new CairnError("unreachable", "no\nroute"),
  );
  const text = lines.join("");
  expect(text).toContain("12:00:00.250");
  expect(text).toContain("h:1");
  expect(text).toContain('"two words"');
  expect(text).toContain("unreachable: no route");
  expect(text).not.toContain("\u001b[2J");
});
