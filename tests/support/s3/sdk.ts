import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { digestOf } from "@cairnfs/testkit/content";
import type { GatewayAccess } from "@cairnfs/testkit/process-cluster";

/** The AWS SDK on a gateway, with path-style addresses; `attempts` is how often it tries what may be tried again. */
export function sdkOf(door: GatewayAccess, attempts = 3): S3Client {
  return new S3Client({
    endpoint: door.endpoint,
    region: door.region,
    credentials: { accessKeyId: door.accessKeyId, secretAccessKey: door.secretKey },
    forcePathStyle: true,
    maxAttempts: attempts,
  });
}

/** The digest of an object, read as a stream. */
export async function digestOfObject(
  client: S3Client,
  bucket: string,
  key: string,
): ReturnType<typeof digestOf> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
  if (Body === undefined) throw new Error(`${bucket}/${key} came without a body`);
  return digestOf(Body.transformToWebStream());
}

/** An object's content as text. */
export async function textOf(client: S3Client, bucket: string, key: string): Promise<string> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
  return (await Body?.transformToString()) ?? "";
}
