import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { sha256 } from "@cairnfs/base/checksum";
import { CairnError } from "@cairnfs/base/errors";
import { temporaryFolder } from "@cairnfs/base/testing/temp-folder";
import { chunkIdFromBytes } from "@cairnfs/protocol/chunk-id";
import { BadReplicaKind } from "@cairnfs/protocol/gen/cairn/v1/coordinator_pb";
import { expect, test } from "vitest";
import { MemoryCluster } from "../testing/memory-cluster.ts";
import { gate, hang, testBytes } from "../testing/test-bytes.ts";

const CHUNK = 256 * 1024;
const MIB = 1024 * 1024;

function chunkIdOf(bytes: Uint8Array) {
  return chunkIdFromBytes(sha256(bytes));
}

test("any range comes back as its bytes, within one chunk and across several", async () => {
  await using cluster = await MemoryCluster.open();
  const client = await cluster.connect({ pieceBytes: 64 * 1024 });
  const bytes = testBytes(3 * CHUNK + 1_000);
  await client.put("/a", bytes);
  const offsets = [0, 1, 65_535, 65_536, 65_537, CHUNK - 1, CHUNK, 2 * CHUNK + 77, bytes.length];
  for (const offsetBytes of offsets) {
    for (const lengthBytes of [0, 1, 65_536, CHUNK + 2, undefined]) {
      const got = await client.getBytes("/a", { offsetBytes, lengthBytes });
      const end = lengthBytes === undefined ? undefined : offsetBytes + lengthBytes;
      const wanted = bytes.subarray(offsetBytes, end);
      expect(Buffer.from(got).equals(wanted), `${offsetBytes}+${lengthBytes}`).toBe(true);
    }
  }
  expect(await client.getBytes("/a", { offsetBytes: -10 })).toEqual(Buffer.from(bytes.slice(-10)));
  await expect(client.getBytes("/a", { offsetBytes: bytes.length + 1 })).rejects.toMatchObject({
    reason: "rangeNotSatisfiable",
  });
});

test("a corrupt block is read from another replica and the bad copy is reported", async () => {
  await using cluster = await MemoryCluster.open({ nodeCount: 3 });
  const client = await cluster.connect();
  const bytes = testBytes(CHUNK);
  await client.put("/a", bytes);
  const id = chunkIdOf(bytes);
  const holders = cluster.holders(id);
  for (const node of holders.slice(0, 2)) node.corrupt(id, 200_000);
  for (let turn = 0; turn < 10; turn++) {
    expect(Buffer.from(await client.getBytes("/a")).equals(bytes)).toBe(true);
  }
  const { reports } = cluster.coordinator;
  expect(reports.length).toBeGreaterThan(0);
  const corrupt = holders.slice(0, 2).map((node) => node.nodeNumber);
  for (const report of reports) {
    expect(report).toMatchObject({ chunkId: id, kind: BadReplicaKind.CORRUPT });
    expect(corrupt).toContain(report.nodeNumber);
  }
});

test("a copy with the bytes of another chunk is found out by the chunk's id, also in pieces", async () => {
  await using cluster = await MemoryCluster.open({ chunkSizeBytes: CHUNK });
  const bytes = testBytes(CHUNK);
  const id = chunkIdOf(bytes);
  const client = await cluster.connect();
  await client.put("/a", bytes);
  const holders = cluster.holders(id);
  for (const node of holders.slice(1)) node.replace(id, testBytes(CHUNK, 2));
  for (let turn = 0; turn < 5; turn++) {
    expect(Buffer.from(await client.getBytes("/a")).equals(bytes)).toBe(true);
  }
  for (const node of holders) node.replace(id, testBytes(CHUNK, 2));
  const inPieces = await cluster.connect({ pieceBytes: 65_536 });
  await expect(inPieces.getBytes("/a")).rejects.toMatchObject({ reason: "chunkCorrupt" });
});

test("a copy that is missing is read elsewhere and reported", async () => {
  await using cluster = await MemoryCluster.open();
  const client = await cluster.connect();
  const bytes = testBytes(CHUNK);
  await client.put("/a", bytes);
  const id = chunkIdOf(bytes);
  for (const node of cluster.holders(id).slice(1)) node.copies.delete(id);
  for (let turn = 0; turn < 5; turn++) {
    expect(Buffer.from(await client.getBytes("/a")).equals(bytes)).toBe(true);
  }
  expect(cluster.coordinator.reports.map((report) => report.kind)).toContain(
    BadReplicaKind.MISSING,
  );
});

