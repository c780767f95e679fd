import { EventEmitter, once } from "node:events";
import { request } from "node:http";
import { connect } from "node:net";
import { type Clock, SystemClock } from "@cairnfs/base/clock";
import { silentLogger } from "@cairnfs/base/telemetry";
import { SimClock } from "@cairnfs/base/testing/sim-clock";
import { expect, test } from "vitest";
import { AdminHttp, type ReadinessCheck } from "./admin-http.ts";
import { PrometheusMetrics } from "./metrics.ts";

async function open(
  checks: readonly ReadinessCheck[] = [],
  address = "127.0.0.1:0",
  clock: Clock = new SystemClock(),
) {
  const metrics = new PrometheusMetrics();
  metrics.counter("cairn_things_total", "Things.").add(4);
  const admin = await AdminHttp.open({
    address,
    clock,
    logger: silentLogger,
    metrics,
    checks,
  });
  return {
    admin,
    get: async (path: string, method = "GET") => {
      const response = await fetch(`http://${admin.address}${path}`, { method });
      return { status: response.status, headers: response.headers, body: await response.text() };
    },
    [Symbol.asyncDispose]: () => admin.close(),
  };
}

test("metrics, health and readiness are served, anything else is not", async () => {
  await using server = await open();
  const metrics = await server.get("/metrics");
  expect(metrics.headers.get("content-type")).toContain("text/plain; version=0.0.4");
  expect(metrics.body).toContain("cairn_things_total 4");
  expect(await server.get("/healthz")).toMatchObject({ status: 200, body: "ok\n" });
  expect((await server.get("/readyz?verbose")).status).toBe(200);
  expect((await server.get("/")).status).toBe(404);
});

test("a process is not ready while one of its parts is not, and says which and why", async () => {
  let problem: string | undefined = "no coordinator";
  await using server = await open([
    { name: "store", check: () => undefined },
    { name: "cluster", check: () => problem },
    {
      name: "disk",
      check: () => Promise.reject(new Error("EIO")),
    },
  ]);
  const away = await server.get("/readyz");
  expect(away.status).toBe(503);
  expect(JSON.parse(away.body)).toEqual({
    status: "not ready",
    checks: { store: "ok", cluster: "no coordinator", disk: "EIO" },
  });
  problem = undefined;
  expect(JSON.parse((await server.get("/readyz")).body).checks.cluster).toBe("ok");
});

test("a check that hangs is told before who asks has given up", async () => {
  const clock = new SimClock();
  const hangs = new Promise<undefined>(() => undefined);
  const events = new EventEmitter();
  const asked = once(events, "asked");
  const check = () => {
    events.emit("asked");
    return hangs;
  };
  await using server = await open([{ name: "cluster", check }], undefined, clock);
  const answer = server.get("/readyz");
  await asked;
  // `cairn ready` waits for four seconds.
  await clock.advance(3_500);
  const { status, body } = await answer;
  expect(status).toBe(503);
  expect(JSON.parse(body).checks.cluster).toBe("no answer in time");
});

test("methods that could change something are refused and HEAD has no body", async () => {
  await using server = await open();
  const refused = await server.get("/metrics", "POST");
  expect(refused.status).toBe(405);
  expect(refused.headers.get("allow")).toBe("GET, HEAD");
  expect(await server.get("/healthz", "HEAD")).toMatchObject({ status: 200, body: "" });
});

test("headers over the limit are refused", async () => {
  await using server = await open();
  const [host, port] = server.admin.address.split(":");
  const status = await new Promise<number | undefined>((resolve, reject) => {
    const call = request({ host, port, path: "/healthz", headers: { big: "x".repeat(9_000) } });
    call.on("response", (response) => resolve(response.resume().statusCode)).on("error", reject);
    call.end();
  });
  expect(status).toBe(431);
});

test("an address that is taken is refused with the address in the message", async () => {
  await using server = await open();
  await expect(open([], server.admin.address)).rejects.toMatchObject({
    reason: "invalidConfig",
    message: expect.stringContaining(`cannot listen at ${server.admin.address}: another process`),
  });
  await expect(open([], "nonsense")).rejects.toMatchObject({ reason: "invalidConfig" });
});

test("closing ends open connections and frees the address", async () => {
  const server = await open();
  const [host, port] = server.admin.address.split(":");
  const socket = connect(Number(port), host);
  await new Promise((resolve) => socket.once("connect", resolve));
  const ended = new Promise((resolve) => socket.once("close", resolve));
  socket.resume();
  await server.admin.close();
  await ended;
  await using again = await open([], server.admin.address);
  expect((await again.get("/healthz")).status).toBe(200);
});
