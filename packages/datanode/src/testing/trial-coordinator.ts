import { create } from "@bufbuild/protobuf";
import { CairnError } from "@cairnfs/base/errors";
import { toHex } from "@cairnfs/base/hex";
import {
  type Node,
  NodeSchema,
  NodeState,
  NodeUpdatesSchema,
} from "@cairnfs/protocol/gen/cairn/v1/common_pb";
import type { CoordinatorService } from "@cairnfs/protocol/gen/cairn/v1/coordinator_pb";
import { CoordinatorService as Service } from "@cairnfs/protocol/gen/cairn/v1/coordinator_pb";
import type { ScrubReport } from "@cairnfs/protocol/gen/cairn/v1/scrub_pb";
import {
  forwardKey,
  isReceiptValid,
  type ReceiptFields,
  receiptKey,
} from "@cairnfs/protocol/receipt";
import { createRouter } from "@cairnfs/protocol/rpc/create-router";
import type { Router } from "@cairnfs/protocol/rpc/router";
import type { ServiceHandlers } from "@cairnfs/protocol/rpc/service";

const HEARTBEAT_INTERVAL_MS = 1000;

/** Membership and nothing else, as a datanode's tests need it of a coordinator. */
export class TrialCoordinator {
  readonly secret = new Uint8Array(32).fill(1);
  /** What nodes get when they register; a cluster without one gives nothing. */
  forwardKey = forwardKey(this.secret);
  clusterId: Uint8Array = new Uint8Array(16).fill(2);
  readonly reports: { readonly chunkId: Uint8Array; readonly nodeNumber: number }[] = [];
  readonly heartbeats: number[] = [];
  /** What heartbeats said of scrubs. */
  readonly scrubs: ScrubReport[] = [];
  /** What answers to heartbeats say of scrubs. */
  scrubRequestedMs = 0;
  wantsScrubReport = false;
  /** Whether reports of bad replicas are refused. */
  isDeaf = false;
  registrations = 0;
  readonly router: Router;
  readonly #nodes = new Map<string, Node>();
  #forgotten = new Set<string>();
  #version = 0n;

  constructor() {
    this.router = createRouter().add(Service, this.#handlers()).build();
  }

  /** Has the node register again at its next heartbeat. */
  forget(nodeNumber: number): void {
    this.#forgotten.add(toHex(this.#node(nodeNumber).nodeId));
  }

  get size(): number {
    return this.#nodes.size;
  }

  isReceiptValid(fields: ReceiptFields, mac: Uint8Array): boolean {
    const key = receiptKey(this.secret, this.#node(fields.nodeNumber).nodeId);
    return isReceiptValid(key, fields, mac);
  }

  #node(nodeNumber: number): Node {
    for (const node of this.#nodes.values()) if (node.nodeNumber === nodeNumber) return node;
    throw new CairnError("nodeNotFound", `no node ${nodeNumber}`);
  }

  #table() {
    return create(NodeUpdatesSchema, {
      version: this.#version,
      requiresFullResync: true,
      nodes: [...this.#nodes.values()],
    });
  }

  #handlers(): ServiceHandlers<typeof CoordinatorService> {
    const answered: Partial<ServiceHandlers<typeof CoordinatorService>> = {
      registerNode: async (request) => {
        this.registrations += 1;
        const id = toHex(request.nodeId);
        this.#forgotten.delete(id);
        const nodeNumber = this.#nodes.get(id)?.nodeNumber ?? this.#nodes.size + 1;
        const { nodeId, address } = request;
        this.#nodes.set(
          id,
          create(NodeSchema, { nodeNumber, nodeId, address, state: NodeState.HEALTHY }),
        );
        this.#version += 1n;
        return {
          nodeNumber,
          clusterId: this.clusterId,
          receiptKey: receiptKey(this.secret, nodeId),
          forwardKey: this.forwardKey,
          heartbeatIntervalMs: HEARTBEAT_INTERVAL_MS,
          nodes: this.#table(),
        };
      },
      heartbeat: async (request) => {
        const id = toHex(request.nodeId);
        if (!this.#nodes.has(id) || this.#forgotten.has(id)) return { mustRegister: true };
        this.heartbeats.push(request.health);
        if (request.scrub !== undefined) this.scrubs.push(request.scrub);
        const { wantsScrubReport } = this;
        const news = { wantsScrubReport, scrubRequestedMs: BigInt(this.scrubRequestedMs) };
        return request.lastSeenVersion === this.#version
          ? { nodes: create(NodeUpdatesSchema, { version: this.#version }), ...news }
          : { nodes: this.#table(), ...news };
      },
      reportBadReplica: async ({ chunkId, nodeNumber }) => {
        if (this.isDeaf) throw new CairnError("overloaded", "not now");
        this.reports.push({ chunkId: Uint8Array.from(chunkId), nodeNumber });
        return {};
      },
    };
    const refused = Object.fromEntries(
      Service.methods.map((method) => [
        method.localName,
        () => {
          throw new CairnError("unimplemented", `${method.name} is not for these tests`);
        },
      ]),
    );
    // Every method of the descriptor is there, answered or refused.
    return { ...refused, ...answered } as ServiceHandlers<typeof CoordinatorService>;
  }
}
