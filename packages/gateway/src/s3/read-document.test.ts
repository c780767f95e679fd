import { expect, test } from "vitest";
import { rawRequest } from "../auth/testing/raw-request.ts";
import type { RequestBody, S3Request } from "./operation.ts";
import { readWhole } from "./read-document.ts";

const MIB = 1024 * 1024;
const PIECE = Buffer.alloc(4 * MIB);

function documentOf(pieces: () => AsyncGenerator<Uint8Array>): S3Request {
  const body: RequestBody = {
    lengthBytes: undefined,
    trailers: new Map(),
    trailerNames: [],
    [Symbol.asyncIterator]: pieces,
  };
  return { ...rawRequest(), body, caller: { kind: "anonymous" } };
}

test("documents that do not end hold so much together and no more, and small ones come through", async () => {
  let end: (() => void) | undefined;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const slow = async function* () {
    yield PIECE;
    await ended;
  };
  const held = Array.from({ length: 16 }, () => readWhole(documentOf(slow)));
  const more = Array.from({ length: 2 }, () => readWhole(documentOf(slow)));
  await expect(Promise.any(more)).rejects.toMatchObject({
    errors: [{ code: "SlowDown" }, { code: "SlowDown" }],
  });
  const small = async function* () {
    yield PIECE.subarray(0, 1000);
  };
  expect((await readWhole(documentOf(small))).byteLength).toBe(1000);
  end?.();
  for (const bytes of await Promise.all(held)) expect(bytes.byteLength).toBe(PIECE.byteLength);
  expect((await readWhole(documentOf(slow))).byteLength).toBe(PIECE.byteLength);
});

test("a document that is longer than it may be is refused", async () => {
  const long = async function* () {
    yield PIECE;
    yield PIECE.subarray(0, 1);
  };
  await expect(readWhole(documentOf(long))).rejects.toMatchObject({
    code: "MaxMessageLengthExceeded",
  });
});
