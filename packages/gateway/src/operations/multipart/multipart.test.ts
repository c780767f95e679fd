import { createHash } from "node:crypto";
import { SystemClock } from "@cairnfs/base/clock";
import { Prng } from "@cairnfs/base/random";
import { silentTelemetry } from "@cairnfs/base/telemetry";
import type { CairnClient } from "@cairnfs/client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createDigest } from "../../checksums/digests.ts";
import { gatewaySettings } from "../../config.ts";
import { Gateway } from "../../gateway.ts";
import { GatewayCluster, ROOT_KEY } from "../../testing/gateway-cluster.ts";
import { type TestReply, TestS3 } from "../../testing/test-s3.ts";
import { childrenOf, childText } from "../../xml/read.ts";

const MIB = 1024 * 1024;
let cluster: GatewayCluster;

beforeAll(async () => {
  cluster = await GatewayCluster.open();
  await cluster.s3.put("/bbb");
});

afterAll(() => cluster[Symbol.asyncDispose]());

type Headers = Readonly<Record<string, string>>;

async function begin(key: string, headers: Headers = {}): Promise<string> {
  const reply = await cluster.s3.post(`/bbb/${key}`, "", {
    query: { uploads: undefined },
    headers,
  });
  expect(reply.status).toBe(200);
  return childText(reply.xml, "UploadId") ?? "";
}

function send(key: string, uploadId: string, number: number, body: Uint8Array, headers?: Headers) {
  return cluster.s3.put(`/bbb/${key}`, body, {
    query: { partNumber: String(number), uploadId },
    ...(headers !== undefined && { headers }),
  });
}

interface Named {
  readonly number: number;
  readonly etag: string;
  readonly extra?: string;
}

function complete(
  key: string,
  uploadId: string,
  parts: readonly Named[],
  headers: Headers = {},
  s3 = cluster.s3,
) {
  const rows = parts.map(
    ({ number, etag, extra = "" }) =>
      `<Part><PartNumber>${number}</PartNumber><ETag>${etag}</ETag>${extra}</Part>`,
  );
  return s3.post(
    `/bbb/${key}`,
    `<CompleteMultipartUpload>${rows.join("")}</CompleteMultipartUpload>`,
    { query: { uploadId }, headers },
  );
}

const md5 = (bytes: Uint8Array) => createHash("md5").update(bytes).digest();
const bytesOf = (sizeBytes: number, fill: number) => Buffer.alloc(sizeBytes, fill);

test("an object in parts is what the parts are, with AWS's ETag, and completing again answers the same", async () => {
  const uploadId = await begin("whole", { "content-type": "text/x", "x-amz-meta-a": "1" });
  const parts = [bytesOf(5 * MIB, 1), bytesOf(5 * MIB + 1, 2), bytesOf(7, 3)];
  const named: Named[] = [];
  for (const [index, part] of parts.entries()) {
    const reply = await send("whole", uploadId, index + 1, part);
    expect(reply.headers.etag).toBe(`"${md5(part).toString("hex")}"`);
    named.push({ number: index + 1, etag: String(reply.headers.etag) });
  }
  expect((await cluster.s3.get("/bbb/whole")).status).toBe(404);
  const etag = `"${md5(Buffer.concat(parts.map(md5))).toString("hex")}-3"`;
  const reply = await complete("whole", uploadId, named);
  expect(reply.status).toBe(200);
  expect(childText(reply.xml, "ETag")).toBe(etag);
  expect(childText(reply.xml, "Location")).toBe(`http://${cluster.gateway.address}/bbb/whole`);
  const got = await cluster.s3.get("/bbb/whole");
  expect(got.bytes.equals(Buffer.concat(parts))).toBe(true);
  expect(got.headers).toMatchObject({ etag, "content-type": "text/x", "x-amz-meta-a": "1" });
  const again = await complete("whole", uploadId, named);
  expect(childText(again.xml, "ETag")).toBe(etag);
  expect((await send("whole", uploadId, 4, bytesOf(1, 1))).code).toBe("NoSuchUpload");
});

