import { rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { digestOfFile, writeContent } from "@cairnfs/testkit/content";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type S3Cluster, startS3 } from "../../support/s3/door.ts";
import { findProgram, Tool, tellSkipped } from "../../support/s3/tools.ts";
import { digestsBelow, plant, STRANGE_TREE } from "../../support/s3/trees.ts";
import { MIB } from "../../support/verify.ts";

const program = findProgram("rclone");
if (program === undefined) tellSkipped("rclone");

describe.skipIf(program === undefined)("rclone", () => {
  let s3: S3Cluster;
  let tool: Tool;

  beforeAll(async () => {
    s3 = await startS3("rclone");
    tool = await Tool.at(program ?? "", join(s3.folder, "rclone"), s3.door, {
      RCLONE_CONFIG_DOOR_TYPE: "s3",
      RCLONE_CONFIG_DOOR_PROVIDER: "Other",
      RCLONE_CONFIG_DOOR_ENV_AUTH: "true",
      RCLONE_CONFIG_DOOR_ENDPOINT: s3.door.endpoint,
      RCLONE_CONFIG_DOOR_CHUNK_SIZE: "5Mi",
      RCLONE_CONFIG_DOOR_UPLOAD_CUTOFF: "10Mi",
      RCLONE_RETRIES: "1",
      RCLONE_LOW_LEVEL_RETRIES: "2",
    });
    await tool.ok("mkdir", "door:tree");
  });
  afterAll(() => s3[Symbol.asyncDispose]());

  test("sync brings changes, moves and removals, and check agrees byte by byte", async () => {
    const here = tool.file("tree");
    await plant(here, STRANGE_TREE);
    await tool.ok("sync", here, "door:tree/of/files");
    await tool.ok("check", "--download", here, "door:tree/of/files");

    await writeFile(join(here, "plain.txt"), "changed");
    await rename(join(here, "deep"), join(here, "moved"));
    await rm(join(here, "empty"));
    await tool.ok("sync", "--track-renames", here, "door:tree/of/files");
    await tool.ok("check", here, "door:tree/of/files");
    await tool.ok("sync", "door:tree/of/files", tool.file("again"));
    expect(await digestsBelow(tool.file("again"))).toEqual(await digestsBelow(here));
  });

  test("a large file goes in parts, with its time and its MD5, and is copied there", async () => {
    const big = tool.file("big.bin");
    await writeContent(big, 1, 48 * MIB + 11);
    await utimes(big, 1_600_000_000, 1_600_000_000);
    await tool.ok("copyto", big, "door:tree/big.bin");
    const [listed]: { Size: number; ModTime: string; Hashes: { md5: string } }[] = JSON.parse(
      await tool.ok("lsjson", "--hash", "door:tree/big.bin"),
    );
    expect(listed).toMatchObject({
      Size: 48 * MIB + 11,
      ModTime: expect.stringMatching(/^2020-09-13T12:26:40/u),
      Hashes: { md5: (await tool.ok("md5sum", big)).split(" ")[0] },
    });
    await tool.ok("moveto", "door:tree/big.bin", "door:tree/else where/bigger.bin");
    await tool.ok("copyto", "door:tree/else where/bigger.bin", tool.file("back.bin"));
    expect(await digestOfFile(tool.file("back.bin"))).toEqual(await digestOfFile(big));
    expect((await stat(tool.file("back.bin"))).mtimeMs).toBe(1_600_000_000_000);
  });

  test("a range is read, and purge leaves nothing", async () => {
    expect(
      await tool.ok("cat", "--offset", "5", "--count", "7", "door:tree/of/files/plain.txt"),
    ).toBe("ed");
    await tool.ok("purge", "door:tree");
    expect(JSON.parse(await tool.ok("lsjson", "door:"))).toEqual([]);
  });
});
