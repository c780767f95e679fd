import { expect, test } from "vitest";
import { decodeFrameHeader, encodeFrameHeader, FrameFlag, FrameType } from "./frame.ts";
import { encodeHello } from "./hello.ts";

test("the header of a 5-byte data frame on stream 7 is these ten bytes", () => {
  const header = { bodyBytes: 5, streamId: 7, type: FrameType.data, flags: FrameFlag.closed };
  expect(encodeFrameHeader(header).toString("hex")).toBe(`0000000500000007${"03"}${"01"}`);
  expect(decodeFrameHeader(encodeFrameHeader(header))).toEqual(header);
});

test("types and flags have these numbers for ever", () => {
  expect(FrameType).toEqual({
    request: 1,
    response: 2,
    data: 3,
    hello: 4,
    cancel: 5,
    ping: 6,
    pong: 7,
    goaway: 8,
  });
  expect(FrameFlag).toEqual({ closed: 1, open: 2, noData: 4, failed: 8 });
});

test("a hello is these sixteen bytes", () => {
  const hello = { version: 1, messageBytesMax: 4_194_304, callsMax: 1024 };
  expect(encodeHello(hello).toString("hex")).toBe(
    `${"43524e46"}${"0001"}0000${"00400000"}00000400`,
  );
});
