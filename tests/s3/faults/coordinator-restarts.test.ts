import {
  CreateBucketCommand,
  DeleteObjectCommand,
  PutObjectCommand,
  paginateListObjectsV2,
} from "@aws-sdk/client-s3";
import { eventually } from "@cairnfs/base/testing/eventually";
import { expect, test } from "vitest";
import { expectSound } from "../../support/fsck.ts";
import { startS3 } from "../../support/s3/door.ts";
import { sdkOf, textOf } from "../../support/s3/sdk.ts";

const CLIENTS = 6;
const RESTARTS = 2;
const STEPS_BETWEEN = 40;

test("clients put, get and delete through restarts of the coordinator, and what was acknowledged is there", async () => {
  await using s3 = await startS3("coordinator-restarts");
  const client = sdkOf(s3.door, 10);
  const Bucket = "restarts";
  await client.send(new CreateBucketCommand({ Bucket }));
  const wanted = new Map<string, string>();
  let isOver = false;
  let steps = 0;
  const work = async (worker: number) => {
    for (let round = 0; !isOver; round++) {
      const Key = `${worker}/${round % 12}`;
      const Body = `${Key} of round ${round} `.repeat(round % 3 === 0 ? 1 : 2000);
      await client.send(new PutObjectCommand({ Bucket, Key, Body }));
      wanted.set(Key, Body);
      expect(await textOf(client, Bucket, Key)).toBe(Body);
      if (round % 5 === 4) {
        await client.send(new DeleteObjectCommand({ Bucket, Key }));
        wanted.delete(Key);
      }
      steps += 1;
    }
  };
  const working = Promise.all(Array.from({ length: CLIENTS }, (_, worker) => work(worker)));
  const workSome = async () => {
    const reached = steps + STEPS_BETWEEN;
    const getsOn = eventually(() => expect(steps).toBeGreaterThanOrEqual(reached), 60_000);
    // A client that fails ends the test here, rather than leave it waiting for the others.
    await Promise.race([getsOn, working]);
  };
  for (let restart = 0; restart < RESTARTS; restart++) {
    await workSome();
    await s3.cluster.restartCoordinator();
  }
  await workSome();
  isOver = true;
  await working;

  const found: string[] = [];
  for await (const page of paginateListObjectsV2({ client, pageSize: 20 }, { Bucket })) {
    found.push(...(page.Contents ?? []).map(({ Key = "" }) => Key));
  }
  expect(found).toEqual([...wanted.keys()].sort());
  for (const [key, body] of wanted) expect(await textOf(client, Bucket, key)).toBe(body);
  await s3.cluster.untilHealthy();
  await expectSound(await s3.cluster.connect());
  client.destroy();
});
