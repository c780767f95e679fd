import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { eventually } from "@cairnfs/base/testing/eventually";
import { SimClock } from "@cairnfs/base/testing/sim-clock";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { receiveBuffers } from "../rpc/receive-buffers.ts";
import type { ClientTransport } from "../rpc/transport.ts";
import { ClientConnection } from "./client-connection.ts";
import { CALLS_MAX, CONNECTION_LIMITS, Connection } from "./connection.ts";
import { FrameType, STREAM_ID_MAX } from "./frame.ts";
import { FramedNetwork } from "./framed-network.ts";
import { dial } from "./socket.ts";
import { frame, hello, Stranger } from "./testing/stranger.ts";

const PATH = "/cairn.test.v1.EchoService/Echo";
const MIB = 1024 * 1024;

describe("a client with more calls than there is room for", () => {
  let clock: SimClock;
  let server: Server;
  let strangers: Stranger[];
  let port: number;
  let transport: ClientTransport;
  let outcomes: string[];

  beforeEach(async () => {
    clock = new SimClock();
    strangers = [];
    outcomes = [];
    server = createServer((socket) => {
      const stranger = new Stranger(socket);
      strangers.push(stranger);
      stranger.say(hello());
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const bound = server.address();
    port = typeof bound === "object" && bound !== null ? bound.port : 0;
    transport = new FramedNetwork({ clock }).connect(`127.0.0.1:${port}`);
  });

  afterEach(async () => {
    await transport.close();
    for (const { socket } of strangers) socket.destroy();
    server.close();
    expect(clock.pendingTimers).toBe(0);
  });

  /** Makes a call and notes how it ends. */
  function call(
    options: { timeoutMs?: number; signal?: AbortSignal; sizeBytes?: number } = {},
  ): void {
    const { timeoutMs = 600_000, signal, sizeBytes = 1 } = options;
    const wire = { metadata: new Map(), timeoutMs, signal };
    transport.unary(PATH, [Buffer.alloc(sizeBytes)], wire).then(
      () => outcomes.push("ok"),
      (error) => outcomes.push(error.reason),
    );
  }

  const calls = (count: number) => {
    for (let made = 0; made < count; made++) call();
  };

  function requestsAt(index: number): number {
    const frames = strangers[index]?.frames() ?? [];
    return frames.filter(({ type }) => type === FrameType.request).length;
  }

  async function expectRequests(index: number, count: number): Promise<void> {
    await eventually(() => expect(requestsAt(index)).toBe(count));
  }

  test("fails a call that waits when its time is over, not when its turn comes", async () => {
    calls(CALLS_MAX);
    call({ timeoutMs: 100 });
    await expectRequests(0, CALLS_MAX);
    await clock.advance(99);
    expect(outcomes).toEqual([]);
    await clock.advance(1);
    await eventually(() => expect(outcomes).toEqual(["deadlineExceeded"]));
  });

  test("gives a call what its waiting has left of its time", async () => {
    calls(CALLS_MAX);
    call({ timeoutMs: 100 });
    await expectRequests(0, CALLS_MAX);
    await clock.advance(60);
    strangers[0]?.say(frame(FrameType.response, 1));
    await expectRequests(0, CALLS_MAX + 1);
    await clock.advance(39);
    expect(outcomes).toEqual(["ok"]);
    await clock.advance(1);
    await eventually(() => expect(outcomes).toEqual(["ok", "deadlineExceeded"]));
  });

  test("lets all in that there is room for when the connection was lost", async () => {
    calls(CALLS_MAX + 50);
    await expectRequests(0, CALLS_MAX);
    strangers[0]?.socket.resetAndDestroy();
    await expectRequests(1, 50);
    expect(outcomes).toEqual(Array.from({ length: CALLS_MAX }, () => "peerGone"));
  });

  test("does not lose the turn of one that left", async () => {
    calls(CALLS_MAX);
    const leaving = new AbortController();
    call({ signal: leaving.signal });
    call();
    await expectRequests(0, CALLS_MAX);
    strangers[0]?.say(frame(FrameType.response, 1));
    leaving.abort();
    await expectRequests(0, CALLS_MAX + 1);
    strangers[0]?.say(frame(FrameType.response, 3));
    await eventually(() => expect(outcomes).toEqual(["cancelled", "ok", "ok"]));
  });

  test("sends what waits for bytes to go out when they have, though no call ends then", async () => {
    call();
    await expectRequests(0, 1);
    strangers[0]?.socket.pause();
    for (let made = 0; made < 8; made++) call({ sizeBytes: 3 * MIB, timeoutMs: 1000 });
    call();
    await clock.advance(1000);
    await eventually(() => expect(outcomes.length).toBeGreaterThanOrEqual(6));
    strangers[0]?.socket.resume();
    await eventually(() =>
      expect(strangers[0]?.frames().at(-1)?.body.byteLength).toBeLessThan(100),
    );
    await eventually(() => {
      const last = strangers[0]
        ?.frames()
        .filter(({ type }) => type === FrameType.request)
        .at(-1);
      expect(last?.body.byteLength).toBeLessThan(100);
    });
  });

  test("leaves a peer that takes nothing while calls wait, and sends them to the next", async () => {
    call({ timeoutMs: 500 });
    await expectRequests(0, 1);
    strangers[0]?.socket.pause();
    for (let made = 0; made < 8; made++) call({ sizeBytes: 3 * MIB, timeoutMs: 1000 });
    call();
    await clock.advance(1000);
    await clock.advance(50_000);
    await expectRequests(1, 1);
  });

  test("makes the call that takes the last id of its connection, and no more on it", async () => {
    let isRetired = false;
    const connection = new ClientConnection(
      clock,
      (owner) =>
        new Connection(owner, {
          clock,
          limits: CONNECTION_LIMITS,
          peer: "the stranger",
          buffers: receiveBuffers,
          openSocket: (sink) => dial({ host: "127.0.0.1", port }, sink),
        }),
      {
        onRetired: () => {
          isRetired = true;
        },
        onRoom: () => undefined,
        hasWaiting: () => false,
      },
      STREAM_ID_MAX - 2,
    );
    const answer = connection.unary(PATH, [Buffer.alloc(1)], { metadata: new Map() });
    expect(isRetired).toBe(true);
    await expectRequests(0, 1);
    strangers[0]?.say(frame(FrameType.response, STREAM_ID_MAX - 2, 0, Buffer.from("ok")));
    expect(Buffer.from(await answer).toString()).toBe("ok");
  });
});
