import { create } from "@bufbuild/protobuf";
import { toHex } from "@cairnfs/base/hex";
import { Prng } from "@cairnfs/base/random";
import { FaultDisk } from "@cairnfs/base/testing/fault-disk";
import { type NodeUpdates, NodeUpdatesSchema } from "@cairnfs/protocol/gen/cairn/v1/common_pb";
import { expect, test } from "vitest";
import {
  decodeNodeTable,
  encodeNodeTable,
  readNodeTable,
  writeNodeTable,
} from "./node-table-file.ts";

function tableOf(address: string): NodeUpdates {
  return create(NodeUpdatesSchema, {
    version: 9n,
    requiresFullResync: true,
    nodes: [{ nodeNumber: 5, address }],
  });
}

// docs/formats/node-table-file.md: other bytes are another format.
test("the file of a table of one node is these bytes", () => {
  expect(toHex(encodeNodeTable(tableOf("10.0.0.5:7080")))).toBe(
    "636169726e6e743100000017c88f1e78080910011a1108051a0d31302e302e302e353a37303830",
  );
});

test("what was written is read back, and the newest wins", async () => {
  const disk = new FaultDisk(new Prng(1));
  await disk.makeFolder("/data");
  expect(await readNodeTable(disk, "/data")).toBeUndefined();
  await writeNodeTable(disk, "/data", tableOf("old:1"));
  await writeNodeTable(disk, "/data", tableOf("new:1"));
  expect((await readNodeTable(disk, "/data"))?.nodes[0]?.address).toBe("new:1");
});

test("a damaged file is no file: every flipped bit and every cut is noticed", () => {
  const good = encodeNodeTable(tableOf("10.0.0.5:7080"));
  expect(decodeNodeTable(good)?.version).toBe(9n);
  for (let at = 0; at < good.length; at++) {
    const flipped = Uint8Array.from(good);
    flipped[at] = (flipped[at] ?? 0) ^ 1;
    expect(decodeNodeTable(flipped)).toBeUndefined();
    expect(decodeNodeTable(good.subarray(0, at))).toBeUndefined();
  }
});

test("a disk that errs is told from a table that is not there", async () => {
  const disk = new FaultDisk(new Prng(1));
  await disk.makeFolder("/data");
  await writeNodeTable(disk, "/data", tableOf("old:1"));
  disk.fail({ code: "EIO" });
  await expect(readNodeTable(disk, "/data")).rejects.toMatchObject({ reason: "storeFailed" });
  await expect(writeNodeTable(disk, "/data", tableOf("new:1"))).rejects.toMatchObject({
    reason: "storeFailed",
  });
});
