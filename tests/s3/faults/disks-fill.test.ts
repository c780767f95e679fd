import {
  CreateBucketCommand,
  DeleteObjectsCommand,
  PutObjectCommand,
  type S3Client,
  S3ServiceException,
} from "@aws-sdk/client-s3";
import { eventually } from "@cairnfs/base/testing/eventually";
import { bytesOf, contentOf, digestOf } from "@cairnfs/testkit/content";
import { ProcessCluster } from "@cairnfs/testkit/process-cluster";
import { expect, test } from "vitest";
import { digestOfObject, sdkOf } from "../../support/s3/sdk.ts";
import { MIB } from "../../support/verify.ts";

const Bucket = "full";
const OBJECT_BYTES = 6 * MIB;

test("on full disks a put is refused with 507, what is there is read, and deleting makes room", async () => {
  await using cluster = await ProcessCluster.start({
    name: "s3-disks-fill",
    datanodes: 3,
    coordinator: {
      CAIRN_CONTENT_GRACE_MS: "100",
      CAIRN_CHUNK_GRACE_MS: "100",
      // What is deleted goes to the trash otherwise, and frees nothing before that is emptied.
      CAIRN_TRASH_MS: "0",
    },
    datanode: () => ({
      environment: { CAIRN_CAPACITY_BYTES: "64MiB", CAIRN_RESERVE_BYTES: "16MiB" },
    }),
  });
  const client = sdkOf(await cluster.startGateway({ CAIRN_PATIENCE_MS: "3s" }), 1);
  await client.send(new CreateBucketCommand({ Bucket }));
  const { stored, failure } = await fill(client);
  expect({ status: failure.$metadata.httpStatusCode, code: failure.name }).toEqual({
    status: 507,
    code: "StorageFull",
  });
  expect(stored.length).toBeGreaterThanOrEqual(3);
  for (const at of stored) {
    expect(await digestOfObject(client, Bucket, String(at))).toEqual(
      await digestOf(contentOf(at, OBJECT_BYTES)),
    );
  }

  const { Errors = [] } = await client.send(
    new DeleteObjectsCommand({
      Bucket,
      Delete: { Objects: stored.map((at) => ({ Key: String(at) })) },
    }),
  );
  expect(Errors).toEqual([]);
  await eventually(async () => {
    await client.send(
      new PutObjectCommand({ Bucket, Key: "after", Body: await bytesOf(99, OBJECT_BYTES) }),
    );
  }, 40_000);
  expect(await digestOfObject(client, Bucket, "after")).toEqual(
    await digestOf(contentOf(99, OBJECT_BYTES)),
  );
  client.destroy();
});

/** Puts object after object until one fails; gives those that were taken, and the failure. */
async function fill(
  client: S3Client,
): Promise<{ readonly stored: readonly number[]; readonly failure: S3ServiceException }> {
  const stored: number[] = [];
  for (let at = 0; at < 20; at++) {
    try {
      const Body = await bytesOf(at, OBJECT_BYTES);
      await client.send(new PutObjectCommand({ Bucket, Key: String(at), Body }));
      stored.push(at);
    } catch (error) {
      if (error instanceof S3ServiceException) return { stored, failure: error };
      throw error;
    }
  }
  throw new Error("the disks never filled");
}
