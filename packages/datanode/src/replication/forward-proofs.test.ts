import { create } from "@bufbuild/protobuf";
import { SystemClock } from "@cairnfs/base/clock";
import { Prng } from "@cairnfs/base/random";
import { chunkIdToBytes } from "@cairnfs/protocol/chunk-id";
import {
  type DataNodeService,
  type StoreChunkRequest,
  StoreChunkRequestSchema,
} from "@cairnfs/protocol/gen/cairn/v1/datanode_pb";
import { GrpcNetwork } from "@cairnfs/protocol/grpc/grpc-network";
import { forwardKey, makeForwardMac } from "@cairnfs/protocol/receipt";
import type { ServiceClient } from "@cairnfs/protocol/rpc/client";
import { NodePool } from "@cairnfs/protocol/rpc/node-pool";
import { RETRY_NEVER } from "@cairnfs/protocol/rpc/retry";
import { blockChecksums } from "@cairnfs/protocol/transfer/block-checksums";
import { expect, test } from "vitest";
import { readChunk, sampleChunk } from "../store/testing/sample-chunk.ts";
import { SESSION_ID, TrialCluster } from "../testing/trial-cluster.ts";
import { ForwardProofs } from "./forward-proofs.ts";

const GOOD = sampleChunk(5000);
const EVIL = sampleChunk(5000, 666);
const refused = { reason: "chunkMismatch" };

type Client = ServiceClient<typeof DataNodeService>;

/** A replacement of the good chunk by other bytes, as a client may try it. */
interface Attempt {
  readonly isIdVerified: boolean;
  readonly forwardMac: Uint8Array;
}

async function stream(client: Client, { isIdVerified, forwardMac }: Attempt): Promise<void> {
  async function* requests(): AsyncGenerator<StoreChunkRequest> {
    // Without the id nobody looks whether the chunk is there.
    const open = {
      sessionId: SESSION_ID,
      lengthLimitBytes: 5000n,
      writeQuorum: 1,
      epoch: 1n,
      isIdVerified,
    };
    const data = {
      chunkId: chunkIdToBytes(GOOD.id),
      isFinal: true,
      blockChecksums: blockChecksums(EVIL.bytes),
      data: EVIL.bytes,
      forwardMac,
    };
    yield create(StoreChunkRequestSchema, { step: { case: "open", value: open } });
    yield create(StoreChunkRequestSchema, { step: { case: "data", value: data } });
  }
  for await (const _ of client.storeChunk(requests())) {
    // To its end.
  }
}

async function putWhole(client: Client, attempt: Attempt): Promise<void> {
  await client.putChunk({
    ...attempt,
    sessionId: SESSION_ID,
    chunkId: chunkIdToBytes(GOOD.id),
    epoch: 1n,
    writeQuorum: 1,
    blockChecksums: blockChecksums(EVIL.bytes),
    data: EVIL.bytes,
  });
}

function attempts(key: Uint8Array): Attempt[] {
  const fields = {
    sessionId: SESSION_ID,
    chunkId: GOOD.id,
    lengthBytes: 5000,
    epoch: 1,
    nodeNumber: 1,
  };
  const macs = [
    new Uint8Array(0),
    new Uint8Array(16),
    makeForwardMac(new Uint8Array(32), fields),
    makeForwardMac(key, { ...fields, nodeNumber: 2 }),
    makeForwardMac(key, { ...fields, epoch: 2 }),
    makeForwardMac(key, { ...fields, lengthBytes: 4999 }),
    makeForwardMac(key, { ...fields, sessionId: new Uint8Array(16) }),
  ];
  return [true, false].flatMap((isIdVerified) =>
    macs.map((forwardMac) => ({ isIdVerified, forwardMac })),
  );
}

test("nobody who is no node of the cluster can replace a chunk by other bytes", async () => {
  await using cluster = await TrialCluster.open(1);
  const { client, store } = cluster.node(1);
  for (const attempt of attempts(cluster.coordinator.forwardKey)) {
    await cluster.store(GOOD.bytes, { writeQuorum: 1 });
    await expect(stream(client, attempt)).rejects.toMatchObject(refused);
    expect(Buffer.compare(await readChunk(store, GOOD), GOOD.bytes)).toBe(0);
    // A chunk that is held is answered without looking at the bytes.
    await store.delete(GOOD.id, 1);
    await expect(putWhole(client, attempt)).rejects.toMatchObject(refused);
    expect(await store.info(GOOD.id)).toBeUndefined();
  }
  expect(store.openPuts).toBe(0);
});

test("nor through gRPC", async () => {
  await using cluster = await TrialCluster.open(1);
  const { datanode, store } = cluster.node(1);
  await cluster.store(GOOD.bytes, { writeQuorum: 1 });
  const clock = new SystemClock();
  const network = new GrpcNetwork({ clock });
  const listener = await network.listen("127.0.0.1:0", datanode.router);
  const options = { clock, random: new Prng(1), timeoutMs: 10_000, retry: RETRY_NEVER };
  const pool = new NodePool(network, options);
  try {
    const client = pool.datanode(listener.address);
    const attempt = { isIdVerified: true, forwardMac: new Uint8Array(16) };
    await expect(stream(client, attempt)).rejects.toMatchObject(refused);
    expect(Buffer.compare(await readChunk(store, GOOD), GOOD.bytes)).toBe(0);
  } finally {
    await pool.close();
    await listener.close();
  }
});

test("a cluster without a forward key stores as well, and believes nobody", async () => {
  await using cluster = await TrialCluster.open(0);
  cluster.coordinator.forwardKey = new Uint8Array(0);
  for (let number = 1; number <= 3; number++) await cluster.add();
  await cluster.clock.advance(2000);
  const stored = await cluster.store(GOOD.bytes);
  expect(stored.receipts.map((receipt) => receipt.nodeNumber)).toEqual([1, 2, 3]);
  const whole = {
    sessionId: SESSION_ID,
    chunkId: chunkIdToBytes(EVIL.id),
    epoch: 1n,
    writeQuorum: 3,
    replicaNodeNumbers: [2, 3],
    blockChecksums: blockChecksums(EVIL.bytes),
    data: EVIL.bytes,
  };
  const { result } = await cluster.node(1).client.putChunk(whole);
  expect(result?.receipts.length).toBe(3);
  for (const attempt of attempts(new Uint8Array(0))) {
    await expect(stream(cluster.node(2).client, attempt)).rejects.toMatchObject(refused);
  }
});

test("a proof is for one node of the table, and no address of a client's gets one", () => {
  const [sessionId, epoch] = [SESSION_ID, 1];
  const key = forwardKey(new Uint8Array(32));
  const put = { forwardKey: key, sessionId, epoch, isMember: (number: number) => number < 4 };
  const primary = new ForwardProofs({ ...put, ownNodeNumber: 1 });
  const replica = new ForwardProofs({ ...put, ownNodeNumber: 2 });
  const chunk = { chunkId: GOOD.id, lengthBytes: 5000 };
  expect(primary.canProveTo(2)).toBe(true);
  expect(replica.isValid(chunk, primary.make(2, chunk))).toBe(true);
  expect(replica.isValid(chunk, primary.make(3, chunk))).toBe(false);
  expect(primary.canProveTo(77)).toBe(false);
  expect(primary.make(77, chunk).byteLength).toBe(0);
});
