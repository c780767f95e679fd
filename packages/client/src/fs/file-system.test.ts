import * as nodeFs from "node:fs";
import * as nodeFsPromises from "node:fs/promises";
import { temporaryFolder } from "@cairnfs/base/testing/temp-folder";
import { expect, test } from "vitest";
import type { CairnClient } from "../client.ts";
import { MemoryCluster } from "../testing/memory-cluster.ts";
import { testBytes } from "../testing/test-bytes.ts";
import { describeFileSystem, type FileSystemUnderTest } from "./file-system.contract.ts";

describeFileSystem("node:fs", async () => {
  const folder = await temporaryFolder();
  return {
    fs: nodeFsPromises,
    root: folder.path,
    createReadStream: nodeFs.createReadStream,
    createWriteStream: nodeFs.createWriteStream,
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
});

describeFileSystem("CairnFileSystem", async () => {
  const cluster = await MemoryCluster.open();
  const client = await cluster.connect();
  await client.mkdir("/root");
  // The contract holds it to be what it claims; its types are narrower in what is rarely used.
  const fs = client.fs as unknown as FileSystemUnderTest["fs"];
  return {
    fs,
    root: "/root",
    createReadStream: (path, options) => client.fs.createReadStream(path, options),
    createWriteStream: (path, options) => client.fs.createWriteStream(path, options),
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  };
});

const CHUNK = 256 * 1024;

async function withClient(body: (client: CairnClient, cluster: MemoryCluster) => Promise<void>) {
  await using cluster = await MemoryCluster.open();
  await body(await cluster.connect(), cluster);
}

test("adding to a large file moves only the last part of it", () =>
  withClient(async (client) => {
    const bytes = testBytes(8 * CHUNK + 1_000);
    await client.put("/log", bytes);
    const { sentBytes } = await client.append("/log", "the end");
    expect(sentBytes).toBeLessThanOrEqual(CHUNK);
    const whole = Buffer.concat([bytes, Buffer.from("the end")]);
    expect((await client.fs.readFile("/log")).equals(whole)).toBe(true);
    await client.fs.truncate("/log", 3 * CHUNK + 5);
    expect((await client.fs.readFile("/log")).equals(whole.subarray(0, 3 * CHUNK + 5))).toBe(true);
  }));

test("of many who add to a file at once none is lost", () =>
  withClient(async (client) => {
    await client.put("/log", testBytes(2 * CHUNK));
    const lines = Array.from({ length: 8 }, (_, at) => `line ${at}\n`);
    await Promise.all(lines.map((line) => client.fs.appendFile("/log", line)));
    const text = (await client.fs.readFile("/log")).subarray(2 * CHUNK).toString();
    expect(text.split("\n").filter(Boolean).toSorted()).toEqual(lines.map((line) => line.trim()));
  }));

test("a right to chunks that was lost is made good by sending them", () =>
  withClient(async (client, cluster) => {
    const bytes = testBytes(3 * CHUNK);
    const { entry } = await client.put("/a", bytes);
    const [chunk] = cluster.coordinator.contents.get(entry.contentId)?.chunks ?? [];
    cluster.coordinator.withoutRight.add(chunk?.id ?? "");
    const { sentBytes } = await client.append("/a", testBytes(CHUNK, 9));
    expect(sentBytes).toBe(2 * CHUNK);
    const whole = Buffer.concat([bytes, testBytes(CHUNK, 9)]);
    expect(Buffer.from(await client.getBytes("/a")).equals(whole)).toBe(true);
  }));

test("a stream that is destroyed leaves the path as it was", () =>
  withClient(async (client, cluster) => {
    await client.put("/a", "old");
    const stream = client.fs.createWriteStream("/a");
    await new Promise<void>((resolve) => {
      stream.write(testBytes(3 * CHUNK), () => resolve());
    });
    const closed = new Promise((resolve) => stream.once("close", resolve));
    stream.on("error", () => undefined);
    stream.destroy(new Error("changed my mind"));
    await closed;
    expect(await client.fs.readFile("/a", "utf8")).toBe("old");
    expect(cluster.coordinator.sessions.size).toBe(0);
    expect(client.memory.uploads.usedBytes).toBe(0);
  }));

test("what a cluster of files cannot do is refused with a code", () =>
  withClient(async (client) => {
    await client.put("/a", "0123");
    await expect(client.fs.open("/a", "r+")).rejects.toMatchObject({ code: "ENOTSUP" });
    await expect(client.fs.symlink("/a", "/b")).rejects.toMatchObject({ code: "ENOSYS" });
    const handle = await client.fs.open("/b", "w");
    await handle.write("x");
    await expect(handle.write("y", 7)).rejects.toMatchObject({ code: "ENOTSUP" });
    await handle.close();
    await expect(handle.read()).rejects.toMatchObject({ code: "EBADF" });
    await expect(client.fs.readFile("a\0b")).rejects.toMatchObject({
      code: "ERR_INVALID_ARG_VALUE",
    });
    await expect(client.fs.open("/a", "rx")).rejects.toMatchObject({
      code: "ERR_INVALID_ARG_VALUE",
    });
  }));

test("small reads one after the other do not each go to a node", () =>
  withClient(async (client, cluster) => {
    await client.put("/a", testBytes(4 * CHUNK));
    const handle = await client.fs.open("/a");
    const buffer = Buffer.alloc(1_000);
    for (let at = 0; at < 500; at++) await handle.read(buffer, 0, 1_000);
    expect(cluster.nodes.reduce((sum, node) => sum + node.reads, 0)).toBeLessThan(10);
  }));
