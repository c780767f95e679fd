import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { ProcessCluster } from "@cairnfs/testkit/process-cluster";
import { expect, test } from "vitest";
import { expectContent, localFile, MIB } from "../support/verify.ts";

const UPLOADER = fileURLToPath(new URL("../../packages/testkit/dist/uploader.js", import.meta.url));

test("an upload whose client was killed goes on where it was, without sending again what is there", async () => {
  await using cluster = await ProcessCluster.start({ name: "client-dies" });
  const client = await cluster.connect();
  const content = { seed: 31, sizeBytes: 96 * MIB + 5 };
  const source = await localFile(cluster.folder, content);
  const stateFile = join(cluster.folder, "upload.state");

  const storedBytes = await killUploader([
    cluster.coordinator.ready.address,
    source,
    "/resumed.bin",
    stateFile,
    String(content.sizeBytes / 2),
  ]);
  await expect(client.stat("/resumed.bin")).rejects.toMatchObject({ reason: "pathNotFound" });

  const result = await client.upload(source, "/resumed.bin", {
    stateFile,
    chunkSizeBytes: 4 * MIB,
  });
  await expectContent(client, "/resumed.bin", content);
  expect(result.skippedBytes).toBeGreaterThanOrEqual(storedBytes);
  expect(result.sentBytes).toBeLessThanOrEqual(content.sizeBytes - storedBytes);
});

/** Runs the uploader and kills it when it says that so many bytes are stored; resolves with how many whole chunks were, in bytes. */
async function killUploader(given: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, [UPLOADER, ...given], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const gone = once(child, "exit");
  let storedBytes = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    storedBytes = Number(line);
    if (storedBytes >= Number(given[4])) break;
  }
  child.kill("SIGKILL");
  await gone;
  return storedBytes;
}
