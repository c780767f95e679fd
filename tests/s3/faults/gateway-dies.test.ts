import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { bytesOf, contentOf, digestOf } from "@cairnfs/testkit/content";
import { expect, test } from "vitest";
import { expectSound } from "../../support/fsck.ts";
import { BrokenPut } from "../../support/s3/broken-put.ts";
import { startS3 } from "../../support/s3/door.ts";
import { digestOfObject, sdkOf, textOf } from "../../support/s3/sdk.ts";
import { MIB } from "../../support/verify.ts";

test("a gateway that is killed in mid-put leaves no object and no half of one, and an upload in parts goes on", async () => {
  await using s3 = await startS3("gateway-dies");
  const { cluster, door } = s3;
  const client = sdkOf(door, 8);
  const Bucket = "killed";
  await client.send(new CreateBucketCommand({ Bucket }));
  await client.send(new PutObjectCommand({ Bucket, Key: "old", Body: "what was there before" }));
  const upload = { Bucket, Key: "parts" };
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(upload));
  const first = await bytesOf(1, 6 * MIB);
  const one = await client.send(
    new UploadPartCommand({ ...upload, UploadId, PartNumber: 1, Body: first }),
  );

  const sizeBytes = 40 * MIB;
  const begin = (path: string, query = "") =>
    BrokenPut.begin(door, { path, query, sizeBytes }, contentOf(2, sizeBytes), 28 * MIB);
  const puts = await Promise.all([
    begin(`/${Bucket}/new`),
    begin(`/${Bucket}/old`),
    begin(`/${Bucket}/parts`, `partNumber=2&uploadId=${UploadId}`),
  ]);
  await door.process.end("SIGKILL");
  for (const put of puts) put.end();
  await cluster.startGateway({}, door.process.ready.address);

  await expect(client.send(new HeadObjectCommand({ Bucket, Key: "new" }))).rejects.toMatchObject({
    name: "NotFound",
  });
  expect(await textOf(client, Bucket, "old")).toBe("what was there before");
  const { Parts } = await client.send(new ListPartsCommand({ ...upload, UploadId }));
  expect(Parts?.map(({ PartNumber }) => PartNumber)).toEqual([1]);

  const two = await client.send(
    new UploadPartCommand({ ...upload, UploadId, PartNumber: 2, Body: "the end" }),
  );
  await client.send(
    new CompleteMultipartUploadCommand({
      ...upload,
      UploadId,
      MultipartUpload: {
        Parts: [
          { PartNumber: 1, ETag: one.ETag },
          { PartNumber: 2, ETag: two.ETag },
        ],
      },
    }),
  );
  expect(await digestOfObject(client, Bucket, "parts")).toEqual(
    await digestOf(both(first, Buffer.from("the end"))),
  );
  await expectSound(await cluster.connect());
  client.destroy();
});

async function* both(...pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* pieces;
}
