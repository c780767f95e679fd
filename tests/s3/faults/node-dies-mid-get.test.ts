import { CreateBucketCommand, GetObjectCommand } from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { contentOf, digestOf } from "@cairnfs/testkit/content";
import { expect, test } from "vitest";
import { startS3 } from "../../support/s3/door.ts";
import { sdkOf } from "../../support/s3/sdk.ts";
import { MIB } from "../../support/verify.ts";

test("a datanode that dies in the middle of a get is left for another, unseen by the client", async () => {
  await using s3 = await startS3("node-dies-mid-get");
  // One attempt: what the client sees is what the gateway sent.
  const client = sdkOf(s3.door, 1);
  const sizeBytes = 96 * MIB;
  await client.send(new CreateBucketCommand({ Bucket: "reads" }));
  const params = {
    Bucket: "reads",
    Key: "large",
    Body: ReadableStream.from(contentOf(5, sizeBytes)),
  };
  await new Upload({ client, params, partSize: 16 * MIB }).done();

  const { Body } = await client.send(new GetObjectCommand({ Bucket: "reads", Key: "large" }));
  if (Body === undefined) throw new Error("there is no body");
  let readBytes = 0;
  const reading = (async function* () {
    for await (const piece of Body.transformToWebStream()) {
      const before = readBytes;
      readBytes += piece.byteLength;
      if (before <= 16 * MIB && readBytes > 16 * MIB) s3.cluster.datanode(0).signal("SIGKILL");
      if (before <= 56 * MIB && readBytes > 56 * MIB) s3.cluster.datanode(1).signal("SIGKILL");
      yield piece;
    }
  })();
  expect(await digestOf(reading)).toEqual(await digestOf(contentOf(5, sizeBytes)));
  client.destroy();
});
