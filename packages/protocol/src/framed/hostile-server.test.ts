import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { SystemClock } from "@cairnfs/base/clock";
import { SystemRandom } from "@cairnfs/base/random";
import { eventually } from "@cairnfs/base/testing/eventually";
import { SimClock } from "@cairnfs/base/testing/sim-clock";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { EchoService } from "../gen/cairn/test/v1/echo_pb.ts";
import type { ServiceClient } from "../rpc/client.ts";
import { createClient } from "../rpc/create-client.ts";
import { RETRY_NEVER } from "../rpc/retry.ts";
import { failureOf } from "../rpc/testing/traffic.ts";
import type { ClientTransport } from "../rpc/transport.ts";
import { FRAME_BODY_BYTES_MAX, FrameFlag, FrameType } from "./frame.ts";
import { FramedNetwork } from "./framed-network.ts";
import { PROTOCOL_VERSION } from "./hello.ts";
import { frame, hello, Stranger, sizeOnly } from "./testing/stranger.ts";

describe("a client", () => {
  let clock: SimClock;
  let server: Server;
  let strangers: Stranger[];
  let transport: ClientTransport;
  let client: ServiceClient<typeof EchoService>;

  beforeEach(async () => {
    clock = new SimClock();
    strangers = [];
    server = createServer((socket) => strangers.push(new Stranger(socket)));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const bound = server.address();
    const port = typeof bound === "object" ? bound?.port : undefined;
    transport = new FramedNetwork({ clock }).connect(`127.0.0.1:${port}`);
    client = clientOf(transport, clock);
  });

  afterEach(async () => {
    await transport.close();
    for (const { socket } of strangers) socket.destroy();
    server.close();
    expect(clock.pendingTimers).toBe(0);
  });

  /** The connection, as soon as as many frames have come on it. */
  async function stranger(frames: number, index = 0): Promise<Stranger> {
    return eventually(() => {
      const found = strangers[index];
      expect(found?.frames().length).toBe(frames);
      if (found === undefined) throw new Error("no connection");
      return found;
    });
  }

  test.each([
    [
      "something that is no frame",
      [Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n")],
      "protocolViolation",
    ],
    ["an answer before the hello", [frame(FrameType.response, 1)], "protocolViolation"],
    ["an answer nobody asked for", [hello(), frame(FrameType.response, 3)], "protocolViolation"],
    ["an answer to an even stream", [hello(), frame(FrameType.response, 2)], "protocolViolation"],
    ["a request", [hello(), frame(FrameType.request, 1)], "protocolViolation"],
    ["a stream in answer to a call", [hello(), frame(FrameType.data, 1)], "protocolViolation"],
    ["a failure that is cut off", [hello(), frame(2, 1, FrameFlag.failed)], "protocolViolation"],
    [
      "a frame that is too long",
      [hello(), sizeOnly(FRAME_BODY_BYTES_MAX + 1, 2, 1)],
      "protocolViolation",
    ],
    [
      "an answer that makes no sense",
      [hello(), frame(2, 1, 0, Buffer.from("zzz"))],
      "protocolViolation",
    ],
  ])("fails its calls when the server says %s", async (_what, said, reason) => {
    const call = failureOf(client.echo({}));
    (await stranger(2)).say(...said);
    expect((await call).reason).toBe(reason);
  });

  test("names both versions when the server has another", async () => {
    const call = failureOf(client.echo({}));
    (await stranger(2)).say(hello(7));
    const error = await call;
    expect(error.reason).toBe("versionMismatch");
    expect(error.message).toContain("version 7");
    expect(error.details).toEqual({ version: PROTOCOL_VERSION, peerVersion: 7 });
  });

  test("gives up on a server that says no hello", async () => {
    const call = failureOf(client.echo({}));
    await stranger(2);
    await clock.advance(5_000);
    expect((await call).reason).toBe("unreachable");
  });

  test("fails with peerGone when the server goes in the middle of an answer", async () => {
    const call = failureOf(client.echo({}));
    const peer = await stranger(2);
    peer.say(hello(), sizeOnly(100, FrameType.response, 1), Buffer.alloc(50));
    peer.socket.end();
    const error = await call;
    expect(error.reason).toBe("peerGone");
    expect(error.message).toContain("in the middle of a frame");
  });

  test("asks a server that has gone silent for a sign of life, and gives up", async () => {
    const call = failureOf(client.echo({}, { timeoutMs: Number.POSITIVE_INFINITY }));
    const peer = await stranger(2);
    peer.say(hello(), frame(FrameType.ping, 0));
    await eventually(() => expect(peer.frames().at(-1)?.type).toBe(FrameType.pong));
    await clock.advance(20_000);
    await eventually(() => expect(peer.frames().at(-1)?.type).toBe(FrameType.ping));
    peer.say(frame(FrameType.pong, 0));
    peer.say(frame(FrameType.ping, 0));
    await eventually(() => expect(peer.frames().at(-1)?.type).toBe(FrameType.pong));
    await clock.advance(30_000);
    expect(peer.isClosed).toBe(false);
    await clock.advance(10_000);
    expect((await call).reason).toBe("peerGone");
  });

  test("says that the server is stopping when it said goodbye, and connects anew", async () => {
    const call = failureOf(client.echo({}));
    const peer = await stranger(2);
    peer.say(hello(), frame(FrameType.goaway, 0));
    peer.socket.end();
    expect((await call).reason).toBe("shuttingDown");
    const again = client.echo({});
    const second = await stranger(2, 1);
    second.say(hello(), frame(FrameType.response, 1));
    await again;
  });

  test("cancels a call whose deadline has passed, and ignores the late answer", async () => {
    const call = failureOf(client.echo({}, { timeoutMs: 700 }));
    const peer = await stranger(2);
    peer.say(hello());
    await clock.advance(699);
    await clock.advance(1);
    expect((await call).reason).toBe("deadlineExceeded");
    await eventually(() => expect(peer.frames().at(-1)?.type).toBe(FrameType.cancel));
    peer.say(frame(FrameType.response, 1));
    const next = client.echo({});
    await eventually(() => expect(peer.frames().at(-1)?.streamId).toBe(3));
    peer.say(frame(FrameType.response, 3));
    await next;
  });

  test("closes connections that it does not need", async () => {
    const call = client.echo({});
    const peer = await stranger(2);
    peer.say(hello(), frame(FrameType.response, 1));
    await call;
    await clock.advance(80_000);
    await peer.closed();
  });
});

function clientOf(
  transport: ClientTransport,
  clock = new SystemClock() as SystemClock | SimClock,
): ServiceClient<typeof EchoService> {
  const random = new SystemRandom();
  return createClient(EchoService, transport, {
    clock,
    random,
    timeoutMs: 20_000,
    retry: RETRY_NEVER,
  });
}
