import type { Clock } from "@cairnfs/base/clock";
import { CairnError } from "@cairnfs/base/errors";
import type { Logger } from "@cairnfs/base/telemetry";
import type { Step, Worker } from "@cairnfs/base/worker";
import type { KvReader, KvStore } from "@cairnfs/kv/kv-store";
import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import type { BadReplicaWorker } from "../chunks/bad-replica-worker.ts";
import type { ChunkRecord } from "../chunks/chunk-record.ts";
import { addDrop, forgetReplica } from "../chunks/replicas.ts";
import { chunks, readHorizon } from "../keyspace.ts";
import type { NamespaceSettings } from "../namespace/settings.ts";
import type { PlacementSource } from "../uploads/placements.ts";
import type { ChunkInventory, StoredCopy } from "./chunk-inventory.ts";

const PAGE_CHUNKS = 1_000;
/** Between two pages: at most 10,000 chunks a second are compared. */
const PAGE_PAUSE_MS = 100;
const IDLE_PAUSE_MS = 10_000;
const RETRY_PAUSE_MS = 60_000;

export interface InventoryParts {
  readonly kv: KvStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly inventory: ChunkInventory;
  readonly nodes: Pick<PlacementSource, "leaverOf" | "isLive">;
  readonly badReplicas: Pick<BadReplicaWorker, "report">;
  readonly settings: Pick<NamespaceSettings, "inventoryIntervalMs">;
}

/** How far the comparison with a node is. */
interface Progress {
  readonly after: ChunkId | undefined;
  readonly dueMs: number;
}

/**
 * Compares what nodes hold with what the records say, node by node, page by page, again and again. A copy that no
 * record names and, being of an epoch up to the horizon, none ever will, is to be deleted. A copy that a record names
 * and the node does not list is reported, which has the node look for it. A copy beyond the wanted ones goes from
 * the node where it is missed least.
 */
export class InventoryWorker implements Worker {
  readonly name = "inventories";
  readonly #parts: InventoryParts;
  /** One entry for each node that can be asked. */
  readonly #progress = new Map<number, Progress>();

  constructor(parts: InventoryParts) {
    this.#parts = parts;
  }

  async step(signal: AbortSignal): Promise<Step> {
    const nodeNumber = this.#nextNode();
    if (nodeNumber === undefined) return { pauseMs: IDLE_PAUSE_MS };
    const { clock, logger, settings } = this.#parts;
    const after = this.#progress.get(nodeNumber)?.after;
    try {
      const reached = await this.#compare(nodeNumber, after, signal);
      const pauseMs = reached === undefined ? settings.inventoryIntervalMs : 0;
      this.#progress.set(nodeNumber, { after: reached, dueMs: clock.now() + pauseMs });
    } catch (error) {
      if (!(error instanceof CairnError)) throw error;
      this.#progress.set(nodeNumber, { after, dueMs: clock.now() + RETRY_PAUSE_MS });
      logger.info("the inventory of a node could not be compared", {
        nodeNumber,
        reason: error.reason,
      });
    }
    return { pauseMs: PAGE_PAUSE_MS };
  }

