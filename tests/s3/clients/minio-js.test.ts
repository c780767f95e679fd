import { createReadStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { bytesOf, digestOf, digestOfFile, writeContent } from "@cairnfs/testkit/content";
import { Client, CopyDestinationOptions, CopySourceOptions } from "minio";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type S3Cluster, startS3 } from "../../support/s3/door.ts";
import { MIB } from "../../support/verify.ts";

const BUCKET = "minio";
let s3: S3Cluster;
let client: Client;

beforeAll(async () => {
  s3 = await startS3("minio-js");
  await mkdir(s3.folder, { recursive: true });
  const { hostname, port } = new URL(s3.door.endpoint);
  client = new Client({
    endPoint: hostname,
    port: Number(port),
    useSSL: false,
    accessKey: s3.door.accessKeyId,
    secretKey: s3.door.secretKey,
    partSize: 5 * MIB,
  });
  await client.makeBucket(BUCKET);
});
afterAll(() => s3[Symbol.asyncDispose]());

test("files of many parts go up and come down, with what was said of them", async () => {
  const here = join(s3.folder, "here.bin");
  await writeContent(here, 1, 17 * MIB + 3);
  await client.fPutObject(BUCKET, "dir/big file.bin", here, { "X-Amz-Meta-Colour": "blue" });
  await client.fGetObject(BUCKET, "dir/big file.bin", join(s3.folder, "back.bin"));
  expect(await digestOfFile(join(s3.folder, "back.bin"))).toEqual(await digestOfFile(here));
  const { size, metaData } = await client.statObject(BUCKET, "dir/big file.bin");
  expect({ size, colour: metaData.colour }).toEqual({ size: 17 * MIB + 3, colour: "blue" });

  await client.putObject(BUCKET, "dir/streamed", createReadStream(here));
  expect(await digestOf(await client.getObject(BUCKET, "dir/streamed"))).toEqual(
    await digestOfFile(here),
  );
  const part = await client.getPartialObject(BUCKET, "dir/streamed", 6 * MIB, 100);
  expect((await digestOf(part)).sizeBytes).toBe(100);
});

test("buckets are listed with folders and without, and emptied at once", async () => {
  const keys = ["l/a", "l/b/1", "l/b/2", "l/ü ö"];
  for (const key of keys) await client.putObject(BUCKET, key, key);
  const names = async (isRecursive: boolean) => {
    const found: string[] = [];
    for await (const item of client.listObjectsV2(BUCKET, "l/", isRecursive)) {
      found.push(item.name ?? item.prefix);
    }
    return found.sort();
  };
  expect(await names(true)).toEqual([...keys].sort());
  expect(await names(false)).toEqual(["l/a", "l/b/", "l/ü ö"]);
  await client.removeObjects(BUCKET, keys);
  expect(await names(true)).toEqual([]);
});

test("what is presigned can be got, put and posted without a key", async () => {
  const put = await fetch(await client.presignedPutObject(BUCKET, "pre/signed", 60), {
    method: "PUT",
    body: "by url",
  });
  expect(put.status).toBe(200);
  const got = await fetch(await client.presignedGetObject(BUCKET, "pre/signed", 60));
  expect(await got.text()).toBe("by url");

  const policy = client.newPostPolicy();
  policy.setBucket(BUCKET);
  policy.setKey("pre/posted");
  policy.setExpires(new Date(Date.now() + 60_000));
  policy.setContentLengthRange(1, 100);
  const { postURL, formData } = await client.presignedPostPolicy(policy);
  const form = new FormData();
  for (const [name, value] of Object.entries(formData)) form.append(name, String(value));
  form.append("file", new Blob(["by form"]));
  const posted = await fetch(postURL, { method: "POST", body: form });
  expect(posted.status).toBe(204);
  expect((await client.statObject(BUCKET, "pre/posted")).size).toBe(7);
});

test("copies, tags, versions and a policy are as they were set", async () => {
  await client.setBucketVersioning(BUCKET, { Status: "Enabled" });
  expect(await client.getBucketVersioning(BUCKET)).toMatchObject({ Status: "Enabled" });
  await client.putObject(BUCKET, "v", Buffer.from(await bytesOf(7, 100)));
  await client.putObject(BUCKET, "v", "new");
  await client.setObjectTagging(BUCKET, "v", { kind: "test" });
  expect(await client.getObjectTagging(BUCKET, "v")).toEqual([{ Key: "kind", Value: "test" }]);
  await client.copyObject(
    new CopySourceOptions({ Bucket: BUCKET, Object: "v" }),
    new CopyDestinationOptions({ Bucket: BUCKET, Object: "copy of v" }),
  );
  expect((await digestOf(await client.getObject(BUCKET, "copy of v"))).sizeBytes).toBe(3);
  const versions: string[] = [];
  for await (const { name } of client.listObjects(BUCKET, "v", true, { IncludeVersion: true })) {
    versions.push(name);
  }
  expect(versions).toEqual(["v", "v"]);

  const policy = JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Principal: { AWS: ["*"] },
        Action: ["s3:GetObject"],
        Resource: [`arn:aws:s3:::${BUCKET}/v`],
      },
    ],
  });
  await client.setBucketPolicy(BUCKET, policy);
  expect(JSON.parse(await client.getBucketPolicy(BUCKET))).toEqual(JSON.parse(policy));
  expect(await (await fetch(`${s3.door.endpoint}/${BUCKET}/v`)).text()).toBe("new");
  expect((await fetch(`${s3.door.endpoint}/${BUCKET}/pre/signed`)).status).toBe(403);
});
