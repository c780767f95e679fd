import { describe, expect, test } from "vitest";
import { S3Error } from "../s3/errors.ts";
import { ChunkSigner } from "./chunk-signer.ts";
import { ChunkedBody } from "./chunked-body.ts";
import { SigningKeys } from "./signing-keys.ts";
import { EXAMPLE_KEY } from "./testing/known-keys.ts";
import { bodyOf, textOf } from "./testing/raw-request.ts";

const CREDENTIAL = {
  accessKeyId: EXAMPLE_KEY.accessKeyId,
  day: "20130524",
  region: "us-east-1",
} as const;

function signer(signature: string): ChunkSigner {
  const signingKey = new SigningKeys().keyOf(CREDENTIAL, EXAMPLE_KEY.secretKey);
  return new ChunkSigner({
    credential: CREDENTIAL,
    signingKey,
    time: "20130524T000000Z",
    signature,
  });
}

interface Coded {
  readonly text: string;
  readonly lengthBytes: number;
  readonly trailerNames?: readonly string[];
  readonly seed?: string;
  /** The body comes in pieces of so many bytes. */
  readonly pieceBytes?: number;
}

function coded(shape: Coded): ChunkedBody {
  const { text, lengthBytes, trailerNames = [], seed, pieceBytes = text.length } = shape;
  const bytes = Buffer.from(text, "latin1");
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.byteLength; at += pieceBytes) {
    pieces.push(bytes.subarray(at, at + pieceBytes));
  }
  return new ChunkedBody(bodyOf(pieces), {
    lengthBytes,
    trailerNames,
    signer: seed === undefined ? undefined : signer(seed),
  });
}

async function refusal(shape: Coded): Promise<string> {
  const error: unknown = await textOf(coded(shape)).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof S3Error)) throw new Error(`expected a refusal, found ${String(error)}`);
  return error.code;
}

const LARGE = "a".repeat(65_536);
const SMALL = "a".repeat(1024);

/** The example of AWS's documentation: 65 KiB of "a" in chunks of 64 KiB. */
const SIGNED = {
  seed: "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
  lengthBytes: 66_560,
  text: [
    `10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n${LARGE}\r\n`,
    `400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n${SMALL}\r\n`,
    "0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n",
  ].join(""),
};

/** The same with a trailer, which is signed too. */
const SIGNED_TRAILER = {
  seed: "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
  lengthBytes: 66_560,
  trailerNames: ["x-amz-checksum-crc32c"],
  text: [
    `10000;chunk-signature=b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2\r\n${LARGE}\r\n`,
    `400;chunk-signature=1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7\r\n${SMALL}\r\n`,
    "0;chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n",
    "x-amz-checksum-crc32c:sOO8/Q==\r\n",
    "x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n",
  ].join(""),
};

const UNSIGNED_TRAILER = {
  lengthBytes: 9216,
  trailerNames: ["x-amz-checksum-crc32", "x-amz-checksum-sha1"],
  text: `2000\r\n${"b".repeat(8192)}\r\n400\r\n${SMALL}\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\nX-Amz-Checksum-SHA1: abc=\r\n\r\n`,
};

test("signed chunks are what AWS documents, however they are cut", async () => {
  for (const pieceBytes of [SIGNED.text.length, 65_536, 1000, 7]) {
    expect(await textOf(coded({ ...SIGNED, pieceBytes }))).toBe(LARGE + SMALL);
  }
});

test("signed trailers are what AWS documents", async () => {
  for (const pieceBytes of [SIGNED_TRAILER.text.length, 333, 1]) {
    const body = coded({ ...SIGNED_TRAILER, pieceBytes });
    expect(body.lengthBytes).toBe(66_560);
    expect(await textOf(body)).toBe(LARGE + SMALL);
    expect([...body.trailers]).toEqual([["x-amz-checksum-crc32c", "sOO8/Q=="]]);
  }
});

test("trailers may end as MinIO's clients end them, signed or not", async () => {
  const unsigned = coded({
    text: "5\r\nhello\r\n0\r\nx-amz-checksum-crc32c:mnG7TA==\n\r\n\r\n",
    lengthBytes: 5,
    trailerNames: ["x-amz-checksum-crc32c"],
  });
  expect(await textOf(unsigned)).toBe("hello");
  expect([...unsigned.trailers]).toEqual([["x-amz-checksum-crc32c", "mnG7TA=="]]);
  const loose = SIGNED_TRAILER.text.replace(
    /(x-amz-checksum-crc32c:[^\r]*)\r\n/u,
    (_, line: string) => `${line}\n\r\n`,
  );
  expect(loose).not.toBe(SIGNED_TRAILER.text);
  const signed = coded({ ...SIGNED_TRAILER, text: loose });
  expect((await textOf(signed)).length).toBe(66_560);
});

test("unsigned chunks give their trailers when they are read", async () => {
  const body = coded({ ...UNSIGNED_TRAILER, pieceBytes: 100 });
  expect(await textOf(body)).toBe("b".repeat(8192) + SMALL);
  expect(Object.fromEntries(body.trailers)).toEqual({
    "x-amz-checksum-crc32": "AAAAAA==",
    "x-amz-checksum-sha1": "abc=",
  });
  const empty = coded({ lengthBytes: 0, text: "0\r\n\r\n" });
  expect(await textOf(empty)).toBe("");
});

test("what is handed on are slices of what came, not copies", async () => {
  const bytes = Buffer.from(UNSIGNED_TRAILER.text);
  const body = new ChunkedBody(bodyOf([bytes]), { ...UNSIGNED_TRAILER, signer: undefined });
  for await (const slice of body) expect(slice.buffer).toBe(bytes.buffer);
});

