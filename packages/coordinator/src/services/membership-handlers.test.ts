import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { hasReason } from "@cairnfs/base/errors";
import { Prng } from "@cairnfs/base/random";
import { Health, NodeState } from "@cairnfs/protocol/gen/cairn/v1/common_pb";
import {
  GetNodeTableRequestSchema,
  GetNodeTableResponseSchema,
  HeartbeatRequestSchema,
  type HeartbeatResponse,
  HeartbeatResponseSchema,
  RegisterNodeRequestSchema,
  RegisterNodeResponseSchema,
} from "@cairnfs/protocol/gen/cairn/v1/coordinator_pb";
import { forwardKey, receiptKey } from "@cairnfs/protocol/receipt";
import { encodeMessage, joinParts } from "@cairnfs/protocol/rpc/codec";
import { EncodedMessage } from "@cairnfs/protocol/rpc/encoded-message";
import { expect, test } from "vitest";
import { openIdentity } from "../identity.ts";
import { nodeIdToBytes } from "../nodes/node-id.ts";
import { ResyncAllowance } from "../nodes/resync-allowance.ts";
import { nodeId, TestManager } from "../nodes/testing/manager.ts";
import { membershipHandlers } from "./membership-handlers.ts";

const call = { signal: new AbortController().signal, peer: "test", metadata: new Map() };
const usage = {
  capacityBytes: 10n ** 12n,
  usedBytes: 0n,
  availableBytes: 10n ** 12n,
  chunkCount: 0n,
};
const ROW_BYTES_MAX = 110;
const ROWS_PER_ANSWER_MAX = 40;

async function open(
  over: {
    nodesMax?: number;
    rowsPerSecond?: number;
    updateLogCapacity?: number;
    kv?: TestManager["kv"];
  } = {},
) {
  const { rowsPerSecond = 100_000, ...options } = over;
  const cluster = await TestManager.open({ updateLogCapacity: 4096, ...options });
  const { clusterId, clusterSecret } = await openIdentity(cluster.kv, new Prng(2));
  const handlers = membershipHandlers({
    manager: cluster.manager,
    allowance: new ResyncAllowance(cluster.clock, rowsPerSecond),
    clusterId,
    heartbeatIntervalMs: 3000,
    rowsPerAnswerMax: ROWS_PER_ANSWER_MAX,
  });
  return {
    cluster,
    clusterId,
    clusterSecret,
    async register(number: number, over: Record<string, unknown> = {}) {
      const request = create(RegisterNodeRequestSchema, {
        nodeId: nodeIdToBytes(nodeId(number)),
        address: `10.0.${number >> 8}.${number & 255}:7070`,
        zone: `zone-${number % 3}`,
        rack: `rack-${number % 60}`,
        usage,
        ...over,
      });
      return wired(RegisterNodeResponseSchema, await handlers.registerNode(request, call));
    },
    async beat(number: number, lastSeenVersion: bigint, over: Record<string, unknown> = {}) {
      const request = create(HeartbeatRequestSchema, {
        nodeNumber: number,
        nodeId: nodeIdToBytes(nodeId(number)),
        usage,
        health: Health.OK,
        lastSeenVersion,
        ...over,
      });
      return wired(HeartbeatResponseSchema, await handlers.heartbeat(request, call));
    },
    async table(lastSeenVersion: bigint) {
      const request = create(GetNodeTableRequestSchema, { lastSeenVersion });
      return wired(GetNodeTableResponseSchema, await handlers.getNodeTable(request, call));
    },
  };
}

/** An answer as it comes out of the wire. */
function wired<D extends DescMessage>(schema: D, answer: MessageInitShape<D>): MessageShape<D> {
  const parts = answer instanceof EncodedMessage ? answer.parts : encodeMessage(schema, answer);
  return fromBinary(schema, joinParts(parts));
}

function bytesOf(response: HeartbeatResponse): number {
  return toBinary(HeartbeatResponseSchema, response).byteLength;
}

