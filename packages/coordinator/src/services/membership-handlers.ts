import { CairnError } from "@cairnfs/base/errors";
import { toHex } from "@cairnfs/base/hex";
import type {
  CoordinatorService,
  RegisterNodeRequest,
} from "@cairnfs/protocol/gen/cairn/v1/coordinator_pb";
import type { ServiceHandlers } from "@cairnfs/protocol/rpc/service";
import { nodeIdFromBytes } from "../nodes/node-id.ts";
import type { NodeManager, Registration } from "../nodes/node-manager.ts";
import { nodeUpdatesMessage, parseHealth, parseUsage } from "../nodes/node-messages.ts";
import { nothingSince, type TableUpdates } from "../nodes/node-table.ts";
import type { ResyncAllowance } from "../nodes/resync-allowance.ts";

export interface MembershipParts {
  readonly manager: NodeManager;
  readonly allowance: ResyncAllowance;
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
      return {
        nodeNumber: row.nodeNumber,
        clusterId,
        receiptKey,
        heartbeatIntervalMs: parts.heartbeatIntervalMs,
        nodes: nodeUpdatesMessage(updatesForNode(parts, 0)),
      };
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
      return { nodes: nodeUpdatesMessage(updates) };
    },

    async getNodeTable(request) {
      const updates = manager.table.since(
        Number(request.lastSeenVersion),
        Number.POSITIVE_INFINITY,
      );
      return { nodes: nodeUpdatesMessage(updates), clusterId };
    },
  };
}

/** What a node is told now: a bounded part of what is new, and the whole table when its turn has come. */
function updatesForNode(parts: MembershipParts, version: number): TableUpdates {
  const updates = parts.manager.table.since(version, parts.rowsPerAnswerMax);
  if (!updates.isWhole || parts.allowance.take(updates.rows.length)) return updates;
  return nothingSince(version);
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
