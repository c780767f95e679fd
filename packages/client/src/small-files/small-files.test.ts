import { sha256 } from "@cairnfs/base/checksum";
import { toHex } from "@cairnfs/base/hex";
import { eventually } from "@cairnfs/base/testing/eventually";
import { SimClock } from "@cairnfs/base/testing/sim-clock";
import { chunkIdFromBytes } from "@cairnfs/protocol/chunk-id";
import { expect, test } from "vitest";
import type { CairnClient } from "../client.ts";
import { MemoryCluster, type MemoryClusterOptions } from "../testing/memory-cluster.ts";
import { inParts, testBytes } from "../testing/test-bytes.ts";
import { SMALL_FILE_BYTES_MAX } from "./put-small-file.ts";

const MIB = 1024 * 1024;
const SIZE = 100_000;

function open(options: MemoryClusterOptions = {}): Promise<MemoryCluster> {
  return MemoryCluster.open({ hasLeases: true, chunkSizeBytes: 8 * MIB, ...options });
}

async function expectFile(client: CairnClient, path: string, bytes: Uint8Array): Promise<void> {
  expect(Buffer.compare(await client.getBytes(path), bytes)).toBe(0);
}

test("small files of one directory share a lease, and each costs two calls", async () => {
  await using cluster = await open();
  const client = await cluster.connect();
  cluster.coordinator.calls.clear();
  const files = Array.from({ length: 20 }, (_, at) => testBytes(SIZE, at + 1));
  await Promise.all(files.map((bytes, at) => client.put(`/f${at}`, bytes, { dedupe: false })));
  expect(Object.fromEntries(cluster.coordinator.calls)).toEqual({ leaseFiles: 1, putFile: 20 });
  const puts = cluster.nodes.map((node) => node.wholePuts);
  expect(puts.reduce((sum, count) => sum + count, 0)).toBe(20);
  // Every node is the primary of some.
  expect(Math.min(...puts)).toBeGreaterThan(0);
  for (const [at, bytes] of files.entries()) {
    expect(cluster.holders(chunkIdFromBytes(sha256(bytes))).length).toBe(3);
    await expectFile(client, `/f${at}`, bytes);
  }
  expect(cluster.nodes.map((node) => node.reads)).toEqual([0, 0, 0]);
});

test.each([4_097, 65_536, SMALL_FILE_BYTES_MAX])(
  "a file of %i bytes is small, of whatever source it comes",
  async (size) => {
    await using cluster = await open();
    const client = await cluster.connect();
    for (const [path, source] of [
      ["/bytes", testBytes(size)],
      ["/stream", inParts(testBytes(size, 2), 10_000)],
    ] as const) {
      const progress: number[] = [];
      const { entry, sentBytes } = await client.put(path, source, {
        onProgress: ({ doneBytes }) => progress.push(doneBytes),
      });
      expect(entry).toMatchObject({ sizeBytes: size, chunkCount: 1 });
      expect(sentBytes).toBe(size);
      expect(progress.at(-1)).toBe(size);
    }
    await expectFile(client, "/stream", testBytes(size, 2));
    expect(cluster.coordinator.callCount("beginUpload")).toBe(0);
  },
);

test("a file over the limit, and one over its directory's chunk size, goes by a session", async () => {
  await using cluster = await open({ chunkSizeBytes: 256 * 1024 });
  const client = await cluster.connect();
  for (const size of [256 * 1024 + 1, SMALL_FILE_BYTES_MAX + 1]) {
    const bytes = testBytes(size);
    await client.put("/f", bytes);
    await expectFile(client, "/f", bytes);
  }
  expect(cluster.coordinator.callCount("beginUpload")).toBe(2);
  expect(cluster.nodes.map((node) => node.wholePuts)).toEqual([0, 0, 0]);
});

test("a coordinator that knows no leases is asked for a session", async () => {
  await using cluster = await open({ hasLeases: false });
  const client = await cluster.connect();
  const bytes = testBytes(SIZE);
  await client.put("/f", bytes);
  await expectFile(client, "/f", bytes);
});

test("a chunk that the domain has is not sent", async () => {
  await using cluster = await open();
  const client = await cluster.connect();
  const bytes = testBytes(SIZE);
  await client.put("/f", bytes);
  expect(await client.put("/g", bytes)).toMatchObject({ sentBytes: 0, skippedBytes: SIZE });
  expect(await client.put("/h", bytes, { dedupe: false })).toMatchObject({ sentBytes: SIZE });
  await expectFile(client, "/g", bytes);
});

test("a primary that is away costs one attempt, and the file is stored elsewhere", async () => {
  await using cluster = await open({ nodeCount: 5 });
  const client = await cluster.connect();
  cluster.cut(1);
  const files = Array.from({ length: 10 }, (_, at) => testBytes(SIZE, at + 1));
  await Promise.all(files.map((bytes, at) => client.put(`/f${at}`, bytes)));
  for (const [at, bytes] of files.entries()) await expectFile(client, `/f${at}`, bytes);
});

test("a chunk whose deletion was decided after it was stored is stored again in a session", async () => {
  await using cluster = await open();
  const client = await cluster.connect();
  const bytes = testBytes(SIZE);
  for (const node of cluster.nodes) {
    node.beforeTake = async () => {
      if (cluster.coordinator.callCount("beginUpload") > 0) return;
      cluster.coordinator.fence(toHex(sha256(bytes)));
    };
  }
  await client.put("/f", bytes, { dedupe: false });
  await expectFile(client, "/f", bytes);
  expect(cluster.coordinator.callCount("beginUpload")).toBe(1);
});

