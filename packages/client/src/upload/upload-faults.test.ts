import { sha256 } from "@cairnfs/base/checksum";
import { CairnError } from "@cairnfs/base/errors";
import { toHex } from "@cairnfs/base/hex";
import { eventually } from "@cairnfs/base/testing/eventually";
import { expect, test } from "vitest";
import type { CairnClient } from "../client.ts";
import { SMALL_FILE_BYTES_MAX } from "../small-files/put-small-file.ts";
import { MemoryCluster } from "../testing/memory-cluster.ts";
import { gate, hang, inParts, testBytes } from "../testing/test-bytes.ts";

const CHUNK = 256 * 1024;
const MIB = 1024 * 1024;

async function expectFile(client: CairnClient, path: string, bytes: Uint8Array): Promise<void> {
  expect(Buffer.from(await client.getBytes(path)).equals(bytes)).toBe(true);
}

test("a primary that dies in the middle of a chunk is replaced, and only that chunk is sent again", async () => {
  await using cluster = await MemoryCluster.open({ nodeCount: 4, chunkSizeBytes: 2 * MIB });
  const client = await cluster.connect({ parallelChunks: 1 });
  const bytes = testBytes(8 * MIB);
  let hasDied = false;
  cluster.node(2).beforeTake = async (offsetBytes) => {
    if (offsetBytes === 0 || hasDied) return;
    hasDied = true;
    cluster.cut(2);
    throw new CairnError("peerGone", "the node is gone");
  };
  const { sentBytes } = await client.put("/a", bytes);
  expect(hasDied).toBe(true);
  expect(sentBytes).toBeGreaterThanOrEqual(8 * MIB);
  expect(sentBytes).toBeLessThan(10 * MIB);
  await expectFile(client, "/a", bytes);
});

test("a stream survives the death of a node as well, since its chunk is still in memory", async () => {
  await using cluster = await MemoryCluster.open({ nodeCount: 4, chunkSizeBytes: 2 * MIB });
  const client = await cluster.connect();
  const bytes = testBytes(5 * MIB + 3);
  let hasDied = false;
  cluster.node(1).beforeTake = async (offsetBytes) => {
    if (offsetBytes === 0) return;
    hasDied = true;
    cluster.cut(1);
  };
  await client.put("/a", inParts(bytes, 50_000));
  expect(hasDied).toBe(true);
  await expectFile(client, "/a", bytes);
});

test.each(["storeFull", "storeFailed", "shuttingDown", "overloaded"] as const)(
  "a node that answers %s is left out and the chunk goes elsewhere",
  async (reason) => {
    await using cluster = await MemoryCluster.open({ nodeCount: 4 });
    const client = await cluster.connect();
    cluster.node(1).beforeTake = async () => {
      throw new CairnError(reason, "no");
    };
    const bytes = testBytes(3 * CHUNK);
    await client.put("/a", bytes);
    await expectFile(client, "/a", bytes);
  },
);

test("replicas that fail the quorum are left out of the next placement", async () => {
  await using cluster = await MemoryCluster.open({ nodeCount: 5 });
  const client = await cluster.connect();
  for (const number of [2, 3]) {
    cluster.node(number).beforeTake = async () => {
      throw new CairnError("storeFull", "full");
    };
  }
  const bytes = testBytes(CHUNK);
  await client.put("/a", bytes);
  await expectFile(client, "/a", bytes);
});

test("a node that takes nothing is left as stalled", async () => {
  await using cluster = await MemoryCluster.open({ nodeCount: 4 });
  const client = await cluster.connect({ stallMs: 50 });
  cluster.node(1).beforeTake = (_, signal) => hang(signal);
  const bytes = testBytes(CHUNK);
  await client.put("/a", bytes);
  await expectFile(client, "/a", bytes);
});

