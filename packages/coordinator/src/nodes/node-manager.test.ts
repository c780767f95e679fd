import { hasReason } from "@cairnfs/base/errors";
import { expect, test } from "vitest";
import { openLedger, putLedgerState } from "../healing/ledger-state.ts";
import { stateOf } from "./node-table.ts";
import { nodeId, roomy, TestManager } from "./testing/manager.ts";

const never = new AbortController().signal;

async function reasonOf(attempt: Promise<unknown>): Promise<string> {
  const error = await attempt.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return error instanceof Error && "reason" in error ? String(error.reason) : "none";
}

function stateIn(cluster: TestManager, nodeNumber: number): string | undefined {
  const row = cluster.manager.table.get(nodeNumber);
  return row === undefined ? undefined : stateOf(row);
}

test("a new node gets the next number, is joining, and healthy from its first heartbeat on", async () => {
  const cluster = await TestManager.open();
  expect((await cluster.register(1)).nodeNumber).toBe(1);
  expect((await cluster.register(2)).nodeNumber).toBe(2);
  await cluster.silence(1);
  expect(stateIn(cluster, 1)).toBe("joining");
  expect(cluster.beat(1, 1)).toBe(true);
  expect(stateIn(cluster, 1)).toBe("healthy");
  expect(stateIn(cluster, 2)).toBe("joining");
});

test("a node keeps its number through restarts of its own and of the coordinator", async () => {
  const cluster = await TestManager.open();
  await cluster.join(1);
  await cluster.join(2, { zone: "z", rack: "r", grpcAddress: "g:1" });
  expect((await cluster.register(2)).nodeNumber).toBe(2);

  const again = await TestManager.open({ kv: cluster.kv });
  expect(again.manager.table.get(1)).toMatchObject({ nodeId: nodeId(1), address: "node-1:1" });
  expect((await again.register(3)).nodeNumber).toBe(3);
  expect((await again.register(1)).nodeNumber).toBe(1);
});

test("after a restart of the coordinator known nodes are suspect until they are heard, without registering", async () => {
  const before = await TestManager.open();
  await before.join(1, { zone: "z", rack: "r", grpcAddress: "g:1" });
  const cluster = await TestManager.open({ kv: before.kv });
  await cluster.silence(1);
  expect(stateIn(cluster, 1)).toBe("suspect");
  expect(cluster.beat(1, 1)).toBe(true);
  expect(stateIn(cluster, 1)).toBe("healthy");
  expect(cluster.manager.table.get(1)).toMatchObject({ zone: "z", rack: "r", grpcAddress: "g:1" });
});

test("versions of a coordinator that starts again are above all earlier ones, and force a resync", async () => {
  const before = await TestManager.open();
  await before.join(1);
  const version = before.manager.table.version;
  const cluster = await TestManager.open({ kv: before.kv });
  expect(cluster.manager.table.version).toBeGreaterThan(version);
  expect(cluster.manager.table.since(version, 10).isWhole).toBe(true);
});

test("a heartbeat with an unknown number, or with another node's, is told to register", async () => {
  const cluster = await TestManager.open();
  await cluster.join(1);
  expect(cluster.beat(2, 2)).toBe(false);
  expect(cluster.beat(1, 2)).toBe(false);
});

test("a silent node becomes suspect, then dead, and healthy again with its next heartbeat", async () => {
  const cluster = await TestManager.open();
  await cluster.join(1);
  await cluster.silence(9_999);
  expect(stateIn(cluster, 1)).toBe("healthy");
  await cluster.silence(1);
  expect(stateIn(cluster, 1)).toBe("suspect");
  await cluster.silence(49_999);
  expect(stateIn(cluster, 1)).toBe("suspect");
  await cluster.silence(1);
  expect(stateIn(cluster, 1)).toBe("dead");
  cluster.beat(1, 1);
  expect(stateIn(cluster, 1)).toBe("healthy");
});