test("a completion that another attempt comes before has the answer of that", async () => {
  const uploadId = await begin("raced");
  const { headers } = await send("raced", uploadId, 1, bytesOf(10, 1));
  const named = [{ number: 1, etag: String(headers.etag) }];
  let first: TestReply | undefined;
  const client = beforeParts(cluster.client, async () => {
    first ??= await complete("raced", uploadId, named);
  });
  const config = gatewaySettings.parse({ address: "127.0.0.1:0" });
  const parts = { clock: new SystemClock(), random: new Prng(3), telemetry: silentTelemetry };
  await using gateway = disposable(await Gateway.open(config, { client, ...parts }));
  const slower = new TestS3(gateway.value.address, ROOT_KEY);
  const second = await complete("raced", uploadId, named, {}, slower);
  expect(second.status).toBe(200);
  expect(childText(second.xml, "ETag")).toBe(first && childText(first.xml, "ETag"));
});

/** The same client, which does something before it lists parts. */
function beforeParts(client: CairnClient, act: () => Promise<void>): CairnClient {
  const { multiparts } = client;
  const listPartsPage: typeof multiparts.listPartsPage = async (...asked) => {
    await act();
    return multiparts.listPartsPage(...asked);
  };
  return instead(client, { multiparts: instead(multiparts, { listPartsPage }) });
}

