import { execFileSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { eventually } from "@cairnfs/base/testing/eventually";
import { digestOfFile, writeContent } from "@cairnfs/testkit/content";
import { runCommand } from "@cairnfs/testkit/hosts/run-command";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type S3Cluster, startS3 } from "../../support/s3/door.ts";
import { findProgram, Tool, tellSkipped } from "../../support/s3/tools.ts";
import { MIB } from "../../support/verify.ts";

const program = findProgram("s3fs");
const whyNot = whyNoMount();
if (program === undefined) tellSkipped("s3fs");
else if (whyNot !== undefined) console.warn(`skipped: what s3fs does with S3; ${whyNot}`);

describe.skipIf(program === undefined || whyNot !== undefined)("s3fs", () => {
  let s3: S3Cluster;
  let mounted: string;
  let isMounted = false;

  beforeAll(async () => {
    s3 = await startS3("s3fs");
    const tool = await Tool.at(program ?? "", join(s3.folder, "s3fs"), s3.door);
    mounted = tool.file("mnt");
    await mkdir(mounted);
    await (await s3.cluster.connect()).mkdir("/fuse");
    await tool.ok(
      ...["fuse", mounted, "-o", `url=${s3.door.endpoint}`, "-o", "use_path_request_style"],
      ...["-o", "multipart_size=10", "-o", `endpoint=${s3.door.region}`],
    );
    isMounted = true;
    await eventually(() => expect(isMountPoint(mounted)).toBe(true));
  });
  afterAll(async () => {
    if (isMounted) await runCommand("umount", mounted);
    await s3[Symbol.asyncDispose]();
  });

  test("files and folders are made, read, moved and removed through the kernel", async () => {
    await mkdir(join(mounted, "folder"));
    await writeFile(join(mounted, "folder", "a b.txt"), "through the kernel");
    expect(await readFile(join(mounted, "folder", "a b.txt"), "utf8")).toBe("through the kernel");
    const cairn = await s3.cluster.connect();
    expect((await cairn.stat("/fuse/folder/a b.txt")).sizeBytes).toBe(18);

    await writeContent(join(mounted, "big.bin"), 1, 24 * MIB + 1);
    await rename(join(mounted, "big.bin"), join(mounted, "folder", "bigger.bin"));
    expect((await stat(join(mounted, "folder", "bigger.bin"))).size).toBe(24 * MIB + 1);
    await writeContent(join(s3.folder, "same.bin"), 1, 24 * MIB + 1);
    expect(await digestOfFile(join(mounted, "folder", "bigger.bin"))).toEqual(
      await digestOfFile(join(s3.folder, "same.bin")),
    );
    expect((await readdir(join(mounted, "folder"))).sort()).toEqual(["a b.txt", "bigger.bin"]);
    await rm(join(mounted, "folder"), { recursive: true });
    expect(await readdir(mounted)).toEqual([]);
  });
});

function whyNoMount(): string | undefined {
  if (process.getuid?.() !== 0) return "mounting needs root";
  try {
    accessSync("/dev/fuse", constants.R_OK | constants.W_OK);
    return undefined;
  } catch {
    return "there is no /dev/fuse here";
  }
}

function isMountPoint(folder: string): boolean {
  return execFileSync("cat", ["/proc/mounts"], { encoding: "utf8" }).includes(` ${folder} fuse`);
}
