import { sha256 } from "@cairnfs/base/checksum";
import { toHex } from "@cairnfs/base/hex";
import { expect, test } from "vitest";
import { RequestSigner, type S3Request } from "./sign-request.ts";

/** The examples of "Signature Calculations for the Authorization Header" in the reference of Amazon S3. */
const SIGNER = new RequestSigner({
  accessKey: "AKIAIOSFODNN7EXAMPLE",
  secretKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
  region: "us-east-1",
});
const NOW_MS = Date.UTC(2013, 4, 24);
const HOST = "examplebucket.s3.amazonaws.com";

function hashOf(text: string): string {
  return toHex(sha256(Buffer.from(text)));
}

const EXAMPLES: readonly (readonly [string, S3Request, string])[] = [
  [
    "a range of an object",
    {
      method: "GET",
      path: "/test.txt",
      query: {},
      headers: { host: HOST, range: "bytes=0-9" },
      payloadHash: hashOf(""),
    },
    "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
  ],
  [
    "an object put under a name that is encoded",
    {
      method: "PUT",
      path: "/test$file.text",
      query: {},
      headers: {
        host: HOST,
        date: "Fri, 24 May 2013 00:00:00 GMT",
        "x-amz-storage-class": "REDUCED_REDUNDANCY",
      },
      payloadHash: hashOf("Welcome to Amazon S3."),
    },
    "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
  ],
  [
    "a query without a value",
    {
      method: "GET",
      path: "/",
      query: { lifecycle: "" },
      headers: { host: HOST },
      payloadHash: hashOf(""),
    },
    "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
  ],
  [
    "a listing",
    {
      method: "GET",
      path: "/",
      query: { "max-keys": "2", prefix: "J" },
      headers: { host: HOST },
      payloadHash: hashOf(""),
    },
    "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
  ],
];

test.each(EXAMPLES)("%s is signed as the reference has it", (_, request, signature) => {
  const { headers } = SIGNER.sign(request, NOW_MS);
  expect(headers.authorization).toMatch(new RegExp(`Signature=${signature}$`, "u"));
  expect(headers.authorization).toContain(
    "Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request",
  );
});
