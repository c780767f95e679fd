import { CairnError } from "@cairnfs/base/errors";
import { SimClock } from "@cairnfs/base/testing/sim-clock";
import { CoordinatorService } from "@cairnfs/protocol/gen/cairn/v1/coordinator_pb";
import { aroundStream, aroundUnary, type IncomingCall } from "@cairnfs/protocol/rpc/interceptor";
import { expect, test } from "vitest";
import { createLogger } from "./json-logger.ts";
import { PrometheusMetrics } from "./metrics.ts";
import { clientTelemetry, serverTelemetry } from "./rpc-telemetry.ts";

function observed(level: "debug" | "info" = "debug") {
  const clock = new SimClock();
  const lines: string[] = [];
  const metrics = new PrometheusMetrics();
  const logger = createLogger({
    clock,
    level,
    sink: { write: (line) => void lines.push(line) },
  });
  return { clock, metrics, logger, rows: () => lines.map((line) => JSON.parse(line)) };
}

const call: IncomingCall = {
  path: "/cairn.v1.CoordinatorService/Stat",
  method: CoordinatorService.method.stat,
  peer: "10.0.0.7:4000",
  metadata: new Map([["cairn-request-id", "00ab"]]),
  signal: new AbortController().signal,
};

test("a call that is answered is counted, timed and logged with its request id", async () => {
  const parts = observed();
  const interceptor = serverTelemetry(parts, parts.clock);
  await aroundUnary([interceptor], call, async () => {
    await parts.clock.advance(20);
  });
  const text = await parts.metrics.text();
  expect(text).toContain('cairn_rpc_server_calls_total{method="Stat",outcome="ok"} 1');
  expect(text).toContain('cairn_rpc_server_seconds_sum{method="Stat"} 0.02');
  expect(parts.rows()).toMatchObject([
    { level: "debug", method: "Stat", requestId: "00ab", peer: "10.0.0.7:4000", durationMs: 20 },
  ]);
});

test.each([
  [new CairnError("pathNotFound", "nothing there"), "pathNotFound", "debug"],
  [new CairnError("storeFailed", "EIO"), "storeFailed", "warn"],
  [new TypeError("x is undefined"), "internal", "error"],
])(
  "a call that fails with %s is counted as %s, logged at %s, and fails the same",
  async (error, outcome, level) => {
    const parts = observed();
    const interceptor = serverTelemetry(parts, parts.clock);
    await expect(aroundUnary([interceptor], call, () => Promise.reject(error))).rejects.toBe(error);
    expect(await parts.metrics.text()).toContain(`{method="Stat",outcome="${outcome}"} 1`);
    expect(parts.rows()).toMatchObject([{ level, outcome }]);
  },
);

test("above debug, calls that go well are counted and only the others are logged", async () => {
  const parts = observed("info");
  const interceptor = serverTelemetry(parts, parts.clock);
  await aroundUnary([interceptor], call, async () => undefined);
  const failed = Promise.reject(new CairnError("storeFailed", "EIO"));
  await expect(aroundUnary([interceptor], call, () => failed)).rejects.toThrow();
  expect(await parts.metrics.text()).toContain('calls_total{method="Stat",outcome="ok"} 1');
  expect(parts.rows()).toMatchObject([{ level: "warn", method: "Stat", requestId: "00ab" }]);
});

test("a stream is counted once, at its end", async () => {
  const parts = observed();
  const interceptor = clientTelemetry(parts, parts.clock);
  const outgoing = {
    ...call,
    method: CoordinatorService.method.stat,
    address: "h:1",
    timeoutMs: undefined,
  };
  const answers = aroundStream([interceptor], outgoing, async function* () {
    yield 1;
    yield 2;
  });
  const taken: number[] = [];
  for await (const answer of answers) taken.push(answer);
  expect(taken).toEqual([1, 2]);
  expect(await parts.metrics.text()).toContain('client_calls_total{method="Stat",outcome="ok"} 1');
  expect(parts.rows()).toMatchObject([{ address: "h:1", message: "call made" }]);
});