test("when no placement works the upload fails with the reason, is aborted, and gives its memory back", async () => {
  await using cluster = await MemoryCluster.open();
  const client = await cluster.connect({ storeAttempts: 2 });
  for (const node of cluster.nodes) {
    node.beforeTake = async () => {
      throw new CairnError("storeFull", "full");
    };
  }
  await expect(client.put("/a", inParts(testBytes(2 * CHUNK), 9_999))).rejects.toMatchObject({
    reason: "storeFull",
  });
  expect(cluster.coordinator.sessions.size).toBe(0);
  expect(client.memory.uploads.usedBytes).toBe(0);
  await expect(client.stat("/a")).rejects.toMatchObject({ reason: "pathNotFound" });
});

test("a source that fails aborts the upload and its own error comes out", async () => {
  await using cluster = await MemoryCluster.open();
  const client = await cluster.connect();
  const failure = new Error("the disk of the user is broken");
  async function* source() {
    yield testBytes(2 * CHUNK);
    throw failure;
  }
  await expect(client.put("/a", source())).rejects.toBe(failure);
  expect(cluster.coordinator.sessions.size).toBe(0);
  expect(client.memory.uploads.usedBytes).toBe(0);
  await expect(client.stat("/a")).rejects.toMatchObject({ reason: "pathNotFound" });
});

test("an abort in the middle leaves nothing, closes the source, and gives the memory back", async () => {
  await using cluster = await MemoryCluster.open();
  const client = await cluster.connect();
  const controller = new AbortController();
  let isClosed = false;
  async function* source() {
    try {
      yield testBytes(3 * CHUNK);
      controller.abort();
      yield testBytes(3 * CHUNK, 2);
    } finally {
      isClosed = true;
    }
  }
  await expect(client.put("/a", source(), { signal: controller.signal })).rejects.toMatchObject({
    reason: "cancelled",
  });
  expect(cluster.coordinator.sessions.size).toBe(0);
  expect(client.memory.uploads.usedBytes).toBe(0);
  expect(isClosed).toBe(true);
  await expect(client.stat("/a")).rejects.toMatchObject({ reason: "pathNotFound" });
});

test("an abort ends an upload whose source hangs and whose node hangs", async () => {
  await using cluster = await MemoryCluster.open();
  const client = await cluster.connect();
  const controller = new AbortController();
  const begun = gate();
  cluster.node(1).beforeTake = (_, signal) => {
    begun.open();
    return hang(signal);
  };
  async function* source() {
    yield testBytes(SMALL_FILE_BYTES_MAX + CHUNK);
    yield testBytes(1, 2);
    await new Promise(() => undefined);
  }
  const upload = client.put("/a", source(), { signal: controller.signal });
  await begun.opened;
  controller.abort();
  await expect(upload).rejects.toMatchObject({ reason: "cancelled" });
  expect(client.memory.uploads.usedBytes).toBe(0);
});

test("a coordinator that restarts in the middle is waited for, and the session goes on", async () => {
  await using cluster = await MemoryCluster.open();
  const client = await cluster.connect();
  const begunBytes = SMALL_FILE_BYTES_MAX + CHUNK;
  const bytes = testBytes(begunBytes + 3 * CHUNK);
  async function* source() {
    yield bytes.subarray(0, begunBytes);
    await cluster.stopCoordinator();
    yield bytes.subarray(begunBytes, begunBytes + 2 * CHUNK);
    await cluster.startCoordinator();
    yield bytes.subarray(begunBytes + 2 * CHUNK);
  }
  const { sentBytes } = await client.put("/a", source());
  expect(sentBytes).toBe(bytes.byteLength);
  await expectFile(client, "/a", bytes);
});

test.each(["putFile", "beginUpload", "addChunks", "commitUpload", "leasePlacements"])(
  "an answer to %s that is lost is asked for again, with one effect",
  async (method) => {
    await using cluster = await MemoryCluster.open();
    const client = await cluster.connect();
    const bytes = testBytes(method === "putFile" ? 100 : 8 * CHUNK);
    cluster.coordinator.failNext(method, "peerGone", true);
    await client.put("/a", method === "putFile" ? bytes : inParts(bytes, CHUNK));
    await expectFile(client, "/a", bytes);
    expect(cluster.coordinator.changes.length).toBe(1);
    expect(cluster.coordinator.callCount(method)).toBeGreaterThanOrEqual(2);
    expect(cluster.coordinator.sessions.size).toBe(method === "putFile" ? 0 : 1);
  },
);

