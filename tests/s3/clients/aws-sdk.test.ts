import { createHash } from "node:crypto";
import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  paginateListObjectsV2,
  S3Client,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { bytesOf, contentOf, digestOf } from "@cairnfs/testkit/content";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type S3Cluster, startS3 } from "../../support/s3/door.ts";
import { expectContent, MIB } from "../../support/verify.ts";

const BUCKET = "sdk";
let s3: S3Cluster;
let client: S3Client;

beforeAll(async () => {
  s3 = await startS3("aws-sdk");
  const { endpoint, region, accessKeyId, secretKey } = s3.door;
  client = new S3Client({
    endpoint,
    region,
    credentials: { accessKeyId, secretAccessKey: secretKey },
    forcePathStyle: true,
  });
  await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
});
afterAll(async () => {
  client.destroy();
  await s3[Symbol.asyncDispose]();
});

test("what a stream of unknown length uploads in parts is one file for every other door", async () => {
  const content = { seed: 1, sizeBytes: 24 * MIB + 5 };
  const upload = new Upload({
    client,
    params: {
      Bucket: BUCKET,
      Key: "big/stream.bin",
      Body: streamOf(content.seed, content.sizeBytes),
      ContentType: "application/x-cairn",
      Metadata: { made: "in parts" },
    },
    partSize: 5 * MIB,
    queueSize: 3,
  });
  const { ETag } = await upload.done();
  expect(ETag).toMatch(/^"[0-9a-f]{32}-5"$/u);

  await expectContent(await s3.cluster.connect(), `/${BUCKET}/big/stream.bin`, content);
  const { Body, ContentType, Metadata, ContentLength } = await client.send(
    new GetObjectCommand({ Bucket: BUCKET, Key: "big/stream.bin" }),
  );
  expect({ ContentType, Metadata, ContentLength }).toEqual({
    ContentType: "application/x-cairn",
    Metadata: { made: "in parts" },
    ContentLength: content.sizeBytes,
  });
  if (Body === undefined) throw new Error("there is no body");
  expect(await digestOf(Body.transformToWebStream())).toEqual(
    await digestOf(contentOf(content.seed, content.sizeBytes)),
  );
});

test("what the file system's own client writes is an object", async () => {
  const cairn = await s3.cluster.connect();
  await cairn.put(`/${BUCKET}/from/cairn.bin`, contentOf(2, 3 * MIB), { parents: true });
  const { ContentLength, ETag, LastModified } = await client.send(
    new HeadObjectCommand({ Bucket: BUCKET, Key: "from/cairn.bin" }),
  );
  expect(ContentLength).toBe(3 * MIB);
  expect(ETag).toMatch(/^"[0-9a-f]{32}-1"$/u);
  expect(LastModified).toBeInstanceOf(Date);
  const { Body } = await client.send(
    new GetObjectCommand({ Bucket: BUCKET, Key: "from/cairn.bin", Range: "bytes=-1000" }),
  );
  expect(Buffer.from((await Body?.transformToByteArray()) ?? [])).toEqual(
    Buffer.from((await bytesOf(2, 3 * MIB)).subarray(-1000)),
  );
});

test.each(["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"] as const)(
  "%s is kept and checked",
  async (ChecksumAlgorithm) => {
    const Key = `checked/${ChecksumAlgorithm}`;
    const Body = await bytesOf(3, 100_000);
    const put = await client.send(
      new PutObjectCommand({ Bucket: BUCKET, Key, Body, ChecksumAlgorithm }),
    );
    const name = `Checksum${ChecksumAlgorithm}` as const;
    expect(put[name]).toMatch(/=$/u);
    const got = await client.send(
      new GetObjectCommand({ Bucket: BUCKET, Key, ChecksumMode: "ENABLED" }),
    );
    expect(got[name]).toBe(put[name]);
    // The client compares as it reads.
    expect((await got.Body?.transformToByteArray())?.byteLength).toBe(100_000);
  },
);

test("a put under a condition is made once, and a stale one is refused", async () => {
  const put = (body: string, conditions: { IfNoneMatch?: string; IfMatch?: string }) =>
    client.send(new PutObjectCommand({ Bucket: BUCKET, Key: "once", Body: body, ...conditions }));
  const { ETag = "" } = await put("first", { IfNoneMatch: "*" });
  expect(ETag).toBe(`"${createHash("md5").update("first").digest("hex")}"`);
  await expect(put("second", { IfNoneMatch: "*" })).rejects.toMatchObject({
    name: "PreconditionFailed",
  });
  await put("third", { IfMatch: ETag });
  await expect(put("fourth", { IfMatch: ETag })).rejects.toMatchObject({
    name: "PreconditionFailed",
  });
});

test("pages of a listing hold every key, and a thousand keys go in one call", async () => {
  const keys = Array.from({ length: 250 }, (_, at) => `many/${at % 7}/${String(at)}`);
  await Promise.all(
    keys.map((Key) => client.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body: Key }))),
  );
  const found: string[] = [];
  for await (const page of paginateListObjectsV2(
    { client, pageSize: 60 },
    { Bucket: BUCKET, Prefix: "many/" },
  )) {
    found.push(...(page.Contents ?? []).map(({ Key = "" }) => Key));
  }
  expect(found).toEqual([...keys].sort());
  const { Deleted, Errors } = await client.send(
    new DeleteObjectsCommand({
      Bucket: BUCKET,
      Delete: { Objects: keys.map((Key) => ({ Key })) },
    }),
  );
  expect({ deleted: Deleted?.length, errors: Errors ?? [] }).toEqual({ deleted: 250, errors: [] });
});

test("versions of a key are kept, listed, read and copied", async () => {
  const Bucket = "sdk-versions";
  await client.send(new CreateBucketCommand({ Bucket }));
  await client.send(
    new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: "Enabled" } }),
  );
  const first = await client.send(new PutObjectCommand({ Bucket, Key: "k", Body: "one" }));
  await client.send(new PutObjectCommand({ Bucket, Key: "k", Body: "two" }));
  await client.send(
    new PutObjectTaggingCommand({
      Bucket,
      Key: "k",
      Tagging: { TagSet: [{ Key: "colour", Value: "blue" }] },
    }),
  );
  await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: "k" }] } }));
  await expect(client.send(new GetObjectCommand({ Bucket, Key: "k" }))).rejects.toMatchObject({
    name: "NoSuchKey",
  });
  const { Versions, DeleteMarkers } = await client.send(new ListObjectVersionsCommand({ Bucket }));
  expect([Versions?.length, DeleteMarkers?.length]).toEqual([2, 1]);
  await client.send(
    new CopyObjectCommand({
      Bucket,
      Key: "k",
      CopySource: `${Bucket}/k?versionId=${first.VersionId}`,
    }),
  );
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: "k" }));
  expect(await Body?.transformToString()).toBe("one");
});

function streamOf(seed: number, sizeBytes: number): ReadableStream<Uint8Array> {
  return ReadableStream.from(contentOf(seed, sizeBytes));
}