test("a copy that its node's disk does not give is read elsewhere and reported", async () => {
  await using cluster = await MemoryCluster.open();
  const client = await cluster.connect();
  const bytes = testBytes(2 * MIB);
  await client.put("/a", bytes, { chunkSizeBytes: 2 * MIB });
  const failing = new Set([1, 2]);
  for (const node of cluster.nodes) {
    node.beforeSend = async () => {
      if (failing.has(node.nodeNumber)) throw new CairnError("storeFailed", "the disk failed");
    };
  }
  for (let turn = 0; turn < 10; turn++) {
    expect(Buffer.from(await client.getBytes("/a")).equals(bytes)).toBe(true);
  }
  const { reports } = cluster.coordinator;
  expect(reports.length).toBeGreaterThan(0);
  for (const report of reports) {
    expect(report).toMatchObject({ chunkId: chunkIdOf(bytes), kind: BadReplicaKind.CORRUPT });
    expect(failing.has(report.nodeNumber)).toBe(true);
  }
});

test("when no replica can be read the error names the chunk, the nodes and why", async () => {
  await using cluster = await MemoryCluster.open();
  const client = await cluster.connect();
  const bytes = testBytes(CHUNK);
  await client.put("/a", bytes);
  const id = chunkIdOf(bytes);
  cluster.cut(1);
  cluster.node(2).copies.delete(id);
  cluster.node(3).corrupt(id);
  const failure = await client.getBytes("/a").catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(CairnError);
  expect(failure).toMatchObject({ reason: "chunkUnavailable", details: { chunkId: id } });
  expect(String(failure)).toMatch(/node 1: unreachable/u);
  expect(String(failure)).toMatch(/node 2: chunkNotFound/u);
  expect(String(failure)).toMatch(/node 3: chunkCorrupt/u);
  expect(client.memory.downloads.usedBytes).toBe(0);
});

test("a node that dies in the middle of a piece is followed by another from the next block on", async () => {
  await using cluster = await MemoryCluster.open({ chunkSizeBytes: 2 * MIB });
  const client = await cluster.connect();
  const bytes = testBytes(2 * MIB);
  await client.put("/a", bytes);
  let deaths = 0;
  for (const node of cluster.nodes) {
    node.sentBytes = 0;
    node.beforeSend = async (offsetBytes) => {
      if (offsetBytes < MIB || deaths > 0) return;
      deaths += 1;
      throw new CairnError("storeFailed", "the disk errs");
    };
  }
  expect(Buffer.from(await client.getBytes("/a")).equals(bytes)).toBe(true);
  expect(deaths).toBe(1);
  const sentBytes = cluster.nodes.reduce((sum, node) => sum + node.sentBytes, 0);
  expect(sentBytes).toBe(2 * MIB);
});

test("a replica that hangs gets a rival, and is not asked first again", async () => {
  await using cluster = await MemoryCluster.open();
  const client = await cluster.connect({ hedgeDelayMs: 5, stallMs: 60_000 });
  const bytes = testBytes(4 * CHUNK);
  await client.put("/a", bytes);
  cluster.node(2).beforeRead = (_, signal) => hang(signal);
  expect(Buffer.from(await client.getBytes("/a")).equals(bytes)).toBe(true);
  const readsOfHung = cluster.node(2).reads;
  for (let turn = 0; turn < 5; turn++) await client.getBytes("/a");
  expect(cluster.node(2).reads).toBe(readsOfHung);
});

test("a replica that hangs in the middle of a piece gets a rival from there on", async () => {
  await using cluster = await MemoryCluster.open({ chunkSizeBytes: 2 * MIB });
  const client = await cluster.connect({ hedgeDelayMs: 5, stallMs: 60_000 });
  const bytes = testBytes(2 * MIB);
  await client.put("/a", bytes);
  let hangs = 0;
  for (const node of cluster.nodes) {
    node.beforeSend = async (offsetBytes, signal) => {
      if (offsetBytes < MIB || hangs > 0) return;
      hangs += 1;
      await hang(signal);
    };
  }
  expect(Buffer.from(await client.getBytes("/a")).equals(bytes)).toBe(true);
  expect(hangs).toBe(1);
});

test("a replica that hangs and has no rival left is given up as stalled", async () => {
  await using cluster = await MemoryCluster.open();
  const client = await cluster.connect({ hedgeDelayMs: 5, stallMs: 30 });
  await client.put("/a", testBytes(CHUNK));
  for (const node of cluster.nodes) node.beforeRead = (_, signal) => hang(signal);
  await expect(client.getBytes("/a")).rejects.toThrow(/stalled/u);
});

test("a file that is open can be read while the coordinator is away, whatever happened to its path", async () => {
  await using cluster = await MemoryCluster.open({ chunkSizeBytes: 65_536 });
  const client = await cluster.connect();
  const bytes = testBytes(65_536 * 40);
  await client.put("/a", bytes);
  const file = await client.open("/a");
  await client.put("/a", testBytes(10));
  await cluster.stopCoordinator();
  cluster.cut(1);
  expect(Buffer.from(await file.readBytes()).equals(bytes)).toBe(true);
});

