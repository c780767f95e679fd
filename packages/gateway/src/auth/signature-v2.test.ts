import { expect, test } from "vitest";
import { S3Error } from "../s3/errors.ts";
import { authenticate } from "./authenticate.ts";
import { hmacSha1 } from "./signature-v2.ts";
import { authenticationParts, EXAMPLE_KEY } from "./testing/known-keys.ts";
import { type RawRequestShape, rawRequest } from "./testing/raw-request.ts";

const AUTH = (signature: string) =>
  ["Authorization", `AWS ${EXAMPLE_KEY.accessKeyId}:${signature}`] as const;
const VIRTUAL = {
  bucket: "awsexamplebucket1",
  isVirtualHosted: true,
} as const;
const HOST = ["Host", "awsexamplebucket1.us-west-1.s3.amazonaws.com"] as const;
const AT_MS = Date.UTC(2007, 2, 27, 19, 36, 42);

async function refusal(shape: RawRequestShape, nowMs = AT_MS) {
  const error: unknown = await authenticate(rawRequest(shape), authenticationParts(nowMs)).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof S3Error)) throw new Error(`expected a refusal, found ${String(error)}`);
  return { code: error.code, message: error.message };
}

test.each<readonly [name: string, shape: RawRequestShape, stringToSign: string]>([
  [
    "an object of a bucket in the host name",
    {
      ...VIRTUAL,
      target: "/photos/puppy.jpg",
      headers: [HOST, ["Date", "Tue, 27 Mar 2007 19:36:42 +0000"]],
    },
    "GET\n\n\nTue, 27 Mar 2007 19:36:42 +0000\n/awsexamplebucket1/photos/puppy.jpg",
  ],
  [
    "an upload",
    {
      ...VIRTUAL,
      method: "PUT",
      target: "/photos/puppy.jpg",
      headers: [HOST, ["Content-Type", "image/jpeg"], ["Date", "Tue, 27 Mar 2007 19:36:42 +0000"]],
    },
    "PUT\n\nimage/jpeg\nTue, 27 Mar 2007 19:36:42 +0000\n/awsexamplebucket1/photos/puppy.jpg",
  ],
  [
    "a listing, of whose parameters none is signed",
    {
      ...VIRTUAL,
      target: "/?prefix=photos&max-keys=50",
      headers: [HOST, ["Date", "Tue, 27 Mar 2007 19:36:42 +0000"]],
    },
    "GET\n\n\nTue, 27 Mar 2007 19:36:42 +0000\n/awsexamplebucket1/",
  ],
  [
    "what is asked of a bucket",
    {
      ...VIRTUAL,
      target: "/?prefix=a&acl",
      headers: [HOST, ["Date", "Tue, 27 Mar 2007 19:36:42 +0000"]],
    },
    "GET\n\n\nTue, 27 Mar 2007 19:36:42 +0000\n/awsexamplebucket1/?acl",
  ],
  [
    "a date of its own, and a bucket in the path",
    {
      method: "DELETE",
      target: "/awsexamplebucket1/photos/puppy.jpg?versionId=3&response-content-type=a%2Fb",
      headers: [
        ["Date", "Tue, 27 Mar 2007 21:20:27 +0000"],
        ["x-amz-date", "Tue, 27 Mar 2007 19:36:42 +0000"],
      ],
    },
    "DELETE\n\n\n\nx-amz-date:Tue, 27 Mar 2007 19:36:42 +0000\n/awsexamplebucket1/photos/puppy.jpg?response-content-type=a/b&versionId=3",
  ],
  [
    "headers of S3",
    {
      method: "PUT",
      target: "/static.example.com/db-backup.dat.gz",
      headers: [
        ["x-amz-acl", "public-read"],
        ["content-md5", "4gJE4saaMU4BqNR0kLY+lw=="],
        ["content-type", "application/x-download"],
        ["X-Amz-Meta-ReviewedBy", "joe@example.com"],
        ["X-Amz-Meta-ReviewedBy", "jane@example.com"],
        ["X-Amz-Meta-FileChecksum", "0x02661779"],
        ["Date", "Tue, 27 Mar 2007 19:36:42 +0000"],
      ],
    },
    "PUT\n4gJE4saaMU4BqNR0kLY+lw==\napplication/x-download\nTue, 27 Mar 2007 19:36:42 +0000\nx-amz-acl:public-read\nx-amz-meta-filechecksum:0x02661779\nx-amz-meta-reviewedby:joe@example.com,jane@example.com\n/static.example.com/db-backup.dat.gz",
  ],
])("%s is signed as AWS documents", async (_, shape, stringToSign) => {
  const signature = hmacSha1(EXAMPLE_KEY.secretKey, stringToSign);
  const signed = { ...shape, headers: [...(shape.headers ?? []), AUTH(signature)] };
  const { caller } = await authenticate(rawRequest(signed), authenticationParts(AT_MS));
  expect(caller).toMatchObject({ kind: "user", accessKeyId: EXAMPLE_KEY.accessKeyId });
  const other = { ...signed, method: "POST" };
  expect(await refusal(other)).toMatchObject({ code: "SignatureDoesNotMatch" });
});