  /** The node whose comparison has been due for longest. */
  #nextNode(): number | undefined {
    const { clock, inventory } = this.#parts;
    const nodeNumbers = new Set(inventory.nodeNumbers());
    for (const known of this.#progress.keys()) {
      if (!nodeNumbers.has(known)) this.#progress.delete(known);
    }
    let next: number | undefined;
    let dueMs = clock.now();
    for (const nodeNumber of nodeNumbers) {
      const nodeDueMs = this.#progress.get(nodeNumber)?.dueMs ?? 0;
      if (nodeDueMs > dueMs) continue;
      next = nodeNumber;
      dueMs = nodeDueMs;
    }
    return next;
  }

  /** Compares one page; gives where the next one starts, `undefined` when this was the last. */
  async #compare(
    nodeNumber: number,
    after: ChunkId | undefined,
    signal: AbortSignal,
  ): Promise<ChunkId | undefined> {
    const { kv, inventory, badReplicas } = this.#parts;
    const limit = PAGE_CHUNKS;
    const copies = await inventory.list({ nodeNumber, after, limit }, signal);
    const rows = await kv.read((reader) =>
      chunks.page(reader, after === undefined ? { limit } : { after, limit }),
    );
    // A full page says nothing of what comes after its last id.
    const ends = [copies.at(limit - 1)?.chunkId, rows.at(limit - 1)?.key];
    const end = ends.reduce((a, b) => (a === undefined || (b !== undefined && b < a) ? b : a));
    const isWithin = (id: ChunkId) => end === undefined || id <= end;

    const listed = new Set(copies.map((copy) => copy.chunkId));
    for (const { key, value } of rows) {
      const isNamed = isKept(value) && value.nodeNumbers.includes(nodeNumber);
      if (!isNamed || !isWithin(key) || listed.has(key)) continue;
      // Too many are waiting: the same page again, when some have been looked at.
      if (!badReplicas.report({ chunkId: key, nodeNumber })) return after;
    }
    const surplus = rows.filter(
      (row) => isWithin(row.key) && this.#isLeaver(row.value, nodeNumber),
    );
    for (const { key } of surplus) await this.#dropSurplus(key, nodeNumber, signal);
    await this.#dropOrphans(
      nodeNumber,
      copies.filter((copy) => isWithin(copy.chunkId)),
      signal,
    );
    return end;
  }

  /** Whether the chunk has more copies than wanted and this node's is the one to go. */
  #isLeaver(record: ChunkRecord, nodeNumber: number): boolean {
    const { nodeNumbers, wantedCopies } = record;
    if (record.state !== "live" || nodeNumbers.length <= wantedCopies) return false;
    return this.#parts.nodes.leaverOf(nodeNumbers, wantedCopies) === nodeNumber;
  }

  async #dropSurplus(id: ChunkId, nodeNumber: number, signal: AbortSignal): Promise<void> {
    const { kv, nodes } = this.#parts;
    await kv.transact(
      async (tx) => {
        const record = await chunks.get(tx, id);
        if (record === undefined || !this.#isLeaver(record, nodeNumber)) return;
        const isLive = (number: number) => nodes.isLive(number);
        await forgetReplica(tx, id, { nodeNumber, deletes: true }, isLive);
      },
      { signal },
    );
  }

  async #dropOrphans(
    nodeNumber: number,
    copies: readonly StoredCopy[],
    signal: AbortSignal,
  ): Promise<void> {
    const { kv, logger } = this.#parts;
    const find = (reader: KvReader) => findOrphans(reader, nodeNumber, copies);
    if ((await kv.read(find)).ids.length === 0) return;
    const { ids } = await kv.transact(
      async (tx) => {
        const found = await find(tx);
        for (const id of found.ids) await addDrop(tx, id, nodeNumber, found.horizon);
        return found;
      },
      { signal },
    );
    logger.info("a node holds copies that no record names", { nodeNumber, chunks: ids.length });
  }
}

/** Copies that no record names and none ever will, since every receipt for them is void. */
async function findOrphans(
  reader: KvReader,
  nodeNumber: number,
  copies: readonly StoredCopy[],
): Promise<{ readonly ids: readonly ChunkId[]; readonly horizon: number }> {
  const horizon = await readHorizon(reader);
  const old = copies.filter((copy) => copy.epoch <= horizon).map((copy) => copy.chunkId);
  const records = await chunks.getMany(reader, old);
  const ids = old.filter((_, at) => records[at]?.nodeNumbers.includes(nodeNumber) !== true);
  return { ids, horizon };
}

function isKept(record: ChunkRecord): boolean {
  return record.state === "live" || record.state === "garbage";
}
