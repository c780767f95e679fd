import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { CairnError } from "@cairnfs/base/errors";
import {
  type DiskUsage as DiskUsageMessage,
  type DiskUsageSchema,
  Health,
  type Node,
  NodeSchema,
  NodeState as NodeStateCode,
  NodeUpdatesSchema,
} from "@cairnfs/protocol/gen/cairn/v1/common_pb";
import type { MessageParts } from "@cairnfs/protocol/rpc/transport";
import { numberFromUint64 } from "@cairnfs/protocol/uint64";
import type { DiskUsage } from "./disk-usage.ts";
import { nodeIdToBytes } from "./node-id.ts";
import type { NodeState } from "./node-state.ts";
import { type NodeHealth, type NodeRow, stateOf, type TableUpdates } from "./node-table.ts";

type NodeUpdatesInit = MessageInitShape<typeof NodeUpdatesSchema>;

const STATE_CODES = {
  joining: NodeStateCode.JOINING,
  healthy: NodeStateCode.HEALTHY,
  suspect: NodeStateCode.SUSPECT,
  dead: NodeStateCode.DEAD,
  draining: NodeStateCode.DRAINING,
  drained: NodeStateCode.DRAINED,
} as const satisfies Record<NodeState, number>;

const HEALTH_CODES = {
  ok: Health.OK,
  readOnly: Health.READ_ONLY,
  failed: Health.FAILED,
} as const satisfies Record<NodeHealth, number>;

/** A state as the wire has it. */
export function nodeStateMessage(state: NodeState): NodeStateCode {
  return STATE_CODES[state];
}

/** Rows are never changed: the message of a row that goes to thousands is made once. */
const messages = new WeakMap<NodeRow, Node>();

/** A row as the wire has it. */
export function nodeMessage(row: NodeRow): Node {
  const made = messages.get(row) ?? nodeMessageWith(row, row);
  messages.set(row, made);
  return made;
}

/** A row as the wire has it, with usage and time of a later report. */
export function nodeMessageWith(
  row: NodeRow,
  report: { readonly usage: DiskUsage; readonly lastHeardMs: number },
): Node {
  return create(NodeSchema, {
    nodeNumber: row.nodeNumber,
    nodeId: nodeIdToBytes(row.nodeId),
    address: row.address,
    grpcAddress: row.grpcAddress,
    zone: row.zone,
    rack: row.rack,
    state: STATE_CODES[stateOf(row)],
    usage: usageMessage(report.usage),
    health: HEALTH_CODES[row.health],
    lastHeardMs: BigInt(report.lastHeardMs),
  });
}

export function nodeUpdatesMessage(updates: TableUpdates): NodeUpdatesInit {
  const nodes = updates.rows.map(nodeMessage);
  for (const nodeNumber of updates.removed) {
    nodes.push(create(NodeSchema, { nodeNumber, state: NodeStateCode.REMOVED }));
  }
  return { version: BigInt(updates.version), requiresFullResync: updates.isWhole, nodes };
}

const NO_BYTES = new Uint8Array(0);
const UPDATES = NodeUpdatesSchema.field;

/** Tag, length and message of each row that was sent to anybody. */
const encodedRows = new WeakMap<NodeRow, Uint8Array>();
const encodedTables = new WeakMap<TableUpdates, Uint8Array>();

/**
 * The message of updates, encoded as field `fieldNumber` of another. Each row is encoded when it is first sent to anybody,
 * and a whole table once for all who get it.
 */
export function encodedUpdates(fieldNumber: number, updates: TableUpdates): MessageParts {
  const rows = updates.isWhole ? tableBytes(updates) : rowBytes(updates);
  const facts = new BinaryWriter()
    .tag(UPDATES.version.number, WireType.Varint)
    .uint64(updates.version);
  if (updates.isWhole) facts.tag(UPDATES.requiresFullResync.number, WireType.Varint).bool(true);
  const head = facts.finish();
  const before = new BinaryWriter()
    .tag(fieldNumber, WireType.LengthDelimited)
    .uint32(head.byteLength + rows.byteLength)
    .raw(head)
    .finish();
  return rows.byteLength === 0 ? [before] : [before, rows];
}

function tableBytes(table: TableUpdates): Uint8Array {
  const made = encodedTables.get(table) ?? rowBytes(table);
  encodedTables.set(table, made);
  return made;
}

function rowBytes(updates: TableUpdates): Uint8Array {
  if (updates.rows.length + updates.removed.length === 0) return NO_BYTES;
  const parts = updates.rows.map((row) => {
    const made = encodedRows.get(row) ?? encodeRow(nodeMessageWith(row, row));
    encodedRows.set(row, made);
    return made;
  });
  for (const nodeNumber of updates.removed) {
    parts.push(encodeRow(create(NodeSchema, { nodeNumber, state: NodeStateCode.REMOVED })));
  }
  return Buffer.concat(parts);
}

function encodeRow(row: Node): Uint8Array {
  return new BinaryWriter()
    .tag(UPDATES.nodes.number, WireType.LengthDelimited)
    .bytes(toBinary(NodeSchema, row))
    .finish();
}

function usageMessage(usage: DiskUsage): MessageInitShape<typeof DiskUsageSchema> {
  return {
    capacityBytes: BigInt(usage.capacityBytes),
    usedBytes: BigInt(usage.usedBytes),
    availableBytes: BigInt(usage.availableBytes),
    chunkCount: BigInt(usage.chunkCount),
  };
}

export function parseUsage(message: DiskUsageMessage | undefined): DiskUsage {
  if (message === undefined) {
    throw new CairnError("invalidArgument", "a node says how full it is: usage is missing");
  }
  return {
    capacityBytes: numberFromUint64(message.capacityBytes, "usage.capacity_bytes"),
    usedBytes: numberFromUint64(message.usedBytes, "usage.used_bytes"),
    availableBytes: numberFromUint64(message.availableBytes, "usage.available_bytes"),
    chunkCount: numberFromUint64(message.chunkCount, "usage.chunk_count"),
  };
}

export function parseHealth(code: Health): NodeHealth {
  switch (code) {
    case Health.OK:
      return "ok";
    case Health.READ_ONLY:
      return "readOnly";
    case Health.FAILED:
      return "failed";
    default:
      throw new CairnError("invalidArgument", `health is ${code}, expected 1, 2 or 3`);
  }
}