test("a node that came back at another address is found after asking for the node table", async () => {
  await using cluster = await MemoryCluster.open({ nodeCount: 3 });
  const client = await cluster.connect();
  const bytes = testBytes(CHUNK);
  await client.put("/a", bytes);
  const file = await client.open("/a");
  const id = chunkIdOf(bytes);
  const fresh = await cluster.addNode();
  const copy = cluster.node(1).copies.get(id);
  if (copy !== undefined) fresh.copies.set(id, copy);
  for (const number of [1, 2, 3]) cluster.cut(number);
  cluster.coordinator.chunks.get(id)?.nodeNumbers.add(fresh.nodeNumber);
  expect(Buffer.from(await file.readBytes()).equals(bytes)).toBe(true);
});

test("leaving a download early cancels what is under way and gives the memory back", async () => {
  await using cluster = await MemoryCluster.open();
  const client = await cluster.connect({ pieceBytes: 65_536 });
  await client.put("/a", testBytes(8 * CHUNK));
  for await (const part of await client.get("/a")) {
    expect(part.byteLength).toBeGreaterThan(0);
    break;
  }
  expect(client.memory.downloads.usedBytes).toBe(0);
});

test("an abort ends a download that waits for a node that hangs", async () => {
  await using cluster = await MemoryCluster.open();
  const client = await cluster.connect({ hedgeDelayMs: Number.POSITIVE_INFINITY });
  await client.put("/a", testBytes(2 * CHUNK));
  const begun = gate();
  for (const node of cluster.nodes) {
    node.beforeRead = (_, signal) => {
      begun.open();
      return hang(signal);
    };
  }
  const controller = new AbortController();
  const download = client.getBytes("/a", { signal: controller.signal });
  await begun.opened;
  controller.abort();
  await expect(download).rejects.toMatchObject({ reason: "cancelled" });
  expect(client.memory.downloads.usedBytes).toBe(0);
});

test("readers who pause keep nobody waiting, and what is read ahead stays within the budget", async () => {
  await using cluster = await MemoryCluster.open({ chunkSizeBytes: MIB });
  const client = await cluster.connect({ memoryBytes: 4 * MIB, pieceBytes: MIB });
  const bytes = testBytes(8 * MIB);
  await client.put("/a", bytes);
  const paused = [];
  for (let reader = 0; reader < 4; reader++) {
    const parts = (await client.get("/a"))[Symbol.asyncIterator]();
    await parts.next();
    paused.push(parts);
  }
  expect(Buffer.from(await client.getBytes("/a")).equals(bytes)).toBe(true);
  expect(client.memory.downloads.peakBytes).toBeLessThanOrEqual(4 * MIB);
  for (const parts of paused) await parts.return();
  expect(client.memory.downloads.usedBytes).toBe(0);
});

test("a download becomes the local file at once, and a failed one leaves what was there", async () => {
  await using cluster = await MemoryCluster.open();
  await using folder = await temporaryFolder();
  const client = await cluster.connect();
  const bytes = testBytes(5 * CHUNK + 9);
  await client.put("/a", bytes);
  const target = join(folder.path, "a.bin");
  await writeFile(target, "old");
  const seen: number[] = [];
  await client.download("/a", target, { onProgress: ({ doneBytes }) => seen.push(doneBytes) });
  expect((await readFile(target)).equals(bytes)).toBe(true);
  expect((await stat(target)).mode & 0o044).toBe(0o044 & ~process.umask());
  expect(seen.at(-1)).toBe(bytes.byteLength);

  for (const number of [1, 2, 3]) cluster.cut(number);
  await expect(client.download("/a", target)).rejects.toMatchObject({ reason: "chunkUnavailable" });
  expect((await readFile(target)).equals(bytes)).toBe(true);
  expect(await readdir(folder.path)).toEqual(["a.bin"]);
});

test("an empty file and a file in its inode are downloaded too", async () => {
  await using cluster = await MemoryCluster.open();
  await using folder = await temporaryFolder();
  const client = await cluster.connect();
  for (const text of ["", "hello"]) {
    await client.put("/a", text);
    await client.download("/a", join(folder.path, "a"));
    expect(await readFile(join(folder.path, "a"), "utf8")).toBe(text);
  }
});

test("parts that are good only until the next one are those of the file in their time", async () => {
  await using cluster = await MemoryCluster.open();
  const client = await cluster.connect();
  const bytes = testBytes(1_000_003);
  await client.put("/a", bytes);
  let atBytes = 0;
  for await (const part of (await client.open("/a")).read({ isTransient: true })) {
    const expected = bytes.subarray(atBytes, atBytes + part.byteLength);
    expect(Buffer.compare(part, expected)).toBe(0);
    atBytes += part.byteLength;
  }
  expect(atBytes).toBe(bytes.byteLength);
});