test("the signatures that AWS's documentation gives are found", () => {
  const text = "GET\n\n\nTue, 27 Mar 2007 19:36:42 +0000\n/awsexamplebucket1/photos/puppy.jpg";
  expect(hmacSha1(EXAMPLE_KEY.secretKey, text)).toBe("qgk2+6Sv9/oM7G3qLEjTH1a1l1g=");
});

test("a presigned URL is good until it expires", async () => {
  const expires = String(AT_MS / 1000 + 60);
  const text = `GET\n\n\n${expires}\n/photos/a%20b.jpg`;
  const signature = encodeURIComponent(hmacSha1(EXAMPLE_KEY.secretKey, text));
  const target = `/photos/a%20b.jpg?AWSAccessKeyId=${EXAMPLE_KEY.accessKeyId}&Expires=${expires}&Signature=${signature}`;
  await authenticate(rawRequest({ target }), authenticationParts(AT_MS + 60_000));
  expect(await refusal({ target }, AT_MS + 60_001)).toEqual({
    code: "AccessDenied",
    message: "Request has expired",
  });
  expect(await refusal({ target: target.replace(expires, `${expires}0`) })).toMatchObject({
    code: "SignatureDoesNotMatch",
  });
  for (const [from, to, message] of [
    [/&Signature=.*/u, "", "requires the Signature, Expires and AWSAccessKeyId parameters"],
    [/&Expires=\d+/u, "", "requires the Signature, Expires and AWSAccessKeyId parameters"],
    [/$/u, "&retention", '"retention", which is not signed'],
    [expires, "soon", "Invalid date (should be seconds since epoch): soon"],
  ] as const) {
    const found = await refusal({ target: target.replace(from, to) });
    expect(found.code).toBe("AccessDenied");
    expect(found.message).toContain(message);
  }
});

test("what is no signature, and what is not of now, is refused", async () => {
  const date = ["Date", "Tue, 27 Mar 2007 19:36:42 +0000"] as const;
  const malformed = { headers: [date, ["Authorization", "AWS HAHAHA"] as const] };
  expect((await refusal(malformed)).code).toBe("InvalidArgument");
  expect((await refusal({ headers: [AUTH("a=")] })).code).toBe("AccessDenied");
  const hourLater = await refusal({ headers: [date, AUTH("a=")] }, AT_MS + 3_600_000);
  expect(hourLater.code).toBe("RequestTimeTooSkewed");
  const token = { headers: [date, ["x-amz-security-token", "t"] as const, AUTH("a=")] };
  expect((await refusal(token)).code).toBe("InvalidToken");
});
