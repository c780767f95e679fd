import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { ProcessCluster } from "@cairnfs/testkit/process-cluster";
import { afterAll, beforeAll, expect, test } from "vitest";

const run = promisify(execFile);

let cluster: ProcessCluster;
beforeAll(async () => {
  cluster = await ProcessCluster.start({ name: "examples", datanodes: 3 });
});
afterAll(() => cluster[Symbol.asyncDispose]());

for (const name of readdirSync("examples").filter((file) => file.endsWith(".ts"))) {
  test(`the example ${name} runs to its end and prints something`, async () => {
    const { stdout } = await run(process.execPath, [
      "--import",
      "tsx",
      join("examples", name),
      cluster.coordinator.ready.address,
    ]);
    expect(stdout).not.toBe("");
  });
}