test("a chunk whose deletion was decided after it was stored is stored again under a later epoch", async () => {
  await using cluster = await MemoryCluster.open();
  const client = await cluster.connect();
  const bytes = testBytes(2 * CHUNK);
  for (const source of [bytes, inParts(bytes, 77_777)]) {
    let isDecided = false;
    for (const node of cluster.nodes) {
      node.beforeTake = async () => {
        if (!isDecided) cluster.coordinator.fence(toHex(sha256(bytes.subarray(CHUNK))));
        isDecided = true;
      };
    }
    const { sentBytes } = await client.put("/a", source, { dedupe: false });
    expect(sentBytes).toBe(3 * CHUNK);
    await expectFile(client, "/a", bytes);
  }
});

test("chunks that the cluster has are not sent, unless the caller does not want to know", async () => {
  await using cluster = await MemoryCluster.open();
  const client = await cluster.connect();
  const bytes = testBytes(5 * CHUNK + 100_000);
  expect(await client.put("/a", bytes)).toMatchObject({ sentBytes: bytes.byteLength });
  const again = await client.put("/b", inParts(bytes, 64_000));
  expect(again).toMatchObject({ sentBytes: 0, skippedBytes: bytes.byteLength });
  expect(await client.put("/c", bytes, { dedupe: false })).toMatchObject({ skippedBytes: 0 });
  await expectFile(client, "/b", bytes);
});

test("a chunk that repeats within a file is sent once", async () => {
  await using cluster = await MemoryCluster.open();
  const client = await cluster.connect();
  const bytes = new Uint8Array(20 * CHUNK);
  const { sentBytes, entry } = await client.put("/zeros", bytes);
  expect(sentBytes).toBe(CHUNK);
  expect(entry.sizeBytes).toBe(bytes.byteLength);
  await expectFile(client, "/zeros", bytes);
});

test("of two uploads to one path the last commit stands, whole", async () => {
  await using cluster = await MemoryCluster.open();
  const client = await cluster.connect();
  const first = testBytes(3 * CHUNK, 1);
  const second = testBytes(3 * CHUNK, 2);
  const options = { checksum: true };
  await Promise.all([client.put("/a", first, options), client.put("/a", second, options)]);
  const { changes } = cluster.coordinator;
  expect(changes.map((change) => change.path)).toEqual(["/a", "/a"]);
  const { sha256: digest } = await client.stat("/a");
  const stands = digest === toHex(sha256(first)) ? first : second;
  await expectFile(client, "/a", stands);
});

test("a path that must not exist is refused when it does, in one call and in a session", async () => {
  await using cluster = await MemoryCluster.open();
  const client = await cluster.connect();
  const precondition = { mustNotExist: true } as const;
  for (const sizeBytes of [10, 2 * CHUNK]) {
    const path = `/${sizeBytes}`;
    await client.put(path, testBytes(sizeBytes), { precondition });
    await expect(client.put(path, testBytes(sizeBytes), { precondition })).rejects.toMatchObject({
      reason: "pathExists",
    });
  }
});

test("the memory of uploads stays within the budget, however many there are", async () => {
  await using cluster = await MemoryCluster.open({ chunkSizeBytes: 1024 * 1024 });
  const client = await cluster.connect({ memoryBytes: 4 * 1024 * 1024 });
  const bytes = testBytes(5 * 1024 * 1024);
  const uploads = Array.from({ length: 6 }, (_, at) =>
    client.put(`/${at}`, inParts(bytes, 99_999)),
  );
  await Promise.all(uploads);
  expect(client.memory.uploads.peakBytes).toBe(4 * 1024 * 1024);
  expect(client.memory.uploads.usedBytes).toBe(0);
  await expectFile(client, "/5", bytes);
});

test("a stream gets chunks that fit in memory, whatever the policy of its directory", async () => {
  await using cluster = await MemoryCluster.open({ chunkSizeBytes: 64 * 1024 * 1024 });
  const client = await cluster.connect({ memoryBytes: 4 * 1024 * 1024 });
  const bytes = testBytes(3 * 1024 * 1024);
  const { entry } = await client.put("/a", inParts(bytes, 500_000));
  expect(entry.chunkSizeBytes).toBe(2 * 1024 * 1024);
  expect(cluster.coordinator.sessions.size).toBe(1);
  await expectFile(client, "/a", bytes);
});

