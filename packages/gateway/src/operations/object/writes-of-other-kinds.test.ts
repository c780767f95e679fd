import { createHash } from "node:crypto";
import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { hmacHex } from "../../auth/signature-v4.ts";
import { SigningKeys } from "../../auth/signing-keys.ts";
import { GatewayCluster, ROOT_KEY } from "../../testing/gateway-cluster.ts";
import { signRequest } from "../../testing/sign-request.ts";
import type { TestS3 } from "../../testing/test-s3.ts";
import { childText } from "../../xml/read.ts";

let cluster: GatewayCluster;
let s3: TestS3;
let nobody: TestS3;

beforeAll(async () => {
  cluster = await GatewayCluster.open();
  ({ s3 } = cluster);
  nobody = cluster.as(undefined);
  await s3.put("/bucket");
});

afterAll(() => cluster[Symbol.asyncDispose]());

const md5 = (text: string) => createHash("md5").update(text).digest("hex");

function form(fields: Readonly<Record<string, string>>, content: string) {
  const rows = Object.entries(fields).map(
    ([name, value]) =>
      `--edge\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  );
  const body = `${rows.join("")}--edge\r\nContent-Disposition: form-data; name="file"; filename="C:\\dir\\photo.jpg"\r\n\r\n${content}\r\n--edge--\r\n`;
  return nobody.post("/bucket", body, {
    headers: { "content-type": "multipart/form-data; boundary=edge" },
  });
}

function signed(conditions: readonly unknown[], fields: Readonly<Record<string, string>>) {
  const now = new Date();
  const day = now.toISOString().slice(0, 10).replaceAll("-", "");
  const all = {
    "x-amz-algorithm": "AWS4-HMAC-SHA256",
    "x-amz-credential": `${ROOT_KEY.accessKeyId}/${day}/us-east-1/s3/aws4_request`,
    "x-amz-date": `${day}T000000Z`,
    ...fields,
  };
  const document = {
    expiration: new Date(now.getTime() + 60_000).toISOString(),
    conditions: [
      { bucket: "bucket" },
      ...Object.entries(all).map(([name, value]) => ({ [name]: value })),
      ...conditions,
    ],
  };
  const policy = Buffer.from(JSON.stringify(document)).toString("base64");
  const credential = { accessKeyId: ROOT_KEY.accessKeyId, day, region: "us-east-1" };
  const key = new SigningKeys().keyOf(credential, ROOT_KEY.secretKey);
  return { ...all, policy, "x-amz-signature": hmacHex(key, policy) };
}

test("a signed form makes its file an object with what its fields say", async () => {
  const fields = {
    key: ["up/$", "{filename}"].join(""),
    "Content-Type": "image/jpeg",
    "x-amz-meta-a": "ü",
    tagging: "<Tagging><TagSet><Tag><Key>t</Key><Value>1 2</Value></Tag></TagSet></Tagging>",
    success_action_status: "201",
  };
  const reply = await form(signed([], fields), "pixels");
  expect(reply.status).toBe(201);
  expect(childText(reply.xml, "Key")).toBe("up/photo.jpg");
  expect(childText(reply.xml, "ETag")).toBe(`"${md5("pixels")}"`);
  const got = await s3.get("/bucket/up/photo.jpg");
  expect(got.text).toBe("pixels");
  expect(got.headers).toMatchObject({
    "content-type": "image/jpeg",
    "x-amz-tagging-count": "1",
    "x-amz-meta-a": Buffer.from("ü").toString("latin1"),
  });
});

test("a form is answered as it wants to be", async () => {
  expect((await form(signed([], { key: "a" }), "x")).status).toBe(204);
  expect((await form(signed([], { key: "a", success_action_status: "200" }), "x")).status).toBe(
    200,
  );
  const moved = await form(
    signed([], { key: "a", success_action_redirect: "http://a.example/done?q=1" }),
    "x",
  );
  expect(moved.status).toBe(303);
  expect(moved.headers.location).toBe(
    `http://a.example/done?q=1&bucket=bucket&key=a&etag=%22${md5("x")}%22`,
  );
});