test("registration hands out a number, the cluster's id, the key for receipts and the node table", async () => {
  const service = await open();
  const answer = await service.register(1, { grpcAddress: "g:1" });
  expect(answer).toMatchObject({ nodeNumber: 1, heartbeatIntervalMs: 3000 });
  expect(Buffer.from(answer.clusterId).equals(service.clusterId)).toBe(true);
  const key = receiptKey(service.clusterSecret, nodeIdToBytes(nodeId(1)));
  expect(Buffer.from(answer.receiptKey).equals(key)).toBe(true);
  expect(Buffer.from(answer.forwardKey).equals(forwardKey(service.clusterSecret))).toBe(true);
  expect(answer.nodes).toMatchObject({ requiresFullResync: true });
  expect(answer.nodes?.nodes).toMatchObject([
    { nodeNumber: 1, grpcAddress: "g:1", zone: "zone-1", state: NodeState.JOINING },
  ]);
});

test("a node of another cluster is refused with both ids, one of this cluster is not", async () => {
  const service = await open();
  const foreign = Buffer.alloc(16, 7);
  await expect(service.register(1, { clusterId: foreign })).rejects.toThrow(
    `the node belongs to cluster ${foreign.toString("hex")} and this is cluster ${Buffer.from(service.clusterId).toString("hex")}`,
  );
  expect((await service.register(1, { clusterId: service.clusterId })).nodeNumber).toBe(1);
});

test("a registration without an address, with a wrong id or an endless zone is refused", async () => {
  const service = await open();
  await service.register(1, { zone: "z".repeat(255) });
  for (const wrong of [
    { address: "" },
    { nodeId: Buffer.alloc(15) },
    { zone: "z".repeat(256) },
    { usage: undefined },
    { usage: { ...usage, capacityBytes: 2n ** 53n } },
  ]) {
    const refused = await service.register(2, wrong).catch((error: unknown) => error);
    expect(hasReason(refused, "invalidArgument")).toBe(true);
  }
});

test("a heartbeat brings what the node has not seen, once", async () => {
  const service = await open();
  const first = await service.register(1);
  const joined = await service.beat(1, first.nodes?.version ?? 0n);
  expect(joined.nodes?.nodes).toMatchObject([{ nodeNumber: 1, state: NodeState.HEALTHY }]);
  const version = joined.nodes?.version ?? 0n;
  expect((await service.beat(1, version)).nodes).toMatchObject({ version, nodes: [] });
  await service.register(2);
  const news = await service.beat(1, version);
  expect(news.nodes?.nodes.map((node) => node.nodeNumber)).toEqual([2]);
});

test("a node that the coordinator does not know has to register; health must be said", async () => {
  const service = await open();
  expect(await service.beat(5, 0n)).toMatchObject({ mustRegister: true });
  await service.register(1);
  const refused = await service.beat(1, 0n, { health: 0 }).catch((error: unknown) => error);
  expect(hasReason(refused, "invalidArgument")).toBe(true);
});

test("with 5,000 nodes a steady heartbeat is answered in a few bytes and one change in one row", async () => {
  // Whole tables are not what is measured: next to none are let through.
  const service = await open({ nodesMax: 5000, rowsPerSecond: 1 });
  for (let number = 1; number <= 5000; number++) await service.register(number);
  for (let number = 1; number <= 5000; number++) await service.beat(number, 0n);
  const version = BigInt(service.cluster.manager.table.version);
  let totalBytes = 0;
  for (let number = 1; number <= 5000; number++) {
    const chunkCount = BigInt(number);
    totalBytes += bytesOf(await service.beat(number, version, { usage: { ...usage, chunkCount } }));
  }
  expect(totalBytes / 5000).toBeLessThan(16);

  await service.beat(77, version, { usage: { ...usage, availableBytes: 5n * 10n ** 11n } });
  const news = await service.beat(78, version);
  expect(news.nodes?.nodes).toHaveLength(1);
  expect(bytesOf(news)).toBeLessThan(ROW_BYTES_MAX);
});