test("a node that registered and was never heard is given up like any other", async () => {
  const cluster = await TestManager.open();
  await cluster.register(1);
  await cluster.silence(60_000);
  expect(stateIn(cluster, 1)).toBe("dead");
});

test("time in which the coordinator itself stood still is not held against the nodes", async () => {
  const cluster = await TestManager.open();
  await cluster.join(1);
  await cluster.clock.advance(300_000);
  cluster.manager.sweep(298_000);
  expect(stateIn(cluster, 1)).toBe("healthy");
  await cluster.silence(8_000);
  expect(stateIn(cluster, 1)).toBe("suspect");
});

test("a steady heartbeat changes no version, news of room or health do", async () => {
  const cluster = await TestManager.open();
  await cluster.join(1);
  const { table } = cluster.manager;
  const { version } = table;
  for (let beats = 0; beats < 100; beats++) {
    await cluster.clock.advance(3000);
    cluster.beat(1, 1, { ...roomy, availableBytes: 1e12 - beats * 1e8 });
  }
  expect(table.version).toBe(version);
  expect(cluster.manager.lastReportOf(1).usage.availableBytes).toBe(1e12 - 99e8);

  cluster.beat(1, 1, { ...roomy, availableBytes: 0.9e12 });
  expect(table.version).toBe(version + 1);
  cluster.beat(1, 1, { ...roomy, availableBytes: 0.9e12 }, "readOnly");
  expect(table.version).toBe(version + 2);
  expect(table.get(1)).toMatchObject({ health: "readOnly" });
});

test("a steady heartbeat and a registration that changes nothing write nothing", async () => {
  const cluster = await TestManager.open();
  await cluster.join(1);
  let commits = 0;
  const transact = cluster.kv.transact.bind(cluster.kv);
  cluster.kv.transact = (body, options) => {
    commits += 1;
    return transact(body, options);
  };
  cluster.beat(1, 1);
  await cluster.register(1);
  cluster.beat(1, 1, { ...roomy, availableBytes: 0 });
  await cluster.silence(100_000);
  expect(commits).toBe(0);
});

test("a node that started again at another address is taken in there", async () => {
  const cluster = await TestManager.open();
  await cluster.join(1);
  const row = await cluster.register(1, { address: "elsewhere:1" });
  expect(row).toMatchObject({ nodeNumber: 1, address: "elsewhere:1", liveness: "joining" });
  const again = await TestManager.open({ kv: cluster.kv });
  expect(again.manager.table.get(1)).toMatchObject({ address: "elsewhere:1" });
});

test("a second process with the id of a node that still answers is refused", async () => {
  const cluster = await TestManager.open();
  await cluster.join(1);
  cluster.answering.add(`node-1:1 ${nodeId(1)}`);
  const twin = cluster.register(1, { address: "copy:1" });
  await expect(twin).rejects.toThrow("is alive at node-1:1 and cannot be at copy:1 as well");
  expect(cluster.manager.table.get(1)).toMatchObject({ address: "node-1:1" });

  // The same process that registers once more is no twin.
  expect((await cluster.register(1)).nodeNumber).toBe(1);
  await cluster.silence(60_000);
  expect((await cluster.register(1, { address: "copy:1" })).address).toBe("copy:1");
});

test("of two registrations of one new id at once both get the same number", async () => {
  const cluster = await TestManager.open();
  const rows = await Promise.all([cluster.register(1), cluster.register(1), cluster.register(2)]);
  expect(rows.map((row) => row.nodeNumber)).toEqual([1, 1, 2]);
});

test("a node whose address another one takes is dead at once", async () => {
  const cluster = await TestManager.open();
  await cluster.join(1);
  await cluster.join(2, { address: "node-1:1" });
  expect(stateIn(cluster, 1)).toBe("dead");
  expect(stateIn(cluster, 2)).toBe("healthy");
});

