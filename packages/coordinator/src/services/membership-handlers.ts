import { CairnError } from "@cairnfs/base/errors";
import { toHex } from "@cairnfs/base/hex";
import {
  type CoordinatorService,
  GetNodeTableResponseSchema,
  HeartbeatResponseSchema,
  type RegisterNodeRequest,
  RegisterNodeResponseSchema,
} from "@cairnfs/protocol/gen/cairn/v1/coordinator_pb";
import { encodeMessage } from "@cairnfs/protocol/rpc/codec";
import { encodedMessage } from "@cairnfs/protocol/rpc/encoded-message";
import type { ServiceHandlers } from "@cairnfs/protocol/rpc/service";
import { nodeIdFromBytes } from "../nodes/node-id.ts";
import type { NodeManager } from "../nodes/node-manager.ts";
import { encodedUpdates, parseHealth, parseUsage } from "../nodes/node-messages.ts";
import { nothingSince, type TableUpdates } from "../nodes/node-table.ts";
import type { Registration } from "../nodes/registration.ts";
import type { ResyncAllowance } from "../nodes/resync-allowance.ts";
import type { ScrubBoard } from "../scrub/scrub-board.ts";

export interface MembershipParts {
  readonly manager: NodeManager;
  readonly allowance: ResyncAllowance;
  /** Hears what heartbeats say of scrubs; without one, nodes are asked nothing. */
  readonly scrub?: Pick<ScrubBoard, "hear">;
  readonly clusterId: Uint8Array;
  readonly heartbeatIntervalMs: number;
  /** The most rows that one answer to a heartbeat carries when it is not the whole table. */
  readonly rowsPerAnswerMax: number;
}

export type MembershipHandlers = Pick<
  ServiceHandlers<typeof CoordinatorService>,
  "registerNode" | "heartbeat" | "getNodeTable"
>;

const TEXT_BYTES_MAX = 255;
const REGISTER_NODES = RegisterNodeResponseSchema.field.nodes.number;
const HEARTBEAT_NODES = HeartbeatResponseSchema.field.nodes.number;
const TABLE_NODES = GetNodeTableResponseSchema.field.nodes.number;

/** Answers the nodes: registration, heartbeats, the node table. */
export function membershipHandlers(parts: MembershipParts): MembershipHandlers {
  const { manager, clusterId } = parts;
  return {
    async registerNode(request, call) {
      refuseForeign(request.clusterId, clusterId);
      const row = await manager.register(parseRegistration(request), call.signal);
      const receiptKey = manager.receiptKeyOf(row.nodeNumber);
      if (receiptKey === undefined) {
        throw new CairnError("nodeNotFound", `node ${row.nodeNumber} was removed meanwhile`);
      }
      const { nodeNumber } = row;
      const { heartbeatIntervalMs } = parts;
      const { forwardKey } = manager;
      const message = { nodeNumber, clusterId, receiptKey, forwardKey, heartbeatIntervalMs };
      return encodedMessage(RegisterNodeResponseSchema, [
        ...encodeMessage(RegisterNodeResponseSchema, message),
        ...encodedUpdates(REGISTER_NODES, updatesForNode(parts, 0)),
      ]);
    },

    async heartbeat(request) {
      const isKnown = manager.heartbeat({
        nodeNumber: request.nodeNumber,
        nodeId: request.nodeId,
        usage: parseUsage(request.usage),
        health: parseHealth(request.health),
      });
      if (!isKnown) return { mustRegister: true };
      const updates = updatesForNode(parts, Number(request.lastSeenVersion));
      const scrub = parts.scrub?.hear(request.nodeNumber, request.scrub);
      return encodedMessage(HeartbeatResponseSchema, [
        ...encodedUpdates(HEARTBEAT_NODES, updates),
        ...(scrub === undefined ? [] : encodeMessage(HeartbeatResponseSchema, scrub)),
      ]);
    },

    async getNodeTable(request) {
      const updates = manager.table.since(
        Number(request.lastSeenVersion),
        Number.POSITIVE_INFINITY,
      );
      return encodedMessage(GetNodeTableResponseSchema, [
        ...encodedUpdates(TABLE_NODES, updates),
        ...encodeMessage(GetNodeTableResponseSchema, { clusterId }),
      ]);
    },
  };
}

/**
 * What a node is told now: all that is new where one answer holds it. Who lacks more gets the whole table when its turn
 * has come, and until then a bounded part of what is new. That table may be a few versions old, so that it
 * is made once for many; the rest of the news fits in the next answer.
 */
function updatesForNode(parts: MembershipParts, version: number): TableUpdates {
  const { manager, allowance, rowsPerAnswerMax } = parts;
  const { table } = manager;
  const updates = table.since(version, rowsPerAnswerMax);
  if (!updates.isWhole && updates.version === table.version) return updates;
  const whole = table.recent(rowsPerAnswerMax);
  if (allowance.take(whole.rows.length)) return whole;
  return updates.isWhole ? nothingSince(version) : updates;
}

function refuseForeign(theirs: Uint8Array, ours: Uint8Array): void {
  if (theirs.byteLength === 0 || Buffer.compare(theirs, ours) === 0) return;
  throw new CairnError(
    "clusterMismatch",
    `the node belongs to cluster ${toHex(theirs)} and this is cluster ${toHex(ours)}`,
  );
}

function parseRegistration(request: RegisterNodeRequest): Registration {
  if (request.address === "") {
    throw new CairnError(
      "invalidArgument",
      "a node says where it can be reached: address is empty",
    );
  }
  return {
    nodeId: nodeIdFromBytes(request.nodeId),
    address: parseText(request.address, "address"),
    grpcAddress: parseText(request.grpcAddress, "grpc_address"),
    zone: parseText(request.zone, "zone"),
    rack: parseText(request.rack, "rack"),
    usage: parseUsage(request.usage),
  };
}

function parseText(text: string, name: string): string {
  const sizeBytes = Buffer.byteLength(text);
  if (sizeBytes <= TEXT_BYTES_MAX) return text;
  throw new CairnError(
    "invalidArgument",
    `${name} has ${sizeBytes} bytes, expected at most ${TEXT_BYTES_MAX}`,
  );
}