/** The same object with some of its properties otherwise. */
function instead<T extends object>(target: T, others: Partial<T>): T {
  return new Proxy(target, {
    get: (_, name) => {
      const value: unknown = Reflect.get(name in others ? others : target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

function disposable<T extends { close(): Promise<void> }>(value: T) {
  return { value, [Symbol.asyncDispose]: () => value.close() };
}

test("what cannot be completed is refused with AWS's codes", async () => {
  const uploadId = await begin("bad");
  const small = await send("bad", uploadId, 1, bytesOf(10, 1));
  const last = await send("bad", uploadId, 3, bytesOf(10, 2));
  const one = { number: 1, etag: String(small.headers.etag) };
  const three = { number: 3, etag: String(last.headers.etag) };
  const code = async (parts: readonly Named[], headers?: Headers) =>
    (await complete("bad", uploadId, parts, headers)).code;
  expect(await code([one, three])).toBe("EntityTooSmall");
  expect(await code([three, one])).toBe("InvalidPartOrder");
  expect(await code([three, three])).toBe("InvalidPartOrder");
  expect(await code([{ number: 2, etag: one.etag }])).toBe("InvalidPart");
  expect(await code([{ number: 9, etag: one.etag }])).toBe("InvalidPart");
  expect(await code([{ number: 1, etag: three.etag }])).toBe("InvalidPart");
  expect(await code([])).toBe("MalformedXML");
  expect(await code([three], { "x-amz-mp-object-size": "11" })).toBe("InvalidRequest");
  expect((await complete("bad", "0".repeat(32), [one])).code).toBe("NoSuchUpload");
  expect((await complete("bad", "nonsense", [one])).code).toBe("NoSuchUpload");
  expect((await send("bad", uploadId, 0, bytesOf(1, 1))).code).toBe("InvalidArgument");
  expect((await send("bad", uploadId, 10_001, bytesOf(1, 1))).code).toBe("InvalidArgument");
  expect(await code([three], { "x-amz-mp-object-size": "10" })).toBeUndefined();
});

test("of conditions on completing, the one that does not hold refuses it and leaves the upload", async () => {
  await cluster.s3.put("/bbb/there", "old");
  const uploadId = await begin("there");
  const part = await send("there", uploadId, 1, bytesOf(3, 1));
  const named = [{ number: 1, etag: String(part.headers.etag) }];
  const refused = await complete("there", uploadId, named, { "if-none-match": "*" });
  expect(refused).toMatchObject({ status: 412, code: "PreconditionFailed" });
  expect((await cluster.s3.get("/bbb/there")).text).toBe("old");
  const { etag } = (await cluster.s3.head("/bbb/there")).headers;
  expect((await complete("there", uploadId, named, { "if-match": String(etag) })).status).toBe(200);
});

test("parts and uploads are listed in pages, and an upload that is let go is gone", async () => {
  const uploadId = await begin("listed/1");
  const other = await begin("listed/2");
  for (const number of [7, 2, 5]) await send("listed/1", uploadId, number, bytesOf(number, number));
  const page = (query: Record<string, string>) =>
    cluster.s3.get("/bbb/listed/1", { query: { uploadId, ...query } });
  const first = await page({ "max-parts": "2" });
  expect(first.xml.children.map(({ name }) => name)).toEqual([
    "Bucket",
    "Key",
    "UploadId",
    "Initiator",
    "Owner",
    "StorageClass",
    "PartNumberMarker",
    "NextPartNumberMarker",
    "MaxParts",
    "IsTruncated",
    "Part",
    "Part",
  ]);
  expect(childText(first.xml, "NextPartNumberMarker")).toBe("5");
  expect(childText(first.xml, "IsTruncated")).toBe("true");
  const rest = await page({ "part-number-marker": "5" });
  expect(childrenOf(rest.xml, "Part").map((part) => childText(part, "Size"))).toEqual(["7"]);
  const uploads = (query: Record<string, string>) =>
    cluster.s3.get("/bbb", { query: { ...query, uploads: "" } });
  const keys = async (query: Record<string, string>) =>
    childrenOf((await uploads(query)).xml, "Upload").map((row) => childText(row, "Key"));
  expect(await keys({ prefix: "listed/" })).toEqual(["listed/1", "listed/2"]);
  const cut = await uploads({ prefix: "listed/", "max-uploads": "1" });
  expect(childText(cut.xml, "NextKeyMarker")).toBe("listed/1");
  expect(childText(cut.xml, "NextUploadIdMarker")).toBe(uploadId);
  expect(
    await keys({ prefix: "listed/", "key-marker": "listed/1", "upload-id-marker": uploadId }),
  ).toEqual(["listed/2"]);
  const rolled = await uploads({ prefix: "listed", delimiter: "/" });
  expect(rolled.text).toContain("<CommonPrefixes><Prefix>listed/</Prefix></CommonPrefixes>");
  const abort = (key: string, id: string) =>
    cluster.s3.delete(`/bbb/${key}`, { query: { uploadId: id } });
  expect((await abort("listed/1", uploadId)).status).toBe(204);
  expect((await abort("listed/1", uploadId)).code).toBe("NoSuchUpload");
  expect((await abort("listed/1", other)).code).toBe("NoSuchUpload");
  expect(await keys({ prefix: "listed/" })).toEqual(["listed/2"]);
});

test("checksums of a whole are those of its parts' checksums, or of its content", async () => {
  const parts = [bytesOf(5 * MIB, 4), bytesOf(100, 5)];
  const sum = (algorithm: "crc32" | "sha256", bytes: Uint8Array) => {
    const digest = createDigest(algorithm);
    digest.update(bytes);
    return Buffer.from(digest.digest());
  };
  const run = async (key: string, algorithm: "crc32" | "sha256", type: string, element: string) => {
    const uploadId = await begin(key, {
      "x-amz-checksum-algorithm": algorithm.toUpperCase(),
      "x-amz-checksum-type": type,
    });
    const named: Named[] = [];
    for (const [index, part] of parts.entries()) {
      const base64 = sum(algorithm, part).toString("base64");
      // The second part brings none: it is computed.
      const headers = index === 0 ? { [`x-amz-checksum-${algorithm}`]: base64 } : {};
      const reply = await send(key, uploadId, index + 1, part, headers);
      expect(reply.headers[`x-amz-checksum-${algorithm}`]).toBe(base64);
      const extra = `<${element}>${base64}</${element}>`;
      named.push({ number: index + 1, etag: String(reply.headers.etag), extra });
    }
    return { uploadId, named };
  };
  const composite = await run("composite", "sha256", "COMPOSITE", "ChecksumSHA256");
  const bare = composite.named.map(({ number, etag }) => ({ number, etag }));
  expect((await complete("composite", composite.uploadId, bare)).code).toBe("InvalidRequest");
  const done = await complete("composite", composite.uploadId, composite.named);
  const ofSums = sum("sha256", Buffer.concat(parts.map((part) => sum("sha256", part))));
  expect(childText(done.xml, "ChecksumSHA256")).toBe(`${ofSums.toString("base64")}-2`);
  expect(childText(done.xml, "ChecksumType")).toBe("COMPOSITE");
  const full = await run("full", "crc32", "FULL_OBJECT", "ChecksumCRC32");
  const whole = sum("crc32", Buffer.concat(parts)).toString("base64");
  const wrong = { "x-amz-checksum-crc32": "AAAAAA==" };
  expect((await complete("full", full.uploadId, full.named, wrong)).code).toBe("BadDigest");
  const right = { "x-amz-checksum-crc32": whole, "x-amz-checksum-type": "FULL_OBJECT" };
  const reply = await complete("full", full.uploadId, full.named, right);
  expect(childText(reply.xml, "ChecksumCRC32")).toBe(whole);
  const head = await cluster.s3.head("/bbb/full", {
    headers: { "x-amz-checksum-mode": "ENABLED" },
  });
  expect(head.headers).toMatchObject({
    "x-amz-checksum-crc32": whole,
    "x-amz-checksum-type": "FULL_OBJECT",
  });
});

test("a part with another checksum than the upload's, or one that is wrong, is refused", async () => {
  const uploadId = await begin("sums", { "x-amz-checksum-algorithm": "SHA256" });
  const crc = { "x-amz-checksum-crc32": "AAAAAA==" };
  expect((await send("sums", uploadId, 1, bytesOf(4, 1), crc)).code).toBe("BadDigest");
  const wrong = { "x-amz-checksum-sha256": bytesOf(32, 0).toString("base64") };
  expect((await send("sums", uploadId, 1, bytesOf(4, 1), wrong)).code).toBe("BadDigest");
  const right = createDigest("crc32");
  right.update(bytesOf(4, 1));
  const mismatch = { "x-amz-checksum-crc32": Buffer.from(right.digest()).toString("base64") };
  expect((await send("sums", uploadId, 1, bytesOf(4, 1), mismatch)).code).toBe("InvalidRequest");
  const begun = await cluster.s3.post("/bbb/none", "", {
    query: { uploads: undefined },
    headers: { "x-amz-checksum-algorithm": "SHA1", "x-amz-checksum-type": "FULL_OBJECT" },
  });
  expect(begun.code).toBe("InvalidRequest");
});

test("parts are encrypted with the customer's key, which each of them has to bring", async () => {
  const key = bytesOf(32, 9);
  const sse = {
    "x-amz-server-side-encryption-customer-algorithm": "AES256",
    "x-amz-server-side-encryption-customer-key": key.toString("base64"),
    "x-amz-server-side-encryption-customer-key-md5": md5(key).toString("base64"),
  };
  const uploadId = await begin("secret", sse);
  expect((await send("secret", uploadId, 1, bytesOf(3, 1))).code).toBe("InvalidRequest");
  const parts = [bytesOf(5 * MIB, 6), bytesOf(5, 7)];
  const named: Named[] = [];
  for (const [index, part] of parts.entries()) {
    const reply = await send("secret", uploadId, index + 1, part, sse);
    named.push({ number: index + 1, etag: String(reply.headers.etag) });
  }
  expect((await complete("secret", uploadId, named)).status).toBe(200);
  expect((await cluster.s3.get("/bbb/secret")).status).toBe(400);
  const got = await cluster.s3.get("/bbb/secret", { headers: sse });
  expect(got.bytes.equals(Buffer.concat(parts))).toBe(true);
});
