import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { eventually } from "@cairnfs/base/testing/eventually";
import { afterAll, beforeAll, expect, test } from "vitest";
import { GatewayCluster, ROOT_KEY } from "../testing/gateway-cluster.ts";
import { signRequest } from "../testing/sign-request.ts";

let cluster: GatewayCluster;

beforeAll(async () => {
  cluster = await GatewayCluster.open({
    gateway: { stallMs: 200, headerBytesMax: 8192, domains: ["s3.test"], keepAliveMs: 2000 },
  });
  await cluster.s3.put("/box");
});
afterAll(() => cluster[Symbol.asyncDispose]());

/** A connection that keeps all that comes. */
class RawClient {
  readonly socket: Socket;
  text = "";

  constructor(address: string) {
    const [host = "", port] = address.split(":");
    this.socket = connect(Number(port), host);
    this.socket.on("data", (bytes: Buffer) => {
      this.text += bytes.toString("latin1");
    });
    this.socket.on("error", () => undefined);
  }

  async until(pattern: RegExp): Promise<string> {
    await eventually(() => expect(this.text).toMatch(pattern));
    return this.text;
  }
}

function head(
  method: string,
  path: string,
  headers: Record<string, string>,
  at: GatewayCluster = cluster,
): string {
  const signed = signRequest(
    {
      method,
      path,
      query: "",
      headers: { host: at.gateway.address, ...headers },
      payloadHash: "UNSIGNED-PAYLOAD",
      timeMs: Date.now(),
    },
    ROOT_KEY,
  );
  const lines = Object.entries(signed).map(([name, value]) => `${name}: ${value}`);
  return [`${method} ${path} HTTP/1.1`, ...lines, "", ""].join("\r\n");
}

function open(): RawClient {
  return new RawClient(cluster.gateway.address);
}

test("a client that waits for it is told to go on, but not when the request is refused anyhow", async () => {
  const expecting = { expect: "100-continue", "content-length": "5" };
  const fine = open();
  fine.socket.write(head("PUT", "/box/continued", expecting));
  await fine.until(/^HTTP\/1.1 100 Continue\r\n\r\n$/u);
  fine.socket.write("hello");
  await fine.until(/HTTP\/1.1 200 OK/u);
  fine.socket.destroy();
  expect((await cluster.s3.get("/box/continued")).text).toBe("hello");

  const refused = open();
  refused.socket.write(head("PUT", "/nobox/continued", expecting));
  const text = await refused.until(/NoSuchBucket.*<\/Error>/su);
  expect(text).toMatch(/^HTTP\/1.1 404/u);
  expect(text).toMatch(/\r\nconnection: close\r\n/iu);
  refused.socket.destroy();
});

test("a client that goes away in the middle of a body leaves nothing", async () => {
  const client = open();
  client.socket.write(head("PUT", "/box/aborted", { "content-length": "5000000" }));
  client.socket.write(Buffer.alloc(3_000_000));
  await new Promise((resolve) => client.socket.write(Buffer.alloc(1), resolve));
  client.socket.destroy();
  await once(client.socket, "close");
  expect(await cluster.s3.head("/box/aborted")).toMatchObject({ status: 404 });
  await eventually(async () => {
    expect(cluster.client.memory.uploads.usedBytes).toBe(0);
    expect(await cluster.s3.head("/box/aborted")).toMatchObject({ status: 404 });
  });
});

test("a client that stops sending its body is told so and let go", async () => {
  const client = open();
  client.socket.write(head("PUT", "/box/stalled", { "content-length": "100" }));
  client.socket.write("some");
  const text = await client.until(/<\/Error>/u);
  expect(text).toMatch(/^HTTP\/1.1 400/u);
  expect(text).toContain("<Code>RequestTimeout</Code>");
  client.socket.destroy();
});

test("what is no HTTP, and headers that are too long, are refused as S3 does", async () => {
  const garbage = open();
  garbage.socket.write("hello gateway\r\n\r\n");
  await garbage.until(/^HTTP\/1.1 400.*<Code>BadRequest<\/Code>/su);
  const long = open();
  long.socket.write(`GET / HTTP/1.1\r\nhost: x\r\nx-long: ${"x".repeat(9000)}\r\n\r\n`);
  await long.until(/^HTTP\/1.1 400.*<Code>RequestHeaderSectionTooLarge<\/Code>/su);
});

test("a connection is used again, after refused requests with a short body too", async () => {
  const client = open();
  client.socket.write(`${head("PUT", "/nobox/a", { "content-length": "4" })}body`);
  await client.until(/NoSuchBucket.*<\/Error>/su);
  client.socket.write(`${head("PUT", "/box/a", { "content-length": "4" })}body`);
  await client.until(/HTTP\/1.1 200 OK/u);
  expect(client.text).not.toMatch(/connection: close/iu);
  client.socket.destroy();
});

test("a client that sends a long body to no avail sees why", async () => {
  const client = open();
  client.socket.write(head("PUT", "/nobox/long", { "content-length": "20000000" }));
  for (let sent = 0; sent < 20; sent++) {
    if (!client.socket.write(Buffer.alloc(1_000_000))) await once(client.socket, "drain");
  }
  const text = await client.until(/<Code>NoSuchBucket<\/Code>/u);
  expect(text).toMatch(/connection: close/iu);
  await once(client.socket, "close");
});

test("a client may send all of a long body that was given up in its middle", async () => {
  const client = open();
  const type = "multipart/form-data; boundary=b";
  const lines = ["POST /box HTTP/1.1", "host: s3.test", `content-type: ${type}`];
  client.socket.write([...lines, "content-length: 20000000", "", ""].join("\r\n"));
  for (let sent = 0; sent < 20; sent++) {
    if (!client.socket.write(Buffer.alloc(1_000_000))) await once(client.socket, "drain");
  }
  await client.until(/<Code>MaxPostPreDataLengthExceededError<\/Code>/u);
  await once(client.socket, "close");
});

test("a bucket may be in the host name", async () => {
  const { s3 } = cluster;
  expect(await s3.put("/hosted/key", "x", { host: "box.s3.test:80" })).toMatchObject({
    status: 200,
  });
  expect((await s3.get("/box/hosted/key")).text).toBe("x");
  expect((await s3.get("/box/hosted/key", { host: "s3.test" })).text).toBe("x");
  expect(await s3.head("/", { host: "box.s3.test" })).toMatchObject({ status: 200 });
});

test("more requests than may be under way are asked to come later", async () => {
  await using narrow = await GatewayCluster.open({ gateway: { requestsMax: 1 } });
  const held = new RawClient(narrow.gateway.address);
  await narrow.s3.put("/box");
  const announced = { "content-length": "10" };
  held.socket.write(`${head("PUT", "/box/held", announced, narrow)}half`);
  await eventually(async () => {
    expect(await narrow.s3.get("/")).toMatchObject({ status: 503, code: "SlowDown" });
  });
  held.socket.destroy();
  await eventually(async () => expect((await narrow.s3.get("/")).status).toBe(200));
});

test("a gateway that closes ends the requests that are under way", async () => {
  const closing = await GatewayCluster.open();
  await closing.s3.put("/box");
  const put = closing.s3.put("/box/last", Buffer.alloc(2_000_000));
  await closing.gateway.close();
  const outcome = await put.then(
    ({ status }) => status,
    () => "refused",
  );
  expect([200, "refused"]).toContain(outcome);
  await closing[Symbol.asyncDispose]();
});
