import { once } from "node:events";
import { connect } from "node:net";
import { SystemClock } from "@cairnfs/base/clock";
import { SystemRandom } from "@cairnfs/base/random";
import { eventually } from "@cairnfs/base/testing/eventually";
import { SimClock } from "@cairnfs/base/testing/sim-clock";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { EchoService } from "../gen/cairn/test/v1/echo_pb.ts";
import { parseAddress } from "../rpc/address.ts";
import type { ServiceClient } from "../rpc/client.ts";
import { createClient } from "../rpc/create-client.ts";
import { MESSAGE_BYTES_MAX } from "../rpc/limits.ts";
import { RETRY_NEVER } from "../rpc/retry.ts";
import { Echo } from "../rpc/testing/echo.ts";
import type { ClientTransport, Listener } from "../rpc/transport.ts";
import { FIRST_BODY_BYTES_MAX, FRAME_BODY_BYTES_MAX, FrameFlag, FrameType } from "./frame.ts";
import { FramedNetwork } from "./framed-network.ts";
import { decodeHello, PROTOCOL_VERSION } from "./hello.ts";
import { frame, hello, requestBody, Stranger, sizeOnly } from "./testing/stranger.ts";

describe("a server", () => {
  let clock: SimClock;
  let echo: Echo;
  let listener: Listener;
  let stranger: Stranger;

  beforeEach(async () => {
    clock = new SimClock();
    echo = new Echo();
    listener = await new FramedNetwork({ clock }).listen("127.0.0.1:0", echo.router());
    stranger = new Stranger(connect(parseAddress(listener.address)));
    await once(stranger.socket, "connect");
  });

  afterEach(async () => {
    echo.release();
    stranger.socket.destroy();
    // Its grace periods pass by the same clock.
    const closed = listener.close();
    await clock.advance(10_000);
    await closed;
    // Whatever the stranger did, no call of it is left behind.
    expect(clock.pendingTimers).toBe(0);
  });

  async function expectAlive(): Promise<void> {
    const network = new FramedNetwork({ clock: new SystemClock() });
    const transport = network.connect(listener.address);
    await clientOf(transport).echo({});
    await transport.close();
  }

  test.each([
    ["something that is no frame", [Buffer.from("GET / HTTP/1.1\r\nHost: a\r\n\r\n")]],
    ["nothing but ones", [Buffer.alloc(1000, 0xff)]],
    ["nothing but zeros", [Buffer.alloc(1000)]],
    ["a request before the hello", [frame(FrameType.request, 1, 0, requestBody("Echo"))]],
    ["a hello on another stream", [frame(FrameType.hello, 1, 0, hello().subarray(10))]],
    ["a hello that is too short", [frame(FrameType.hello, 0, 0, hello().subarray(10, 25))]],
    ["a hello of another kind", [frame(FrameType.hello, 0, 0, Buffer.alloc(16, 1))]],
    ["a first frame one byte too long", [sizeOnly(FIRST_BODY_BYTES_MAX + 1, FrameType.hello, 0)]],
    ["two hellos", [hello(), hello()]],
    ["a frame one byte too long", [hello(), sizeOnly(FRAME_BODY_BYTES_MAX + 1, FrameType.data, 1)]],
    ["a frame of 4 GiB", [hello(), sizeOnly(0xffff_ffff, FrameType.request, 1)]],
    ["a type that nobody knows", [hello(), frame(99, 1)]],
    ["an answer", [hello(), frame(FrameType.response, 1)]],
    ["data of a stream never opened", [hello(), frame(FrameType.data, 1)]],
    ["a cancel of a call never made", [hello(), frame(FrameType.cancel, 3)]],
    ["stream 0", [hello(), frame(FrameType.request, 0, 0, requestBody("Echo"))]],
    ["an even stream", [hello(), frame(FrameType.request, 2, 0, requestBody("Echo"))]],
    ["a head that is cut off", [hello(), frame(FrameType.request, 1, 0, Buffer.alloc(7))]],
    [
      "a path that is longer than the frame",
      [hello(), frame(FrameType.request, 1, 0, requestBody("Echo").subarray(0, -1))],
    ],
    [
      "metadata that is longer than it says",
      [
        hello(),
        frame(FrameType.request, 1, 0, Buffer.from("0000000000000004" + "05616263", "hex")),
      ],
    ],
    [
      "the same stream twice",
      [
        hello(),
        frame(FrameType.request, 1, 0, requestBody("Echo")),
        frame(FrameType.request, 1, 0, requestBody("Echo")),
      ],
    ],
    [
      "a stream below the last",
      [
        hello(),
        frame(FrameType.request, 5, 0, requestBody("Echo")),
        frame(FrameType.request, 3, 0, requestBody("Echo")),
      ],
    ],
    [
      "data of a call that is answered once",
      [
        hello(),
        frame(FrameType.request, 1, 0, requestBody("Echo", Buffer.from("\x0a\x04hang"))),
        frame(FrameType.data, 1, 0, Buffer.alloc(3)),
      ],
    ],
    [
      "data after the last",
      [
        hello(),
        frame(FrameType.request, 1, FrameFlag.open | FrameFlag.noData, requestBody("Chat")),
        frame(FrameType.data, 1, 0, Buffer.from("\x0a\x04wait")),
        frame(FrameType.data, 1, FrameFlag.closed | FrameFlag.noData),
        frame(FrameType.data, 1, 0, Buffer.alloc(3)),
      ],
    ],
  ])("ends a connection that says %s, and serves the others", async (_what, said) => {
    stranger.say(...said);
    await stranger.closed();
    await expectAlive();
  });

  test("gives a stranger who says nothing, or half a header, a few seconds and no more", async () => {
    stranger.say(hello().subarray(0, 7));
    await eventually(() => expect(stranger.frames().length).toBe(1));
    await clock.advance(4_999);
    expect(stranger.isClosed).toBe(false);
    await clock.advance(1);
    await stranger.closed();
  });

  test("tells a client of another version its own, and ends", async () => {
    stranger.say(hello(PROTOCOL_VERSION + 1));
    await stranger.closed();
    const [first, ...rest] = stranger.frames();
    expect(rest).toEqual([]);
    expect(first?.type).toBe(FrameType.hello);
    const body = first?.body ?? Buffer.alloc(0);
    const view = { bytes: body, start: 0, end: body.byteLength, isOwned: true };
    expect(decodeHello({ ...view, type: 4, flags: 0, streamId: 0 }).version).toBe(PROTOCOL_VERSION);
  });

  test("answers pings", async () => {
    stranger.say(hello(), frame(FrameType.ping, 0));
    await eventually(() => {
      expect(stranger.frames().map(({ type }) => type)).toEqual([FrameType.hello, FrameType.pong]);
    });
  });

  test("refuses a request whose message is one byte too long, and goes on", async () => {
    const tooLong = requestBody("Echo", Buffer.alloc(MESSAGE_BYTES_MAX + 1));
    stranger.say(hello(), frame(FrameType.request, 1, 0, tooLong));
    stranger.say(frame(FrameType.request, 3, 0, requestBody("Echo")));
    await eventually(() => {
      const [, refused, answered] = stranger.frames();
      expect(refused).toMatchObject({ streamId: 1, flags: FrameFlag.failed });
      expect(refused?.body.toString("latin1")).toContain("messageTooLarge");
      expect(answered).toMatchObject({ streamId: 3, flags: 0 });
    });
  });

  test("ends a connection whose stream has a message one byte too long", async () => {
    stranger.say(hello());
    stranger.say(
      frame(FrameType.request, 1, FrameFlag.open | FrameFlag.noData, requestBody("Chat")),
    );
    stranger.say(frame(FrameType.data, 1, 0, Buffer.alloc(MESSAGE_BYTES_MAX + 1)));
    await stranger.closed();
    expect((await echo.aborted).reason).toBe("messageTooLarge");
  });

  test("does not mind data of a stream that it has ended", async () => {
    stranger.say(hello());
    stranger.say(
      frame(FrameType.request, 1, FrameFlag.open | FrameFlag.noData, requestBody("Count")),
    );
    stranger.say(frame(FrameType.data, 1, FrameFlag.closed));
    await eventually(() => expect(stranger.frames().at(-1)?.type).toBe(FrameType.response));
    stranger.say(frame(FrameType.data, 1, 0, Buffer.alloc(1000)), frame(FrameType.ping, 0));
    await eventually(() => expect(stranger.frames().at(-1)?.type).toBe(FrameType.pong));
  });

  test("refuses a stream that is called as if it answered once, and the other way round", async () => {
    stranger.say(hello(), frame(FrameType.request, 1, 0, requestBody("Chat")));
    stranger.say(
      frame(FrameType.request, 3, FrameFlag.open | FrameFlag.noData, requestBody("Echo")),
    );
    await eventually(() => {
      const [, ...refused] = stranger.frames();
      expect(refused.map(({ streamId, flags }) => [streamId, flags])).toEqual([
        [1, FrameFlag.failed],
        [3, FrameFlag.failed],
      ]);
    });
  });

  test("tells its handlers when a client goes in the middle of a frame", async () => {
    stranger.say(hello());
    stranger.say(
      frame(FrameType.request, 1, FrameFlag.open | FrameFlag.noData, requestBody("Chat")),
    );
    stranger.say(sizeOnly(100_000, FrameType.data, 1), Buffer.alloc(500));
    await eventually(() => expect(echo.calls).toBe(1));
    stranger.socket.end();
    const error = await echo.aborted;
    expect(error.reason).toBe("peerGone");
    expect(error.message).toContain("in the middle of a frame");
  });

  test("tells the handler of a call that is cancelled", async () => {
    const hang = requestBody("Echo", Buffer.from("\x0a\x04hang"));
    stranger.say(hello(), frame(FrameType.request, 1, 0, hang));
    await echo.started;
    stranger.say(frame(FrameType.cancel, 1));
    expect((await echo.aborted).reason).toBe("cancelled");
  });

  test("keeps nothing of a stream that is cancelled while its handler waits for requests", async () => {
    stranger.say(hello());
    stranger.say(
      frame(FrameType.request, 1, FrameFlag.open | FrameFlag.noData, requestBody("Gather")),
    );
    await eventually(() => expect(echo.calls).toBe(1));
    stranger.say(frame(FrameType.cancel, 1), frame(FrameType.ping, 0));
    await eventually(() => expect(stranger.frames().at(-1)?.type).toBe(FrameType.pong));
    // Of a silent client a sign of life is asked while a call is under way, and not without one.
    const before = stranger.frames().length;
    for (let tick = 0; tick < 6; tick++) await clock.advance(10_000);
    expect(await echo.aborted).toMatchObject({ reason: "cancelled" });
    expect(stranger.isClosed).toBe(false);
    expect(stranger.frames().length).toBe(before);
  });

  test("does not wait for ever for a client that takes no answers", async () => {
    stranger.say(hello());
    stranger.socket.pause();
    const sizeBytes = 3 * 1024 * 1024;
    const payload = Buffer.concat([
      Buffer.from([0x7a, 0x80, 0x80, 0xc0, 0x01]),
      Buffer.alloc(sizeBytes),
    ]);
    for (let id = 1; id < 20; id += 2) {
      stranger.say(frame(FrameType.request, id, 0, requestBody("Echo", payload)));
    }
    await eventually(() => expect(echo.calls).toBeGreaterThan(2));
    await eventually(async () => {
      await clock.advance(10_000);
      // A server that has left makes writing fail.
      stranger.say(frame(FrameType.ping, 0));
      expect(stranger.isClosed).toBe(true);
    });
  });

  test("finds out that a client has gone that it does not read from", async () => {
    stranger.say(hello());
    stranger.say(
      frame(FrameType.request, 1, FrameFlag.open | FrameFlag.noData, requestBody("Gather")),
      frame(FrameType.data, 1, 0, Buffer.from("\x0a\x04gate")),
    );
    await echo.waiting;
    // More than it holds unread, so that it stops reading.
    const data = frame(FrameType.data, 1, 0, Buffer.from("\x0a\x04gate"));
    stranger.say(...Array.from({ length: 1000 }, () => data));
    await eventually(() => expect(stranger.socket.writableLength).toBe(0));
    stranger.socket.resetAndDestroy();
    await eventually(async () => {
      await clock.advance(1_000);
      expect(await Promise.race([echo.aborted, Promise.resolve()])).toMatchObject({
        reason: "peerGone",
      });
    });
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
