import { once } from "node:events";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { SystemClock } from "@cairnfs/base/clock";
import { Client, credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  ChatRequestSchema,
  ChatResponseSchema,
  CountRequestSchema,
  CountResponseSchema,
  EchoRequestSchema,
  EchoResponseSchema,
  GatherRequestSchema,
  GatherResponseSchema,
} from "../gen/cairn/test/v1/echo_pb.ts";
import { ErrorDetailSchema } from "../gen/cairn/v1/common_pb.ts";
import { MESSAGE_BYTES_MAX } from "../rpc/limits.ts";
import { Echo } from "../rpc/testing/echo.ts";
import type { Listener } from "../rpc/transport.ts";
import { GrpcNetwork } from "./grpc-network.ts";

const asIs = (bytes: Buffer) => bytes;

/** What the generated stubs of any language do: each kind of call as it is declared, and nothing of ours. */
describe("a gRPC client that knows nothing of us", () => {
  let listener: Listener;
  let client: Client;

  beforeEach(async () => {
    const network = new GrpcNetwork({ clock: new SystemClock() });
    listener = await network.listen("127.0.0.1:0", new Echo().router());
    client = new Client(listener.address, credentials.createInsecure(), {
      "grpc.max_send_message_length": -1,
    });
  });

  afterEach(async () => {
    client.close();
    await listener.close();
  });

  function echo(request: Uint8Array, metadata = new Metadata()): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      client.makeUnaryRequest(
        "/cairn.test.v1.EchoService/Echo",
        asIs,
        asIs,
        Buffer.from(request),
        metadata,
        (error: ServiceError | null, answer?: Buffer) => {
          if (error === null && answer !== undefined) resolve(answer);
          else reject(error);
        },
      );
    });
  }

  function echoRequest(behaviour: string, payload = new Uint8Array(3)): Uint8Array {
    return toBinary(EchoRequestSchema, create(EchoRequestSchema, { behaviour, payload }));
  }

  test("can call a method that answers once, with metadata of text and bytes", async () => {
    const metadata = new Metadata();
    metadata.set("colour", "green");
    metadata.set("token-bin", Buffer.from([1, 2]));
    const answer = fromBinary(EchoResponseSchema, await echo(echoRequest(""), metadata));
    expect(answer.payload.byteLength).toBe(3);
    expect(answer.metadata.colour).toBe("green");
  });

  test("gets the code and the text of an error, and the reason in a trailer", async () => {
    const failure = await echo(echoRequest("fail")).catch((error: ServiceError) => error);
    if (Buffer.isBuffer(failure)) throw new Error("the call succeeded");
    expect(failure.code).toBe(status.DATA_LOSS);
    expect(failure.details).toBe("the chunk ü is not what was written");
    const [trailer] = failure.metadata.get("cairn-error-bin");
    expect(fromBinary(ErrorDetailSchema, Buffer.from(trailer ?? "")).reason).toBe("chunkCorrupt");
  });

  test("is refused a request above 4 MiB as resource exhausted", async () => {
    const failure = echo(echoRequest("", new Uint8Array(MESSAGE_BYTES_MAX)));
    await expect(failure).rejects.toMatchObject({ code: status.RESOURCE_EXHAUSTED });
    expect((await echo(echoRequest(""))).byteLength).toBeGreaterThan(0);
  });

  test("is refused a request that is no message as an invalid argument", async () => {
    const failure = echo(new Uint8Array([0xff]));
    await expect(failure).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
  });

  test("is told of a method that nobody serves", async () => {
    const failure = new Promise((_, reject) => {
      client.makeUnaryRequest(
        "/cairn.test.v1.EchoService/Nope",
        asIs,
        asIs,
        Buffer.alloc(0),
        reject,
      );
    });
    await expect(failure).rejects.toMatchObject({ code: status.UNIMPLEMENTED });
  });

  test("can read a stream of answers", async () => {
    const request = toBinary(CountRequestSchema, create(CountRequestSchema, { count: 5 }));
    const call = client.makeServerStreamRequest(
      "/cairn.test.v1.EchoService/Count",
      asIs,
      asIs,
      Buffer.from(request),
    );
    const indices: number[] = [];
    for await (const bytes of call) indices.push(fromBinary(CountResponseSchema, bytes).index);
    expect(indices).toEqual([0, 1, 2, 3, 4]);
  });

  test("can send a stream of requests", async () => {
    const answered = new Promise<Buffer>((resolve, reject) => {
      const call = client.makeClientStreamRequest(
        "/cairn.test.v1.EchoService/Gather",
        asIs,
        asIs,
        (error: ServiceError | null, answer?: Buffer) => {
          if (error === null && answer !== undefined) resolve(answer);
          else reject(error);
        },
      );
      const request = create(GatherRequestSchema, { payload: new Uint8Array(10) });
      for (let index = 0; index < 4; index++) {
        call.write(Buffer.from(toBinary(GatherRequestSchema, request)));
      }
      call.end();
    });
    const { count, payloadBytes } = fromBinary(GatherResponseSchema, await answered);
    expect([count, payloadBytes]).toEqual([4, 40n]);
  });

  test("can talk both ways", async () => {
    const call = client.makeBidiStreamRequest("/cairn.test.v1.EchoService/Chat", asIs, asIs);
    for (let index = 0; index < 3; index++) {
      call.write(Buffer.from(toBinary(ChatRequestSchema, create(ChatRequestSchema, { index }))));
      const [bytes] = await once(call, "data");
      expect(fromBinary(ChatResponseSchema, bytes).index).toBe(index);
    }
    call.end();
    await once(call, "end");
  });
});
