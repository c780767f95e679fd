import {
  CreateBucketCommand,
  GetObjectCommand,
  PutObjectCommand,
  type S3Client,
  S3ServiceException,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type S3Cluster, startS3 } from "../../support/s3/door.ts";
import { sdkOf, textOf } from "../../support/s3/sdk.ts";

const Bucket = "races";
let s3: S3Cluster;
/** Four clients, two at each of two gateways. */
let clients: readonly S3Client[];

beforeAll(async () => {
  s3 = await startS3("races");
  const other = await s3.cluster.startGateway();
  clients = [s3.door, other, s3.door, other].map((door) => sdkOf(door, 6));
  await clients[0]?.send(new CreateBucketCommand({ Bucket }));
});
afterAll(async () => {
  for (const client of clients) client.destroy();
  await s3[Symbol.asyncDispose]();
});

test("of clients that all put a key that must not be there exactly one wins", async () => {
  for (let round = 0; round < 15; round++) {
    const Key = `once/${round}`;
    const outcomes = await Promise.all(
      clients.map((client, at) => refusal(client, Key, String(at), { IfNoneMatch: "*" })),
    );
    const winners = outcomes.flatMap((outcome, at) => (outcome === undefined ? [String(at)] : []));
    expect({ round, winners: winners.length, outcomes }).toMatchObject({ winners: 1 });
    for (const client of clients) expect([await textOf(client, Bucket, Key)]).toEqual(winners);
  }
});

test("a counter that each raises under its ETag loses no step", async () => {
  const [first] = clients;
  await first?.send(new PutObjectCommand({ Bucket, Key: "counter", Body: "0" }));
  const raise = async (client: S3Client) => {
    for (let raised = 0; raised < 8; ) {
      const { Body, ETag = "" } = await client.send(
        new GetObjectCommand({ Bucket, Key: "counter" }),
      );
      const value = Number(await Body?.transformToString());
      const refused = await refusal(client, "counter", String(value + 1), { IfMatch: ETag });
      if (refused === undefined) raised += 1;
    }
  };
  await Promise.all(clients.map(raise));
  for (const client of clients) expect(await textOf(client, Bucket, "counter")).toBe("32");
});

/** Puts, and gives the reason when the condition was not met or somebody was faster; undefined when it was put. */
async function refusal(
  client: S3Client,
  Key: string,
  Body: string,
  condition: { readonly IfNoneMatch?: string; readonly IfMatch?: string },
): Promise<string | undefined> {
  try {
    await client.send(new PutObjectCommand({ Bucket, Key, Body, ...condition }));
    return undefined;
  } catch (error) {
    if (!(error instanceof S3ServiceException)) throw error;
    expect(["PreconditionFailed", "ConditionalRequestConflict"]).toContain(error.name);
    return error.name;
  }
}
