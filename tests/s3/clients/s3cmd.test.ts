import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { HeadObjectCommand } from "@aws-sdk/client-s3";
import { digestOfFile, writeContent } from "@cairnfs/testkit/content";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type S3Cluster, startS3 } from "../../support/s3/door.ts";
import { sdkOf } from "../../support/s3/sdk.ts";
import { findProgram, Tool, tellSkipped } from "../../support/s3/tools.ts";
import { digestsBelow, plant, STRANGE_TREE } from "../../support/s3/trees.ts";
import { MIB } from "../../support/verify.ts";

const program = findProgram("s3cmd");
if (program === undefined) tellSkipped("s3cmd");

describe.skipIf(program === undefined)("s3cmd", () => {
  let s3: S3Cluster;
  let tool: Tool;

  beforeAll(async () => {
    s3 = await startS3("s3cmd");
    tool = await Tool.at(program ?? "", join(s3.folder, "s3cmd"), s3.door);
    const { host } = new URL(s3.door.endpoint);
    await writeFile(
      tool.file(".s3cfg"),
      [
        "[default]",
        `access_key = ${s3.door.accessKeyId}`,
        `secret_key = ${s3.door.secretKey}`,
        `host_base = ${host}`,
        `host_bucket = ${host}`,
        `bucket_location = ${s3.door.region}`,
        "use_https = False",
        "multipart_chunk_size_mb = 5",
        "",
      ].join("\n"),
    );
    await tool.ok("mb", "s3://cmd");
  });
  afterAll(() => s3[Symbol.asyncDispose]());

  test("files go up whole and in parts and come back, and are told apart by their MD5", async () => {
    await writeContent(tool.file("big.bin"), 1, 12 * MIB + 1);
    await writeContent(tool.file("small.bin"), 2, 1000);
    await tool.ok("put", "big.bin", "small.bin", "s3://cmd/");
    expect(await tool.ok("ls", "s3://cmd/")).toMatch(/12582913 .*big\.bin\n.*1000 .*small\.bin/u);
    await tool.ok("get", "s3://cmd/big.bin", "back.bin");
    expect(await digestOfFile(tool.file("back.bin"))).toEqual(
      await digestOfFile(tool.file("big.bin")),
    );
    const info = await tool.ok("info", "s3://cmd/big.bin");
    expect(info).toMatch(/File size:\s+12582913/u);
    expect(info).toMatch(/MD5 sum:\s+[0-9a-f]{32}/u);
  });

  test("sync goes both ways, and cp, mv and modify keep what is in them", async () => {
    await plant(tool.file("tree"), STRANGE_TREE);
    await tool.ok("sync", "tree/", "s3://cmd/tree/");
    await tool.ok("sync", "s3://cmd/tree/", "again/");
    expect(await digestsBelow(tool.file("again"))).toEqual(await digestsBelow(tool.file("tree")));

    await tool.ok("cp", "s3://cmd/tree/plain.txt", "s3://cmd/copied.txt");
    await tool.ok("mv", "s3://cmd/copied.txt", "s3://cmd/moved to/there.txt");
    await tool.ok("modify", "--add-header=Cache-Control:max-age=60", "s3://cmd/moved to/there.txt");
    const client = sdkOf(s3.door);
    expect(
      await client.send(new HeadObjectCommand({ Bucket: "cmd", Key: "moved to/there.txt" })),
    ).toMatchObject({ CacheControl: "max-age=60" });
    client.destroy();
    await tool.ok("get", "s3://cmd/moved to/there.txt", "there.txt");
    expect(await digestOfFile(tool.file("there.txt"))).toEqual(
      await digestOfFile(tool.file("tree", "plain.txt")),
    );
  });

  test("what is signed or public is fetched by anybody, and what is removed is gone", async () => {
    await writeFile(tool.file("shared.txt"), "for you");
    await tool.ok("put", "shared.txt", "s3://cmd/shared.txt");
    const signed = (await tool.ok("signurl", "s3://cmd/shared.txt", "+60")).trim();
    expect(await (await fetch(signed)).text()).toBe("for you");

    await tool.ok("setpolicy", await publicRead(tool), "s3://cmd");
    const plain = `${s3.door.endpoint}/cmd/shared.txt`;
    expect(await (await fetch(plain)).text()).toBe("for you");
    await tool.ok("delpolicy", "s3://cmd");
    expect((await fetch(plain)).status).toBe(403);

    await tool.ok("del", "--recursive", "--force", "s3://cmd/");
    expect(await tool.ok("ls", "--recursive", "s3://cmd/")).toBe("");
    await tool.ok("rb", "s3://cmd");
    expect((await tool.run("info", "s3://cmd")).code).not.toBe(0);
  });
});

async function publicRead(tool: Tool): Promise<string> {
  const policy = {
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Principal: "*",
        Action: "s3:GetObject",
        Resource: "arn:aws:s3:::cmd/shared.txt",
      },
    ],
  };
  await writeFile(tool.file("policy.json"), JSON.stringify(policy));
  return "policy.json";
}
