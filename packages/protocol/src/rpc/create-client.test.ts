import { CairnError, type Reason } from "@cairnfs/base/errors";
import { Prng } from "@cairnfs/base/random";
import { SimClock } from "@cairnfs/base/testing/sim-clock";
import { beforeEach, describe, expect, test } from "vitest";
import { CoordinatorService } from "../gen/cairn/v1/coordinator_pb.ts";
import { DataNodeService } from "../gen/cairn/v1/datanode_pb.ts";
import type { ServiceClient } from "./client.ts";
import { type ClientOptions, createClient } from "./create-client.ts";
import { type CallOutcome, type OutgoingCall, observeCalls, passedOn } from "./interceptor.ts";
import { once } from "./iterables.ts";
import { repeatable } from "./retry.ts";
import type { ClientTransport, WireCallOptions } from "./transport.ts";

/** A peer that fails as often as it is told, and notes what it was asked. */
class Flaky implements ClientTransport {
  readonly address = "peer:1";
  readonly asked: { readonly path: string; readonly options: WireCallOptions }[] = [];
  failures: Reason[] = [];

  async unary(path: string, _request: unknown, options: WireCallOptions): Promise<Uint8Array> {
    this.asked.push({ path, options });
    const reason = this.failures.shift();
    if (reason !== undefined) throw new CairnError(reason, "as told");
    return new Uint8Array(0);
  }

  stream(path: string, _requests: unknown, options: WireCallOptions): AsyncIterable<Uint8Array> {
    this.asked.push({ path, options });
    const reason = this.failures.shift();
    if (reason === undefined) return once(new Uint8Array(0));
    return {
      [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new CairnError(reason, "")) }),
    };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  keys(name: string): (string | undefined)[] {
    return this.asked.map(({ options }) => options.metadata.get(name));
  }
}

const IDEMPOTENCY_KEY = "cairn-idempotency-key";
const REQUEST_ID = "cairn-request-id";