test("a stream with chunks larger than memory, asked for, is sent while it comes", async () => {
  await using cluster = await MemoryCluster.open();
  const client = await cluster.connect({ memoryBytes: 6 * 1024 * 1024 });
  const bytes = testBytes(20 * 1024 * 1024 + 5);
  const options = { chunkSizeBytes: 16 * 1024 * 1024, checksum: true };
  const { entry } = await client.put("/a", inParts(bytes, 1_000_000), options);
  expect(entry).toMatchObject({ chunkCount: 2, sha256: toHex(sha256(bytes)) });
  expect(client.memory.uploads.peakBytes).toBeLessThanOrEqual(6 * 1024 * 1024);
  await expectFile(client, "/a", bytes);

  cluster.node(1).beforeTake = async (offsetBytes) => {
    if (offsetBytes > 0) throw new CairnError("storeFailed", "the disk errs");
  };
  cluster.node(2).beforeTake = cluster.node(1).beforeTake;
  const other = testBytes(20 * 1024 * 1024, 3);
  await expect(client.put("/b", inParts(other, 1_000_000), options)).rejects.toThrow(
    /cannot be read again/u,
  );
});

test("a chunk that was sent while it came and is wanted again fails the upload, which says why", async () => {
  await using cluster = await MemoryCluster.open();
  const client = await cluster.connect({ memoryBytes: 6 * 1024 * 1024 });
  const bytes = testBytes(16 * 1024 * 1024 + 5);
  const id = toHex(sha256(bytes.subarray(0, 16 * 1024 * 1024)));
  let isDecided = false;
  for (const node of cluster.nodes) {
    node.beforeTake = async () => {
      if (!isDecided) cluster.coordinator.fence(id);
      isDecided = true;
    };
  }
  const options = { chunkSizeBytes: 16 * 1024 * 1024 };
  const put = client.put("/a", inParts(bytes, 1_000_000), options);
  await expect(put).rejects.toMatchObject({ name: "CairnError", reason: "chunkNeeded" });
  await expect(put).rejects.toThrow(/chunk 0 .* cannot be read again/u);
});

test("progress grows to the whole size", async () => {
  await using cluster = await MemoryCluster.open();
  const client = await cluster.connect();
  const seen: number[] = [];
  const bytes = testBytes(4 * CHUNK);
  await client.put("/a", bytes, {
    onProgress: ({ doneBytes, totalBytes }) => {
      expect(totalBytes).toBe(bytes.byteLength);
      seen.push(doneBytes);
    },
  });
  expect(seen.at(-1)).toBe(bytes.byteLength);
  expect(seen.toSorted((a, b) => a - b)).toEqual(seen);
});

test("streams that stand still with all the memory keep nobody waiting who has no patience", async () => {
  await using cluster = await MemoryCluster.open({ nodeCount: 3, chunkSizeBytes: 2 * MIB });
  const client = await cluster.connect({ memoryBytes: 4 * MIB });
  const abort = new AbortController();
  const { signal } = abort;
  const begun = [gate(), gate()];
  const standing = begun.map(({ open }, at) =>
    client
      .put(`/standing/${at}`, standStill(testBytes(MIB + 100), open, signal), {
        signal,
        parents: true,
      })
      .catch((error: unknown) => error),
  );
  for (const { opened } of begun) await opened;
  await eventually(() => expect(client.memory.uploads.usedBytes).toBe(4 * MIB));
  const bytes = testBytes(5 * MIB + 1);
  await client.put("/a", inParts(bytes, 70_000), { memoryPatienceMs: 1 });
  await expectFile(client, "/a", bytes);
  abort.abort();
  await Promise.all(standing);
});

async function* standStill(bytes: Uint8Array, then: () => void, signal: AbortSignal) {
  yield bytes;
  then();
  await hang(signal);
}