describe("a signed body that was changed is refused", () => {
  test.each<readonly [what: string, from: string, to: string, code: string]>([
    ["a byte of the first chunk", "aaaa\r\n400", "aaab\r\n400", "SignatureDoesNotMatch"],
    ["a byte of the second chunk", "aaaa\r\n0;", "aaab\r\n0;", "SignatureDoesNotMatch"],
    ["the signature of a chunk", "=ad80", "=ad81", "SignatureDoesNotMatch"],
    ["the signature of the end", "=b6c6", "=b6c7", "SignatureDoesNotMatch"],
    ["a signature cut short", "9df9\r\n\r\n", "\r\n\r\n", "IncompleteBody"],
    ["no signature", "10000;chunk-signature=", "10000;", "IncompleteBody"],
    ["no end", "\r\n\r\n", "\r\n", "IncompleteBody"],
    ["more after the end", "\r\n\r\n", "\r\n\r\nx", "IncompleteBody"],
    [
      "a trailer that nobody announced",
      "\r\n\r\n",
      "\r\nx-amz-checksum-crc32:a\r\n\r\n",
      "MalformedTrailerError",
    ],
  ])("%s", async (_, from, to, code) => {
    expect(SIGNED.text).toContain(from);
    expect(await refusal({ ...SIGNED, text: SIGNED.text.replace(from, to) })).toBe(code);
  });

  test("chunks in another order, or one left out", async () => {
    const [large = "", small = "", end = ""] = [
      SIGNED.text.slice(0, SIGNED.text.indexOf("400;")),
      SIGNED.text.slice(SIGNED.text.indexOf("400;"), SIGNED.text.lastIndexOf("0;chunk")),
      SIGNED.text.slice(SIGNED.text.lastIndexOf("0;chunk")),
    ];
    expect(await refusal({ ...SIGNED, text: small + large + end })).toBe("SignatureDoesNotMatch");
    expect(await refusal({ ...SIGNED, text: large + end })).toBe("SignatureDoesNotMatch");
    expect(await refusal({ ...SIGNED, text: end })).toBe("SignatureDoesNotMatch");
  });

  test("the signature of the trailers, or a trailer", async () => {
    const { text } = SIGNED_TRAILER;
    for (const other of [text.replace("sOO8", "sOO9"), text.replace("d81f", "d81e")]) {
      expect(await refusal({ ...SIGNED_TRAILER, text: other })).toBe("SignatureDoesNotMatch");
    }
    const unsigned = text.replace(/x-amz-trailer-signature:\w+\r\n/u, "");
    expect(await refusal({ ...SIGNED_TRAILER, text: unsigned })).toBe("IncompleteBody");
    const without = text.replace("x-amz-checksum-crc32c:sOO8/Q==\r\n", "");
    expect(await refusal({ ...SIGNED_TRAILER, text: without })).toBe("MalformedTrailerError");
  });
});

test.each<readonly [what: string, from: string | RegExp, to: string, code: string]>([
  ["a size that is none", "2000\r\n", "two\r\n", "IncompleteBody"],
  ["a size below zero", "2000\r\n", "-2000\r\n", "IncompleteBody"],
  ["a size beyond all bounds", "2000\r\n", `${"f".repeat(14)}\r\n`, "IncompleteBody"],
  ["no size", "2000\r\n", "\r\n", "IncompleteBody"],
  ["a line without an end", "2000\r\n", "2".repeat(5000), "IncompleteBody"],
  ["a line that ends with LF", "2000\r\n", "2000\n", "IncompleteBody"],
  ["a chunk longer than it says", "2000\r\n", "1fff\r\n", "IncompleteBody"],
  ["a chunk shorter than it says", "2000\r\n", "2001\r\n", "IncompleteBody"],
  ["no last chunk", /0\r\nx-amz[\s\S]*/u, "", "IncompleteBody"],
  ["nothing at all", /^[\s\S]*$/u, "", "IncompleteBody"],
  ["a trailer without a colon", "crc32:", "crc32", "MalformedTrailerError"],
  ["a trailer twice", "SHA1:", "crc32:", "MalformedTrailerError"],
  ["a trailer that was not announced", "SHA1:", "sha256:", "MalformedTrailerError"],
  ["a missing trailer", /X-Amz-Checksum[^\r]*\r\n/u, "", "MalformedTrailerError"],
  ["trailers without an end", /\r\n\r\n$/u, "\r\n", "IncompleteBody"],
])("an unsigned body with %s is refused", async (_, from, to, code) => {
  const text = UNSIGNED_TRAILER.text.replace(from, to);
  expect(text).not.toBe(UNSIGNED_TRAILER.text);
  expect(await refusal({ ...UNSIGNED_TRAILER, text })).toBe(code);
});

test("a body is as long as it was said to be", async () => {
  for (const lengthBytes of [9215, 9217, 0]) {
    expect(await refusal({ ...UNSIGNED_TRAILER, lengthBytes })).toBe("IncompleteBody");
  }
});

test("only the last chunk may be smaller than 8 KiB", async () => {
  const small = "x".repeat(8191);
  const text = `1fff\r\n${small}\r\n1\r\nx\r\n0\r\n\r\n`;
  expect(await refusal({ text, lengthBytes: 8192 })).toBe("InvalidChunkSizeError");
});

test("who stops reading lets go of what comes", async () => {
  let isClosed = false;
  const source = {
    ...bodyOf([]),
    async *[Symbol.asyncIterator]() {
      try {
        yield Buffer.from(UNSIGNED_TRAILER.text);
      } finally {
        isClosed = true;
      }
    },
  };
  for await (const _ of new ChunkedBody(source, { ...UNSIGNED_TRAILER, signer: undefined })) break;
  expect(isClosed).toBe(true);
});
