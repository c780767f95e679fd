import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { SystemClock } from "@cairnfs/base/clock";
import { expect, test } from "vitest";
import { sendReply } from "./send-reply.ts";

/** More than sockets hold by themselves. */
const BODY = Buffer.alloc(64 * 1024 * 1024);

/** What becomes of a reply to a client that does with its connection what it likes. */
async function sent(
  body: Uint8Array | AsyncIterable<Uint8Array>,
  client: (socket: Socket) => void,
  stallMs = 60_000,
): Promise<unknown> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  socket.on("error", () => undefined);
  socket.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
  const [, response] = (await once(server, "request")) as [unknown, ServerResponse];
  client(socket);
  const options = { isHead: false, headers: {}, clock: new SystemClock(), stallMs };
  const { signal } = new AbortController();
  const giveBack = () => undefined;
  const outcome = await sendReply(
    response,
    { status: 200, body, giveBack },
    { ...options, signal },
  ).catch((error: unknown) => error);
  socket.destroy();
  response.destroy();
  server.close();
  return outcome;
}

const idle = () => undefined;
const reading = (socket: Socket) => socket.resume();
const leaving = (socket: Socket) => socket.destroy();

async function* pieces() {
  for (let count = 0; count < 256; count++) yield BODY.subarray(0, BODY.byteLength / 256);
}

test.each([
  ["whole", () => BODY],
  ["in pieces", pieces],
])("a reply %s to a client that takes nothing of it does not wait for ever", async (_, body) => {
  expect(await sent(body(), idle, 100)).toMatchObject({ reason: "stalled" });
  expect(await sent(body(), reading)).toBeUndefined();
  // It ends somehow.
  await sent(body(), leaving);
});
