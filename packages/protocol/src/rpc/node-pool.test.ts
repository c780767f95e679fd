import { SystemClock } from "@cairnfs/base/clock";
import { Prng } from "@cairnfs/base/random";
import { expect, test } from "vitest";
import { DataNodeService } from "../gen/cairn/v1/datanode_pb.ts";
import { MemoryNetwork } from "../memory/memory-network.ts";
import { createRouter } from "./create-router.ts";
import type { Network } from "./network.ts";
import { NodePool } from "./node-pool.ts";
import type { ServiceHandlers } from "./service.ts";

const unserved = () => {
  throw new Error("not called");
};

function handlers(version: string, wait: Promise<void>): ServiceHandlers<typeof DataNodeService> {
  return {
    storeChunk: unserved,
    retrieveChunk: unserved,
    putChunk: unserved,
    getChunk: unserved,
    replicateChunk: unserved,
    deleteChunks: unserved,
    hasChunks: unserved,
    listChunks: unserved,
    verifyChunk: async () => {
      await wait;
      return {};
    },
    healthCheck: async () => ({ version }),
  };
}

async function cluster(wait: Promise<void> = Promise.resolve()) {
  const memory = new MemoryNetwork();
  let opened = 0;
  let closed = 0;
  const network: Network = {
    connect: (address) => {
      opened += 1;
      const transport = memory.connect(address);
      const close = transport.close.bind(transport);
      transport.close = () => {
        closed += 1;
        return close();
      };
      return transport;
    },
    listen: (address, router) => memory.listen(address, router),
  };
  for (const name of ["a:1", "b:1", "c:1"]) {
    await memory.listen(name, createRouter().add(DataNodeService, handlers(name, wait)).build());
  }
  const clock = new SystemClock();
  const pool = new NodePool(network, {
    clock,
    random: new Prng(1),
    timeoutMs: 5000,
    addressesMax: 2,
  });
  return { pool, counts: () => ({ opened, closed }) };
}

test("a node is connected once, and a client of it stays the same", async () => {
  const { pool, counts } = await cluster();
  expect(pool.datanode("a:1")).toBe(pool.datanode("a:1"));
  expect((await pool.datanode("a:1").healthCheck({})).version).toBe("a:1");
  expect(counts()).toEqual({ opened: 1, closed: 0 });
});

test("beyond its limit the pool lets go of the node unused for longest, whose clients still work", async () => {
  const { pool, counts } = await cluster();
  const first = pool.datanode("a:1");
  await first.healthCheck({});
  await pool.datanode("b:1").healthCheck({});
  await first.healthCheck({});
  await pool.datanode("c:1").healthCheck({});
  expect(counts()).toEqual({ opened: 3, closed: 1 });
  // a was used after b, so it is still there.
  await first.healthCheck({});
  expect(counts().opened).toBe(3);
  await pool.datanode("b:1").healthCheck({});
  await pool.datanode("c:1").healthCheck({});
  expect((await first.healthCheck({})).version).toBe("a:1");
});

test("a node with a call under way is not let go", async () => {
  let release: () => void = () => undefined;
  const { pool, counts } = await cluster(
    new Promise((resolve) => {
      release = resolve;
    }),
  );
  const busy = pool.datanode("a:1").verifyChunk({});
  await pool.datanode("b:1").healthCheck({});
  await pool.datanode("c:1").healthCheck({});
  expect(counts()).toEqual({ opened: 3, closed: 1 });
  release();
  await busy;
  await pool.close();
  expect(counts().closed).toBe(3);
});
