import { execFile } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { contentOf, digestOf, digestOfFile } from "@cairnfs/testkit/content";
import { ProcessCluster } from "@cairnfs/testkit/process-cluster";
import { expect, test } from "vitest";
import { expectContent, localFile, MIB } from "../../support/verify.ts";

const run = promisify(execFile);
const PYTHON = resolve("node_modules/.cache/cairnfs/python/bin/python");
const PROTO = resolve("packages/protocol/proto");
const CLIENT = resolve("tests/conformance/grpc/client.py");

const isMissing = !existsSync(PYTHON);
if (isMissing)
  console.warn("skipped: no Python with gRPC here; `npx tsx scripts/foreign.ts` fetches one");

test.skipIf(isMissing)("a stock Python gRPC client lists, uploads and downloads", async () => {
  await using cluster = await ProcessCluster.start({ name: "grpc-python", datanodes: 3 });
  const client = await cluster.connect();
  const stubs = join(cluster.folder, "stubs");
  mkdirSync(stubs);
  const protos = (await readdir(join(PROTO, "cairn/v1"))).map((name) => `cairn/v1/${name}`);
  await run(PYTHON, [
    "-m",
    "grpc_tools.protoc",
    `-I${PROTO}`,
    `--python_out=${stubs}`,
    `--grpc_python_out=${stubs}`,
    ...protos,
  ]);
  const python = async (...given: string[]) => {
    const address = cluster.coordinator.ready.grpcAddress ?? "";
    const { stdout } = await run(PYTHON, [CLIENT, stubs, address, ...given]);
    return stdout;
  };

  const mine = { seed: 61, sizeBytes: 3 * MIB + 100_001 };
  await client.put("/py/from-sdk.bin", contentOf(mine.seed, mine.sizeBytes), {
    parents: true,
    chunkSizeBytes: MIB,
    checksum: true,
  });
  const fetched = join(cluster.folder, "fetched.bin");
  await python("get", "/py/from-sdk.bin", fetched);
  expect(await digestOfFile(fetched)).toEqual(await digestOf(contentOf(mine.seed, mine.sizeBytes)));

  const theirs = { seed: 62, sizeBytes: 2 * MIB + 3 };
  await python("put", await localFile(cluster.folder, theirs), "/py/from-python.bin");
  await expectContent(client, "/py/from-python.bin", theirs);

  await client.put("/py/small.txt", "inline");
  expect((await python("ls", "/py")).trim().split("\n")).toEqual([
    `from-python.bin ${theirs.sizeBytes}`,
    `from-sdk.bin ${mine.sizeBytes}`,
    "small.txt 6",
  ]);
  await expect(python("stat", "/py/nothing")).rejects.toMatchObject({
    stderr: expect.stringContaining("NOT_FOUND"),
  });
});
