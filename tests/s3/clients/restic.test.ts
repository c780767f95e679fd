import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type S3Cluster, startS3 } from "../../support/s3/door.ts";
import { findProgram, Tool, tellSkipped } from "../../support/s3/tools.ts";
import { digestsBelow, plant, STRANGE_TREE } from "../../support/s3/trees.ts";
import { MIB } from "../../support/verify.ts";

const program = findProgram("restic");
if (program === undefined) tellSkipped("restic");

describe.skipIf(program === undefined)("restic", () => {
  let s3: S3Cluster;
  let tool: Tool;

  beforeAll(async () => {
    s3 = await startS3("restic");
    tool = await Tool.at(program ?? "", join(s3.folder, "restic"), s3.door, {
      RESTIC_REPOSITORY: `s3:${s3.door.endpoint}/backups/of/this`,
      RESTIC_PASSWORD: "of the test",
      RESTIC_CACHE_DIR: join(s3.folder, "restic-cache"),
    });
  });
  afterAll(() => s3[Symbol.asyncDispose]());

  test("backups are taken, checked, restored, forgotten and pruned", async () => {
    const here = tool.file("tree");
    await plant(here, { ...STRANGE_TREE, "large.bin": [9, 24 * MIB] });
    await tool.ok("init");
    await tool.ok("backup", here);
    const first = await digestsBelow(here);

    await writeFile(join(here, "plain.txt"), "changed");
    await rm(join(here, "large.bin"));
    await tool.ok("backup", here);
    await tool.ok("check", "--read-data");

    const snapshots: { id: string }[] = JSON.parse(await tool.ok("snapshots", "--json"));
    expect(snapshots.length).toBe(2);
    await tool.ok("restore", snapshots[0]?.id ?? "", "--target", tool.file("back"));
    expect(await digestsBelow(join(tool.file("back"), here))).toEqual(first);

    await tool.ok("forget", "--keep-last", "1", "--prune");
    await tool.ok("check", "--read-data");
    await tool.ok("restore", "latest", "--target", tool.file("later"));
    expect(await digestsBelow(join(tool.file("later"), here))).toEqual(await digestsBelow(here));
  });
});