describe("a client", () => {
  let clock: SimClock;
  let peer: Flaky;
  let coordinator: ServiceClient<typeof CoordinatorService>;
  let datanode: ServiceClient<typeof DataNodeService>;

  function connect(options: Partial<ClientOptions> = {}): void {
    const all = { clock, random: new Prng(1), timeoutMs: 10_000, ...options };
    coordinator = createClient(CoordinatorService, peer, all);
    datanode = createClient(DataNodeService, peer, all);
  }

  beforeEach(() => {
    clock = new SimClock();
    peer = new Flaky();
    connect();
  });

  test.each([
    "peerGone",
    "unreachable",
    "shuttingDown",
    "stalled",
    "overloaded",
    "transactionConflict",
  ] as const)("repeats a reading call that failed as %s, after a pause", async (reason) => {
    peer.failures = [reason, reason];
    const call = coordinator.stat({ path: "/" });
    await clock.advance(0);
    expect(peer.asked.length).toBe(1);
    await clock.advance(10_000);
    await call;
    expect(peer.asked.length).toBe(3);
  });

  test("repeats a changing call under one key, and gives the next call another", async () => {
    peer.failures = ["peerGone", "unreachable"];
    const call = coordinator.remove({ path: "/a" });
    await clock.advance(10_000);
    await call;
    const [first, second, third] = peer.keys(IDEMPOTENCY_KEY);
    expect(first).toMatch(/^[0-9a-f]{48}$/u);
    expect([second, third]).toEqual([first, first]);
    expect(new Set(peer.keys(REQUEST_ID)).size).toBe(1);
    await coordinator.remove({ path: "/b" });
    expect(peer.keys(IDEMPOTENCY_KEY).at(-1)).not.toBe(first);
    expect(peer.keys(REQUEST_ID).at(-1)).not.toBe(peer.keys(REQUEST_ID)[0]);
  });

  test("uses the key and the request id that the caller gives", async () => {
    const metadata = new Map([
      [IDEMPOTENCY_KEY, "aa"],
      [REQUEST_ID, "bb"],
    ]);
    await coordinator.remove({ path: "/a" }, { metadata });
    expect([peer.keys(IDEMPOTENCY_KEY), peer.keys(REQUEST_ID)]).toEqual([["aa"], ["bb"]]);
  });

  test("sends no key with a call that only reads", async () => {
    await coordinator.stat({ path: "/" });
    expect(peer.keys(IDEMPOTENCY_KEY)).toEqual([undefined]);
  });

  test.each([
    "pathNotFound",
    "internal",
    "deadlineExceeded",
    "cancelled",
    "chunkCorrupt",
    "messageTooLarge",
  ] as const)("does not repeat a call that failed as %s", async (reason) => {
    peer.failures = [reason];
    await expect(coordinator.stat({ path: "/" })).rejects.toMatchObject({ reason });
    expect(peer.asked.length).toBe(1);
  });

  test("does not repeat streams", async () => {
    peer.failures = ["unreachable"];
    const changes = coordinator.watchChanges({})[Symbol.asyncIterator]();
    await expect(changes.next()).rejects.toMatchObject({ reason: "unreachable" });
    expect(peer.asked.length).toBe(1);
  });

  test("gives up after as many attempts as its policy allows", async () => {
    connect({ retry: { attemptsMax: 3, pause: { baseMs: 10, capMs: 100 } } });
    peer.failures = Array.from({ length: 10 }, () => "unreachable" as const);
    const call = expect(datanode.healthCheck({})).rejects.toMatchObject({ reason: "unreachable" });
    await clock.advance(10_000);
    await call;
    expect(peer.asked.length).toBe(3);
  });

  test("tells each attempt what is left of the time, and does not pause beyond it", async () => {
    connect({ retry: { attemptsMax: 100, pause: { baseMs: 400, capMs: 400 } } });
    peer.failures = Array.from({ length: 100 }, () => "unreachable" as const);
    const call = expect(
      coordinator.stat({ path: "/" }, { timeoutMs: 1_000 }),
    ).rejects.toMatchObject({ reason: "unreachable" });
    await clock.advance(1_000);
    await call;
    const lefts = peer.asked.map(({ options }) => options.timeoutMs ?? 0);
    expect(lefts[0]).toBe(1_000);
    expect(lefts.length).toBeGreaterThanOrEqual(3);
    expect(lefts.toSorted((one, other) => other - one)).toEqual(lefts);
    expect(lefts.every((leftMs) => leftMs > 0)).toBe(true);
  });

  test("stops pausing when the caller gives up", async () => {
    peer.failures = ["unreachable"];
    const controller = new AbortController();
    const call = coordinator.stat({ path: "/" }, { signal: controller.signal });
    await clock.advance(1);
    controller.abort();
    await expect(call).rejects.toMatchObject({ reason: "cancelled" });
    expect(clock.pendingTimers).toBe(0);
  });

  test("lets interceptors refuse, change and hear each call once, the first outermost", async () => {
    const heard: string[] = [];
    const outcomes: CallOutcome[] = [];
    connect({
      interceptors: [
        observeCalls<OutgoingCall>(clock, (call, outcome) => {
          heard.push(call.path);
          outcomes.push(outcome);
        }),
        {
          unary: (call, next) => {
            if (call.path.endsWith("Remove")) throw new CairnError("permissionDenied", "not you");
            return next({ ...call, metadata: new Map([...call.metadata, ["token", "t"]]) });
          },
          stream: (call, next) =>
            next({ ...call, metadata: new Map([...call.metadata, ["token", "s"]]) }),
        },
      ],
    });
    peer.failures = ["unreachable"];
    const call = coordinator.stat({ path: "/" });
    await clock.advance(5_000);
    await call;
    expect(heard).toEqual(["/cairn.v1.CoordinatorService/Stat"]);
    expect(outcomes[0]?.error).toBe(undefined);
    expect(outcomes[0]?.durationMs).toBeGreaterThan(0);
    expect(peer.keys("token")).toEqual(["t", "t"]);
    await expect(coordinator.remove({ path: "/" })).rejects.toMatchObject({
      reason: "permissionDenied",
    });
    expect(outcomes[1]?.error).toMatchObject({ reason: "permissionDenied" });
    for await (const _ of coordinator.watchChanges({}));
    expect(peer.keys("token").at(-1)).toBe("s");
    expect(heard.at(-1)).toBe("/cairn.v1.CoordinatorService/WatchChanges");
  });

  test("fails with protocolViolation when the answer is no message", async () => {
    const broken = { ...peer, address: "x", unary: async () => new Uint8Array([0xff]) };
    const transport: ClientTransport = Object.assign(broken, {
      stream: peer.stream,
      close: () => Promise.resolve(),
    });
    const client = createClient(CoordinatorService, transport, {
      clock,
      random: new Prng(1),
      timeoutMs: 1000,
    });
    await expect(client.stat({ path: "/" })).rejects.toMatchObject({ reason: "protocolViolation" });
  });
});

test("every unary method may be repeated but those that callers take to another node, and no stream", () => {
  const elsewhere = new Set(["PutChunk", "GetChunk"]);
  for (const service of [CoordinatorService, DataNodeService]) {
    for (const method of service.methods) {
      const isRepeated = method.methodKind === "unary" && !elsewhere.has(method.name);
      expect([method.name, repeatable(method) !== undefined]).toEqual([method.name, isRepeated]);
    }
  }
});

test("calls on behalf of a call pass its request id on, and nothing else", () => {
  const { signal } = new AbortController();
  const metadata = new Map([
    [REQUEST_ID, "aa"],
    [IDEMPOTENCY_KEY, "bb"],
  ]);
  expect([...passedOn({ peer: "", signal, metadata })]).toEqual([[REQUEST_ID, "aa"]]);
  expect(passedOn({ peer: "", signal, metadata: new Map() }).size).toBe(0);
});
