import { execFileSync } from "node:child_process";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type S3Cluster, startS3 } from "../../support/s3/door.ts";
import { FOREIGN_PYTHON, Tool, tellSkipped } from "../../support/s3/tools.ts";

// Debian's signs and checks as was usual for years; the one from PyPI sends checksums as trailers.
const pythons = Object.entries({
  "boto3 of Debian": "/usr/bin/python3",
  "boto3 of PyPI": join(FOREIGN_PYTHON, "python"),
}).map(([name, python]) => ({ name, python, isHere: hasBoto(python) }));
for (const { name, isHere } of pythons) if (!isHere) tellSkipped(name);

const PROGRAM = resolve("tests/s3/clients/boto3-client.py");
let s3: S3Cluster;

beforeAll(async () => {
  s3 = await startS3("boto3");
});
afterAll(() => s3[Symbol.asyncDispose]());

for (const { name, python, isHere } of pythons) {
  test.skipIf(!isHere)(`${name} does what Python programs do`, async () => {
    const bucket = name.toLowerCase().replaceAll(" ", "-");
    const tool = await Tool.at(python, join(s3.folder, bucket), s3.door);
    expect(await tool.ok(PROGRAM, s3.door.endpoint, bucket)).toMatch(/^all well, boto3 \d/u);
  });
}

function hasBoto(python: string): boolean {
  try {
    execFileSync(python, ["-c", "import boto3"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
