import { create } from "@bufbuild/protobuf";
import { toHex } from "@cairnfs/base/hex";
import { Prng } from "@cairnfs/base/random";
import { FaultDisk } from "@cairnfs/base/testing/fault-disk";
import { NodeUpdatesSchema } from "@cairnfs/protocol/gen/cairn/v1/common_pb";
import { expect, test } from "vitest";
import {
  decodeMembership,
  encodeMembership,
  type KeptMembership,
  readMembership,
  writeMembership,
} from "./membership-file.ts";

const KEPT: KeptMembership = {
  membership: {
    nodeNumber: 5,
    clusterId: new Uint8Array(16).fill(0xaa),
    receiptKey: new Uint8Array(32).fill(0xbb),
  },
  nodes: create(NodeUpdatesSchema, {
    version: 9n,
    requiresFullResync: true,
    nodes: [{ nodeNumber: 5, address: "10.0.0.5:7080" }],
  }),
};

// docs/formats/membership-file.md: other bytes are another format.
test("the file of a node in a table of one is these bytes", () => {
  expect(toHex(encodeMembership(KEPT))).toBe(
    "636169726e6d62310000004f5226459a08051210aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa1a20bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb2a17080910011a1108051a0d31302e302e302e353a37303830",
  );
});

test("what was written is read back, and the newest wins", async () => {
  const disk = new FaultDisk(new Prng(1));
  await disk.makeFolder("/data");
  expect(await readMembership(disk, "/data")).toBeUndefined();
  await writeMembership(disk, "/data", KEPT);
  const second = { ...KEPT, membership: { ...KEPT.membership, nodeNumber: 6 } };
  await writeMembership(disk, "/data", second);
  const read = await readMembership(disk, "/data");
  expect(read?.membership.nodeNumber).toBe(6);
  expect(read?.nodes?.nodes[0]?.address).toBe("10.0.0.5:7080");
});

test("a damaged file is no file: every flipped bit and every cut is noticed", () => {
  const good = encodeMembership(KEPT);
  expect(decodeMembership(good)?.membership.nodeNumber).toBe(5);
  for (let at = 0; at < good.length; at++) {
    const flipped = Uint8Array.from(good);
    flipped[at] = (flipped[at] ?? 0) ^ 1;
    expect(decodeMembership(flipped)).toBeUndefined();
    expect(decodeMembership(good.subarray(0, at))).toBeUndefined();
  }
});