test("an answer to the put that is lost is asked for again, with one effect", async () => {
  await using cluster = await open();
  const client = await cluster.connect();
  const bytes = testBytes(SIZE);
  cluster.coordinator.failNext("putFile", "peerGone", true);
  await client.put("/f", bytes);
  await expectFile(client, "/f", bytes);
  expect(cluster.coordinator.changes.length).toBe(1);
});

test("what the coordinator refuses is refused, and leaves nothing at the path", async () => {
  await using cluster = await open();
  const client = await cluster.connect();
  const precondition = { mustNotExist: true } as const;
  await client.put("/f", testBytes(SIZE), { precondition });
  const again = client.put("/f", testBytes(SIZE, 2), { precondition });
  await expect(again).rejects.toMatchObject({ reason: "pathExists" });
  const missing = client.put("/no/f", testBytes(SIZE));
  await expect(missing).rejects.toMatchObject({ reason: "pathNotFound" });
  await expectFile(client, "/f", testBytes(SIZE));
});

test("a lease is asked for again when its time is over", async () => {
  const clock = new SimClock();
  await using cluster = await open({ clock });
  const client = await cluster.connect();
  await client.put("/a", testBytes(SIZE, 1));
  await clock.advance(29_999);
  await client.put("/b", testBytes(SIZE, 2));
  expect(cluster.coordinator.callCount("leaseFiles")).toBe(1);
  await clock.advance(1);
  await client.put("/c", testBytes(SIZE, 3));
  expect(cluster.coordinator.callCount("leaseFiles")).toBe(2);
});

test("an abort ends a put whose node hangs, and a read whose node hangs", async () => {
  await using cluster = await open();
  const client = await cluster.connect();
  const controller = new AbortController();
  const { signal } = controller;
  await client.put("/there", testBytes(SIZE));
  for (const node of cluster.nodes) {
    node.beforeTake = (_, inner) => hang(inner, controller);
    node.beforeRead = (_, inner) => hang(inner, controller);
  }
  await expect(client.put("/f", testBytes(SIZE, 2), { signal })).rejects.toMatchObject({
    reason: "cancelled",
  });
  const read = client.getBytes("/there", { signal });
  await expect(read).rejects.toMatchObject({ reason: "cancelled" });
  await expect(client.stat("/f")).rejects.toMatchObject({ reason: "pathNotFound" });
});

test.each(["corrupt", "missing", "slow", "away"] as const)(
  "a copy that is %s is read from another node",
  async (trouble) => {
    await using cluster = await open();
    const client = await cluster.connect();
    const bytes = testBytes(SIZE);
    await client.put("/f", bytes);
    const id = chunkIdFromBytes(sha256(bytes));
    for (const number of [1, 2]) {
      const node = cluster.node(number);
      if (trouble === "corrupt") node.corrupt(id, 70_000);
      else if (trouble === "missing") node.copies.delete(id);
      else if (trouble === "slow") node.beforeRead = (_, signal) => hang(signal);
      else cluster.cut(number);
    }
    for (let time = 0; time < 5; time++) await expectFile(client, "/f", bytes);
    if (trouble === "corrupt" || trouble === "missing") {
      const reported = new Set(cluster.coordinator.reports.map((report) => report.nodeNumber));
      expect([...reported].every((number) => number < 3)).toBe(true);
      expect(reported.size).toBeGreaterThan(0);
    }
  },
);

function hang(signal: AbortSignal, begun?: AbortController): Promise<never> {
  begun?.abort();
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

test("a node that says that it stored something else is not believed", async () => {
  for (const lie of [{ chunkId: new Uint8Array(32) }, { lengthBytes: BigInt(SIZE - 1) }]) {
    await using cluster = await open();
    const client = await cluster.connect();
    const liar = cluster.node(1);
    liar.tell = (stored) => ({ ...stored, ...lie });
    for (let seed = 1; seed <= 6; seed++) {
      const bytes = testBytes(SIZE, seed);
      await client.put(`/f${seed}`, bytes, { dedupe: false });
      await expectFile(client, `/f${seed}`, bytes);
    }
    expect(liar.wholePuts).toBeGreaterThan(0);
    expect(cluster.coordinator.callCount("beginUpload")).toBeGreaterThan(0);
  }
});

test.each(["corrupt", "missing"] as const)(
  "each copy that a small read found %s is reported",
  async (trouble) => {
    await using cluster = await open();
    const client = await cluster.connect();
    const bytes = testBytes(SIZE);
    await client.put("/f", bytes);
    const id = chunkIdFromBytes(sha256(bytes));
    const asked = new Set<number>();
    for (const node of cluster.nodes) {
      node.beforeRead = async () => {
        asked.add(node.nodeNumber);
      };
      if (node.nodeNumber === 3) continue;
      if (trouble === "corrupt") node.corrupt(id, 70_000);
      else node.copies.delete(id);
    }
    for (let time = 0; time < 4; time++) await expectFile(client, "/f", bytes);
    asked.delete(3);
    await eventually(() => {
      const reported = new Set(cluster.coordinator.reports.map((report) => report.nodeNumber));
      expect([...reported].sort()).toEqual([...asked].sort());
    });
  },
);
