import { existsSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { digestOfFile, writeContent } from "@cairnfs/testkit/content";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type S3Cluster, startS3 } from "../../support/s3/door.ts";
import { FOREIGN_PYTHON, findProgram, Tool, tellSkipped } from "../../support/s3/tools.ts";
import { digestsBelow, plant, STRANGE_TREE } from "../../support/s3/trees.ts";
import { MIB } from "../../support/verify.ts";

// Version 2 as Debian packages it signs and checks as was usual for years; the one from PyPI sends checksums as trailers, which is all
// that is asked of it: each run of the command takes its time.
const programs = [
  { name: "aws of Debian", program: findProgram("/usr/bin/aws"), isWhole: true },
  { name: "aws of PyPI", program: findProgram(join(FOREIGN_PYTHON, "aws")), isWhole: false },
];
for (const { name, program } of programs) if (program === undefined) tellSkipped(name);

let s3: S3Cluster;
beforeAll(async () => {
  s3 = await startS3("aws-cli");
});
afterAll(() => s3[Symbol.asyncDispose]());

describe.each(programs)("$name", ({ name, program, isWhole }) => {
  const isLeftOut = program === undefined || !isWhole;
  const bucket = name.toLowerCase().replaceAll(" ", "-");
  const url = (...keys: readonly string[]) => `s3://${[bucket, ...keys].join("/")}`;
  let tool: Tool;
  const s3Command = (...words: readonly string[]) =>
    tool.ok("--endpoint-url", s3.door.endpoint, "s3", ...words);
  const api = async (...words: readonly string[]): Promise<Record<string, unknown>> => {
    const out = await tool.ok("--endpoint-url", s3.door.endpoint, "s3api", ...words);
    return out === "" ? {} : JSON.parse(out);
  };

  beforeAll(async () => {
    if (program === undefined) return;
    tool = await Tool.at(program, join(s3.folder, bucket), s3.door);
    await tool.ok("--endpoint-url", s3.door.endpoint, "s3", "mb", url());
  });

  test.skipIf(program === undefined)(
    "cp takes a file of many parts there and back, and copies it there",
    async () => {
      const big = tool.file("big.bin");
      await writeContent(big, 1, 20 * MIB + 7);
      await s3Command("cp", "--no-progress", big, url("big.bin"));
      await s3Command("cp", "--no-progress", url("big.bin"), tool.file("back.bin"));
      expect(await digestOfFile(tool.file("back.bin"))).toEqual(await digestOfFile(big));
      expect(await api("head-object", "--bucket", bucket, "--key", "big.bin")).toMatchObject({
        ContentLength: 20 * MIB + 7,
        ETag: expect.stringMatching(/^"[0-9a-f]{32}-3"$/u),
      });
      await s3Command("cp", "--no-progress", url("big.bin"), url("copies/big.bin"));
      expect(await s3Command("ls", url("copies/"))).toMatch(/20971527 big\.bin/u);
    },
  );

  test.skipIf(isLeftOut)("sync brings what changed and takes what went", async () => {
    const here = tool.file("tree");
    await plant(here, STRANGE_TREE);
    await s3Command("sync", "--no-progress", here, url("tree"));
    await s3Command("sync", "--no-progress", url("tree"), tool.file("again"));
    expect(await digestsBelow(tool.file("again"))).toEqual(await digestsBelow(here));

    expect(await s3Command("sync", "--no-progress", here, url("tree"))).toBe("");
    await writeFile(join(here, "plain.txt"), "changed, and of another length");
    await rm(join(here, "deep"), { recursive: true });
    await s3Command("sync", "--no-progress", "--delete", here, url("tree"));
    await s3Command("sync", "--no-progress", "--delete", url("tree"), tool.file("again"));
    expect(await digestsBelow(tool.file("again"))).toEqual(await digestsBelow(here));
  });

  test.skipIf(isLeftOut)("mv moves up, within and down", async () => {
    await writeFile(tool.file("moving.txt"), "moved");
    await s3Command("mv", tool.file("moving.txt"), url("moved.txt"));
    expect(existsSync(tool.file("moving.txt"))).toBe(false);
    await s3Command("mv", url("moved.txt"), url("moved/again.txt"));
    const { code } = await tool.run(
      "--endpoint-url",
      s3.door.endpoint,
      "s3",
      "ls",
      url("moved.txt"),
    );
    expect(code).toBe(1);
    await s3Command("mv", url("moved/again.txt"), tool.file("home.txt"));
    expect((await digestOfFile(tool.file("home.txt"))).sizeBytes).toBe(5);
  });

  test.skipIf(isLeftOut)("what presign signs can be fetched by anybody", async () => {
    await writeFile(tool.file("shared.txt"), "for you");
    await s3Command("cp", "--no-progress", tool.file("shared.txt"), url("a b/shared.txt"));
    const presigned = await tool.ok(
      ...["--endpoint-url", s3.door.endpoint, "s3", "presign", url("a b/shared.txt")],
      ...["--expires-in", "60"],
    );
    const response = await fetch(presigned.trim());
    expect({ status: response.status, text: await response.text() }).toEqual({
      status: 200,
      text: "for you",
    });
    const spoilt = await fetch(presigned.trim().replace("shared.txt", "other.txt"));
    expect(spoilt.status).toBe(403);
  });

  test.skipIf(isLeftOut)("rm and rb leave nothing", async () => {
    await s3Command("rm", "--recursive", url());
    expect(await s3Command("ls", "--recursive", url())).toBe("");
    await tool.ok("--endpoint-url", s3.door.endpoint, "s3", "rb", url());
    const { code, err } = await tool.run(
      ...["--endpoint-url", s3.door.endpoint, "s3api", "head-bucket", "--bucket", bucket],
    );
    expect(code).not.toBe(0);
    expect(err).toContain("404");
  });
});
