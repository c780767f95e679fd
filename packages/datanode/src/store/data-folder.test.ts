import { toHex } from "@cairnfs/base/hex";
import { Prng } from "@cairnfs/base/random";
import { FaultDisk } from "@cairnfs/base/testing/fault-disk";
import { expect, test } from "vitest";
import { DataFolder } from "./data-folder.ts";
import { decodeIdentity, encodeIdentity } from "./folder-identity.ts";

const random = new Prng(7);
const membership = (cluster: number, nodeNumber: number, key = 9, forwardKey = 5) => ({
  clusterId: new Uint8Array(16).fill(cluster),
  nodeNumber,
  receiptKey: new Uint8Array(32).fill(key),
  forwardKey: new Uint8Array(32).fill(forwardKey),
});

test("an identity is these bytes, and damage is noticed", () => {
  const identity = { nodeId: new Uint8Array(16).fill(1), joined: membership(2, 3) };
  const bytes = encodeIdentity(identity);
  expect(toHex(bytes)).toBe(
    `636169726e696431${"0001"}${"0001"}${"01".repeat(16)}${"02".repeat(16)}${"00000003"}${"20"}${"09".repeat(32)}${"20"}${"05".repeat(32)}f6ca7f75`,
  );
  expect(decodeIdentity(bytes)).toEqual({
    nodeId: Buffer.from(identity.nodeId),
    joined: {
      clusterId: Buffer.from(identity.joined.clusterId),
      nodeNumber: 3,
      receiptKey: Buffer.from(identity.joined.receiptKey),
      forwardKey: Buffer.from(identity.joined.forwardKey),
    },
  });
  for (let at = 0; at < bytes.byteLength; at++) {
    const damaged = Uint8Array.from(bytes);
    damaged[at] = (damaged[at] ?? 0) ^ 4;
    expect(decodeIdentity(damaged)).toBeUndefined();
  }
  expect(decodeIdentity(bytes.subarray(0, 20))).toBeUndefined();
});

test("an identity from before there was a forward key is read without one", () => {
  const bytes = Buffer.from(
    `636169726e696431${"0001"}${"0001"}${"01".repeat(16)}${"02".repeat(16)}${"00000003"}${"20"}${"09".repeat(32)}776a0766`,
    "hex",
  );
  const { joined } = decodeIdentity(bytes) ?? {};
  expect(joined?.receiptKey).toEqual(Buffer.alloc(32, 9));
  expect(joined?.forwardKey).toEqual(Buffer.alloc(0));
});

test("a new folder gets a node id that stays, and remembers the cluster it joined", async () => {
  const disk = new FaultDisk(new Prng(1));
  const folder = await DataFolder.open("/data/one", { disk, random });
  const { nodeId } = folder;
  expect(folder.joined).toBeUndefined();
  await folder.join(membership(2, 3));
  await folder.close();

  const again = await DataFolder.open("/data/one", { disk, random });
  expect(toHex(again.nodeId)).toBe(toHex(nodeId));
  expect(again.joined?.nodeNumber).toBe(3);
  // The same node with a new key is the same node.
  await again.join(membership(2, 3, 10));
  expect(again.joined?.receiptKey[0]).toBe(10);
  await again.join(membership(2, 3, 10, 6));
  expect(again.joined?.forwardKey[0]).toBe(6);
});

test("a folder of another cluster or node is refused with what it is and what to do", async () => {
  const disk = new FaultDisk(new Prng(1));
  const folder = await DataFolder.open("/data", { disk, random });
  await folder.join(membership(2, 3));
  for (const foreign of [membership(4, 3), membership(2, 4)]) {
    const refused = folder.join(foreign);
    await expect(refused).rejects.toMatchObject({ reason: "storeForeign" });
    await expect(refused).rejects.toThrow(
      /belongs to node 3 of cluster 0202.*start it with the coordinator of its own cluster/u,
    );
  }
  expect(folder.joined?.nodeNumber).toBe(3);
});

test("a folder that another process holds is refused until it is let go", async () => {
  const disk = new FaultDisk(new Prng(1));
  const folder = await DataFolder.open("/data", { disk, random });
  const second = DataFolder.open("/data", { disk, random });
  await expect(second).rejects.toMatchObject({ reason: "storeForeign" });
  await expect(second).rejects.toThrow(/in use by another process/u);
  await folder.close();
  await (await DataFolder.open("/data", { disk, random })).close();
});

test("chunks without a file that says whose they are, or with a damaged one, are refused", async () => {
  const disk = new FaultDisk(new Prng(1));
  await disk.makeFolder("/lost/chunks");
  await expect(DataFolder.open("/lost", { disk, random })).rejects.toMatchObject({
    reason: "storeForeign",
  });
  await (await DataFolder.open("/rotten", { disk, random })).close();
  disk.flipBit("/rotten/identity", 100);
  await expect(DataFolder.open("/rotten", { disk, random })).rejects.toMatchObject({
    reason: "storeForeign",
  });
});

test("a disk that fails is not taken for a foreign one", async () => {
  const disk = new FaultDisk(new Prng(1));
  disk.fail({ code: "EIO", operations: ["sync"] });
  await expect(DataFolder.open("/data", { disk, random })).rejects.toMatchObject({
    reason: "storeFailed",
  });
});

test("a power loss while a folder joins leaves it as it was or joined", async () => {
  for (let seed = 0; seed < 60; seed++) {
    const disk = new FaultDisk(new Prng(seed));
    await disk.makeFolder("/data");
    await disk.syncFolder("/");
    const { nodeId, ...folder } = await opened(disk);
    disk.crashAfter(seed % 7);
    const outcome = await Promise.allSettled([folder.join(membership(2, 3))]);
    const found = await DataFolder.open("/data", { disk: disk.crash(), random });
    expect(toHex(found.nodeId)).toBe(toHex(nodeId));
    if (outcome[0].status === "fulfilled") expect(found.joined?.nodeNumber).toBe(3);
  }
});

async function opened(disk: FaultDisk) {
  const folder = await DataFolder.open("/data", { disk, random });
  return {
    nodeId: folder.nodeId,
    join: (joined: ReturnType<typeof membership>) => folder.join(joined),
  };
}

test("a node is the same after a power loss, from its first start on", async () => {
  for (let seed = 0; seed < 50; seed++) {
    const disk = new FaultDisk(new Prng(seed));
    const { nodeId } = await DataFolder.open("/srv/data/one", { disk, random });
    const again = await DataFolder.open("/srv/data/one", { disk: disk.crash(), random });
    expect(toHex(again.nodeId)).toBe(toHex(nodeId));
  }
});