test("draining and its end survive restarts, and make sense only in their order", async () => {
  const cluster = await TestManager.open();
  await cluster.join(1);
  expect(await reasonOf(cluster.manager.changeDuty(1, "emptied", never))).toBe(
    "preconditionFailed",
  );
  expect(stateOf(await cluster.manager.changeDuty(1, "drain", never))).toBe("draining");
  expect(await reasonOf(cluster.manager.changeDuty(1, "drain", never))).toBe("preconditionFailed");

  const again = await TestManager.open({ kv: cluster.kv });
  again.beat(1, 1);
  expect(stateIn(again, 1)).toBe("draining");
  await again.silence(10_000);
  expect(stateIn(again, 1)).toBe("suspect");
  again.beat(1, 1);
  await again.register(1);
  expect(stateIn(again, 1)).toBe("draining");
  expect(stateOf(await again.manager.changeDuty(1, "emptied", never))).toBe("drained");
  await again.silence(60_000);
  expect(stateIn(again, 1)).toBe("drained");
  again.beat(1, 1);
  expect(stateOf(await again.manager.changeDuty(1, "undrain", never))).toBe("healthy");
  expect(await reasonOf(again.manager.changeDuty(9, "drain", never))).toBe("nodeNotFound");
});

test("only a dead or drained node can be removed, and neither its number nor its id comes back", async () => {
  const cluster = await TestManager.open();
  await cluster.join(1);
  await cluster.join(2);
  expect(await reasonOf(cluster.manager.remove(2, {}, never))).toBe("preconditionFailed");
  expect(await reasonOf(cluster.manager.remove(9, {}, never))).toBe("nodeNotFound");
  await cluster.silence(60_000);
  const { version } = cluster.manager.table;
  await cluster.manager.remove(2, {}, never);
  expect(cluster.manager.table.since(version, 10)).toMatchObject({ rows: [], removed: [2] });
  expect(cluster.manager.receiptKeyOf(2)).toBeUndefined();
  expect(cluster.beat(2, 2)).toBe(false);

  for (const life of [cluster, await TestManager.open({ kv: cluster.kv })]) {
    const refused = await life.register(2).catch((error: unknown) => error);
    expect(hasReason(refused, "nodeRemoved")).toBe(true);
    expect(life.manager.table.get(2)).toBeUndefined();
  }
  expect((await cluster.register(3)).nodeNumber).toBe(3);
});

test("when a removal is durable, so is it that the ledger is to be walked for it", async () => {
  const cluster = await TestManager.open();
  await cluster.join(1);
  await openLedger(cluster.kv);
  const settled = { isWalkPending: false, deadSinceMs: new Map([[7, 8]]) };
  await cluster.kv.transact((tx) => putLedgerState(tx, settled));
  await cluster.manager.remove(1, { force: true }, never);
  expect(await openLedger(cluster.kv)).toEqual({ ...settled, isWalkPending: true });
});

test("a node that is removed while it registers is refused, and nothing breaks", async () => {
  const cluster = await TestManager.open();
  await cluster.join(1);
  await cluster.silence(60_000);
  const outcomes = await Promise.allSettled([
    cluster.register(1, { address: "elsewhere:1" }),
    cluster.manager.remove(1, {}, never),
  ]);
  expect(outcomes.map((outcome) => outcome.status)).toEqual(["rejected", "fulfilled"]);
  expect(cluster.manager.table.get(1)).toBeUndefined();
});

test("the most nodes that are configured can join and not one more", async () => {
  const cluster = await TestManager.open({ nodesMax: 2 });
  await cluster.register(1);
  await cluster.register(2);
  expect(await reasonOf(cluster.register(3))).toBe("overloaded");
  expect((await cluster.register(2)).nodeNumber).toBe(2);
});

test("whoever listens hears of changed states and not of changed room", async () => {
  const cluster = await TestManager.open();
  await cluster.join(1);
  let heard = 0;
  const stop = cluster.manager.onStateChange(() => {
    heard += 1;
  });
  cluster.beat(1, 1, { ...roomy, availableBytes: 5 });
  expect(heard).toBe(0);
  await cluster.silence(10_000);
  expect(heard).toBe(1);
  stop();
  await cluster.silence(60_000);
  expect(heard).toBe(1);
});