test("when many nodes start at once whole tables are rationed, and every node ends up up to date", async () => {
  const nodes = 120;
  const rowsPerSecond = 2000;
  const service = await open({ nodesMax: nodes, rowsPerSecond });
  const versions = new Map<number, bigint>();
  let registerBytes = 0;
  for (let number = 1; number <= nodes; number++) {
    const answer = await service.register(number);
    registerBytes += toBinary(RegisterNodeResponseSchema, answer).byteLength;
    versions.set(number, answer.nodes?.version ?? 0n);
  }
  // Half a table for each would be four times that.
  const roundBytesMax = (rowsPerSecond + nodes) * ROW_BYTES_MAX + nodes * 100;
  expect(registerBytes).toBeLessThan(roundBytesMax);

  const current = () => BigInt(service.cluster.manager.table.version);
  const stragglers = () => [...versions.values()].filter((version) => version !== current());
  let rounds = 0;
  for (; rounds === 0 || stragglers().length > 0; rounds++) {
    expect(rounds).toBeLessThan(20);
    await service.cluster.clock.advance(3000);
    let roundBytes = 0;
    for (const [number, version] of versions) {
      const answer = await service.beat(number, version);
      roundBytes += bytesOf(answer);
      versions.set(number, answer.nodes?.version ?? version);
    }
    // Besides whole tables there are answers of a few rows each.
    expect(roundBytes).toBeLessThan(roundBytesMax + nodes * ROWS_PER_ANSWER_MAX * ROW_BYTES_MAX);
  }
  expect((await service.table(0n)).nodes?.nodes).toHaveLength(nodes);
});

test("who lacks more than one answer holds gets the whole table, the same for many, and then the rest", async () => {
  const nodes = 3 * ROWS_PER_ANSWER_MAX;
  const service = await open({ nodesMax: nodes });
  for (let number = 1; number <= nodes; number++) await service.register(number);
  const { table } = service.cluster.manager;
  const early = BigInt(table.version - ROWS_PER_ANSWER_MAX - 1);
  const whole = await service.beat(1, early);
  expect(whole.nodes).toMatchObject({ requiresFullResync: true });
  const version = Number(whole.nodes?.version);
  expect(table.version - version).toBeLessThanOrEqual(ROWS_PER_ANSWER_MAX);
  // Changes since then that one answer holds do not make another table.
  for (let number = 2; table.version < version + ROWS_PER_ANSWER_MAX; number++) {
    await service.beat(number, BigInt(table.version));
  }
  const same = await service.beat(1, 0n);
  expect(same.nodes?.version).toBe(whole.nodes?.version);
  expect(same.nodes?.nodes).toEqual(whole.nodes?.nodes);
  const rest = await service.beat(1, same.nodes?.version ?? 0n);
  expect(rest.nodes).toMatchObject({ requiresFullResync: false, version: BigInt(table.version) });
  const known = new Map(same.nodes?.nodes.map((node) => [node.nodeNumber, node]));
  for (const node of rest.nodes?.nodes ?? []) known.set(node.nodeNumber, node);
  expect([...known.values()]).toEqual((await service.table(0n)).nodes?.nodes);
});

test("with a history that is shorter than an answer, a table from before it is not handed out", async () => {
  const service = await open({ nodesMax: 100, updateLogCapacity: 16 });
  for (let number = 1; number <= 60; number++) await service.register(number);
  let version = (await service.beat(1, 0n)).nodes?.version ?? 0n;
  for (let number = 20; number < 40; number++) await service.beat(number, version);
  version = (await service.beat(1, 0n)).nodes?.version ?? 0n;
  const { table } = service.cluster.manager;
  expect(Number(version)).toBeGreaterThanOrEqual(table.version - 16);
});
