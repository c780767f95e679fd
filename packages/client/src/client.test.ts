import { CairnError } from "@cairnfs/base/errors";
import { eventually } from "@cairnfs/base/testing/eventually";
import { MemoryNetwork } from "@cairnfs/protocol/memory/memory-network";
import { expect, test } from "vitest";
import { connect } from "./client.ts";
import type { FileEntry } from "./entry.ts";
import { MemoryCluster } from "./testing/memory-cluster.ts";

async function names(entries: AsyncIterable<FileEntry>): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of entries) found.push(entry.path);
  return found;
}

test("a cluster that does not answer is an error, soon", async () => {
  const network = new MemoryNetwork();
  const attempt = connect({ coordinator: "nobody:1", network, patienceMs: 30 });
  await expect(attempt).rejects.toMatchObject({ reason: "unreachable" });
});

test("options that make no sense are refused by name", async () => {
  const network = new MemoryNetwork();
  for (const [option, wrong] of [
    ["coordinator", { coordinator: [] }],
    ["memoryBytes", { coordinator: "a:1", memoryBytes: 1 }],
    ["pieceBytes", { coordinator: "a:1", pieceBytes: 65_537 }],
  ] as const) {
    await expect(connect({ ...wrong, network })).rejects.toThrow(option);
  }
});

test("the next coordinator is asked when one is away", async () => {
  await using cluster = await MemoryCluster.open();
  const client = await cluster.connect({ coordinator: ["nobody:1", "coordinator:1"] });
  await client.put("/a", "x");
  expect(await (await client.get("/a")).text()).toBe("x");
});

test("files and directories are made, listed, moved, copied, described and removed", async () => {
  await using cluster = await MemoryCluster.open();
  const client = await cluster.connect();
  await client.mkdir("/photos/2026", { parents: true });
  await client.put("/photos/2026/b.jpg", "bb", { contentType: "image/jpeg" });
  await client.put("/photos/a.txt", "a", { userMetadata: { who: "me" }, mode: 0o600 });
  expect(await names(client.list("/photos"))).toEqual(["/photos/2026", "/photos/a.txt"]);
  expect(await names(client.walk("/"))).toEqual([
    "/photos",
    "/photos/2026",
    "/photos/2026/b.jpg",
    "/photos/a.txt",
  ]);
  expect(await client.du("/photos")).toMatchObject({
    fileCount: 2,
    directoryCount: 1,
    sizeBytes: 3,
  });
  expect(await client.stat("/photos/a.txt")).toMatchObject({
    kind: "file",
    name: "a.txt",
    sizeBytes: 1,
    mode: 0o600,
    userMetadata: { who: "me" },
  });
  await client.rename("/photos", "/pictures");
  await client.copy("/pictures/a.txt", "/copy.txt");
  const changed = await client.setAttributes("/copy.txt", { contentType: "text/plain" });
  expect(changed.contentType).toBe("text/plain");
  await expect(client.remove("/pictures")).rejects.toMatchObject({ reason: "directoryNotEmpty" });
  await client.remove("/pictures", { recursive: true });
  expect(await names(client.list("/"))).toEqual(["/copy.txt"]);
  await expect(client.remove("/copy.txt", { precondition: { version: 1 } })).rejects.toMatchObject({
    reason: "preconditionFailed",
  });
});

test("a long listing comes page by page, every entry once", async () => {
  await using cluster = await MemoryCluster.open();
  const client = await cluster.connect();
  const wanted: string[] = [];
  for (let at = 100; at < 125; at++) {
    await client.put(`/${at}`, "x");
    wanted.push(`/${at}`);
  }
  expect(await names(client.list("/", { pageSize: 7 }))).toEqual(wanted);
  const page = await client.listPage("/", { pageSize: 10, after: "109" });
  expect(page.entries.map((entry) => entry.path)).toEqual(wanted.slice(10, 20));
  expect(page.nextAfter).toBe("119");
});

test("an answer that was lost is asked for again, with one effect", async () => {
  await using cluster = await MemoryCluster.open();
  const client = await cluster.connect();
  await client.put("/a", "x");
  cluster.coordinator.failNext("rename", "peerGone", true);
  await client.rename("/a", "/b");
  cluster.coordinator.failNext("remove", "peerGone", true);
  await client.remove("/b");
  expect(await names(client.list("/"))).toEqual([]);
});

test("an aborted call says so, also one that never began", async () => {
  await using cluster = await MemoryCluster.open();
  const client = await cluster.connect();
  await cluster.stopCoordinator();
  const controller = new AbortController();
  const waiting = client.stat("/", { signal: controller.signal });
  controller.abort();
  await expect(waiting).rejects.toMatchObject({ reason: "cancelled" });
  await expect(client.stat("/", { signal: controller.signal })).rejects.toMatchObject({
    reason: "cancelled",
  });
});

test("a client that was closed refuses and does not wait", async () => {
  await using cluster = await MemoryCluster.open();
  const client = await cluster.connect();
  await cluster.stopCoordinator();
  const waiting = client.stat("/").catch((error: unknown) => error);
  await client.close();
  expect(await waiting).toBeInstanceOf(CairnError);
  await expect(client.stat("/")).rejects.toThrow(/closed/u);
});

test("changes are watched across a coordinator that restarts, each once and in order", async () => {
  await using cluster = await MemoryCluster.open();
  const client = await cluster.connect();
  await client.put("/0", "x");
  const controller = new AbortController();
  const seen: string[] = [];
  const watching = (async () => {
    const options = { afterPosition: "0000000000000001", signal: controller.signal };
    for await (const change of client.watch(options)) {
      seen.push(`${change.kind} ${change.path}`);
      if (seen.length === 1) {
        await cluster.stopCoordinator();
        await cluster.startCoordinator();
        await client.put("/2", "x");
        await client.rename("/2", "/3");
      }
      if (seen.length === 3) controller.abort();
    }
  })();
  await client.put("/1", "x");
  await expect(watching).rejects.toMatchObject({ reason: "cancelled" });
  expect(seen).toEqual(["put /1", "put /2", "rename /2"]);
});

test("what happens while a watch that saw nothing yet reconnects is seen", async () => {
  await using cluster = await MemoryCluster.open();
  const client = await cluster.connect();
  const other = await cluster.connect();
  await client.put("/before", "x");
  const changes = client.watch();
  const first = changes.next();
  await eventually(() => expect(cluster.coordinator.callCount("watchChanges")).toBe(1));
  // An answer to a later question says that the first answer of the watch has come as well.
  await client.stat("/before");
  cluster.network.cut("coordinator:1", "client-0");
  await other.put("/meanwhile", "x");
  cluster.network.heal("coordinator:1", "client-0");
  expect((await first).value).toMatchObject({ kind: "put", path: "/meanwhile" });
  await changes.return();
});

test("the state of the cluster and its nodes can be asked for", async () => {
  await using cluster = await MemoryCluster.open();
  const client = await cluster.connect();
  await client.put("/a", "x");
  expect(await client.clusterState()).toMatchObject({ fileCount: 1, openUploads: 0 });
  const nodes = await client.nodes();
  expect(nodes.map((node) => [node.nodeNumber, node.state, node.address])).toEqual([
    [1, "healthy", "node-1:1"],
    [2, "healthy", "node-2:1"],
    [3, "healthy", "node-3:1"],
  ]);
});