test("forms that nobody signed, or that their policy does not allow, make nothing", async () => {
  expect(await form({ key: "no" }, "x")).toMatchObject({ status: 403, code: "AccessDenied" });
  expect(await form({}, "x")).toMatchObject({ status: 400, code: "InvalidArgument" });
  const wrong = { ...signed([], { key: "no" }), "x-amz-signature": "0".repeat(64) };
  expect(await form(wrong, "x")).toMatchObject({ status: 403, code: "SignatureDoesNotMatch" });
  const range = [["content-length-range", 2, 3]];
  expect(await form(signed(range, { key: "no" }), "x")).toMatchObject({ code: "EntityTooSmall" });
  expect(await form(signed(range, { key: "no" }), "xxxx")).toMatchObject({
    code: "EntityTooLarge",
  });
  const extra = { ...signed([], { key: "no" }), "x-amz-meta-b": "1" };
  expect(await form(extra, "x")).toMatchObject({ status: 403 });
  expect((await s3.get("/bucket/no")).status).toBe(404);
  await s3.put("/bucket", "", {
    query: { acl: undefined },
    headers: { "x-amz-acl": "public-read-write" },
  });
  expect((await form({ key: "free" }, "x")).status).toBe(204);
  await s3.put("/bucket", "", { query: { acl: undefined }, headers: { "x-amz-acl": "private" } });
});

test("what is appended comes after what is there, at its end and nowhere else", async () => {
  const append = (offset: string, body: string) =>
    s3.put("/bucket/log", body, { headers: { "x-amz-write-offset-bytes": offset } });
  expect((await append("0", "one ")).status).toBe(200);
  const reply = await append("4", "two");
  expect(reply.status).toBe(200);
  expect(reply.headers["x-amz-object-size"]).toBe("7");
  expect((await s3.get("/bucket/log")).text).toBe("one two");
  expect(await append("4", "x")).toMatchObject({ status: 400, code: "InvalidWriteOffset" });
  expect(await append("0", "x")).toMatchObject({ code: "InvalidWriteOffset" });
  expect(await append("-1", "x")).toMatchObject({ code: "InvalidArgument" });
  expect((await s3.get("/bucket/log")).headers.etag).toBe(reply.headers.etag);
});

test("an append that takes its time undoes nothing that was said of the object meanwhile", async () => {
  await s3.put("/bucket/said", "one ");
  const path = "/bucket/said";
  const headers = signRequest(
    {
      method: "PUT",
      path,
      query: "",
      headers: {
        host: s3.address,
        expect: "100-continue",
        "content-length": "3",
        "x-amz-write-offset-bytes": "4",
      },
      payloadHash: "UNSIGNED-PAYLOAD",
      timeMs: Date.now(),
    },
    ROOT_KEY,
  );
  const append = request(`http://${s3.address}${path}`, { method: "PUT", headers });
  append.flushHeaders();
  await once(append, "continue");
  const tagging = "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>";
  const tagged = await s3.put(path, tagging, { query: { tagging: undefined } });
  expect(tagged.status).toBe(200);
  append.end("two");
  const [reply] = (await once(append, "response")) as [IncomingMessage];
  reply.resume();
  expect(reply.statusCode).toBe(409);
  const kept = await s3.get(path);
  expect(kept.text).toBe("one ");
  expect(kept.headers["x-amz-tagging-count"]).toBe("1");
});

test("objects and prefixes are renamed at once, under conditions", async () => {
  const rename = (source: string, target: string, headers: Record<string, string> = {}) =>
    s3.put(`/bucket/${target}`, "", {
      query: { renameObject: undefined },
      headers: { "x-amz-rename-source": encodeURI(source), ...headers },
    });
  await s3.put("/bucket/old name", "x", { headers: { "x-amz-meta-a": "1" } });
  await s3.put("/bucket/taken", "y");
  expect(await rename("old name", "taken", { "if-none-match": "*" })).toMatchObject({
    code: "PreconditionFailed",
  });
  expect((await rename("/bucket/old name", "new")).status).toBe(200);
  expect((await s3.get("/bucket/new")).headers["x-amz-meta-a"]).toBe("1");
  expect((await s3.get("/bucket/old name")).status).toBe(404);
  expect(await rename("none", "new")).toMatchObject({ status: 404, code: "NoSuchKey" });
  await s3.put("/bucket/dir/a", "a");
  await s3.put("/bucket/dir/b/c", "c");
  expect((await rename("dir/", "moved/")).status).toBe(200);
  expect((await s3.get("/bucket/moved/b/c")).text).toBe("c");
  expect((await s3.get("/bucket", { query: { prefix: "dir/" } })).text).not.toContain("<Key>");
});
