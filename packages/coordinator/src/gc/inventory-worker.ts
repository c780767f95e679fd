import type { Clock } from "@cairnfs/base/clock";
import { CairnError } from "@cairnfs/base/errors";
import type { Logger } from "@cairnfs/base/telemetry";
import type { Step, Worker } from "@cairnfs/base/worker";
import type { KvReader, KvStore } from "@cairnfs/kv/kv-store";
import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import type { BadReplicaWorker } from "../chunks/bad-replica-worker.ts";
import type { ChunkRecord } from "../chunks/chunk-record.ts";
import type { ReplicaVerifier } from "../chunks/replica-verifier.ts";
import { addDrop, forgetReplica, liveCopies } from "../chunks/replicas.ts";
import { chunks, readHorizon } from "../keyspace.ts";
import type { NamespaceSettings } from "../namespace/settings.ts";
import type { PlacementSource } from "../uploads/placements.ts";
import type { ChunkInventory, StoredCopy } from "./chunk-inventory.ts";

const PAGE_CHUNKS = 1_000;
/** Between two pages: at most 10,000 chunks a second are compared. */
const PAGE_PAUSE_MS = 100;
const IDLE_PAUSE_MS = 10_000;
/** Each costs the reading of as many copies as are wanted; the next comparison goes on. */
const SURPLUS_PER_PAGE = 64;
const RETRY_PAUSE_MS = 60_000;

export interface InventoryParts {
  readonly kv: KvStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly inventory: ChunkInventory;
  readonly nodes: Pick<PlacementSource, "leaverOf" | "isLive">;
  readonly badReplicas: Pick<BadReplicaWorker, "report">;
  readonly verifier: ReplicaVerifier;
  readonly settings: Pick<NamespaceSettings, "inventoryIntervalMs">;
}

/** How far the comparison with a node is. */
interface Progress {
  readonly after: ChunkId | undefined;
  readonly dueMs: number;
}

/** Where the next page starts, unless that was the last. */
type Reached = { readonly after: ChunkId | undefined } | "end";

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
      this.#progress.set(
        nodeNumber,
        reached === "end"
          ? { after: undefined, dueMs: clock.now() + settings.inventoryIntervalMs }
          : { after: reached.after, dueMs: clock.now() },
      );
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

  /** Compares one page. */
  async #compare(
    nodeNumber: number,
    after: ChunkId | undefined,
    signal: AbortSignal,
  ): Promise<Reached> {
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
      if (!badReplicas.report({ chunkId: key, nodeNumber })) return { after };
    }
    const surplus = rows.filter(
      (row) => isWithin(row.key) && this.#isLeaver(row.value, nodeNumber),
    );
    for (const { key, value } of surplus.slice(0, SURPLUS_PER_PAGE)) {
      await this.#dropSurplus(key, value, nodeNumber, signal);
    }
    const within = copies.filter((copy) => isWithin(copy.chunkId));
    await this.#dropOrphans(nodeNumber, within, signal);
    return end === undefined ? "end" : { after: end };
  }

  /** Whether the chunk has more copies than wanted and this node's is the one to go. */
  #isLeaver(record: ChunkRecord, nodeNumber: number): boolean {
    const { nodeNumbers, wantedCopies } = record;
    if (record.state !== "live" || nodeNumbers.length <= wantedCopies) return false;
    return this.#parts.nodes.leaverOf(nodeNumbers, wantedCopies) === nodeNumber;
  }

  /** Lets the node's copy go when as many others as are wanted have been read and found intact, and not before. */
  async #dropSurplus(
    id: ChunkId,
    compared: ChunkRecord,
    nodeNumber: number,
    signal: AbortSignal,
  ): Promise<void> {
    const { kv, nodes } = this.#parts;
    if (!(await this.#areOthersIntact(id, compared, nodeNumber, signal))) return;
    await kv.transact(
      async (tx) => {
        const record = await chunks.get(tx, id);
        if (record === undefined || !this.#isLeaver(record, nodeNumber)) return;
        // What was verified are the copies of the record as it was.
        if (!areSame(record.nodeNumbers, compared.nodeNumbers)) return;
        const isLive = (number: number) => nodes.isLive(number);
        await forgetReplica(tx, id, { nodeNumber, deletes: true }, isLive);
      },
      { signal },
    );
  }

  async #areOthersIntact(
    chunkId: ChunkId,
    { nodeNumbers, wantedCopies }: ChunkRecord,
    leaver: number,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { nodes, verifier, badReplicas } = this.#parts;
    let intact = 0;
    for (const nodeNumber of nodeNumbers) {
      if (intact === wantedCopies) break;
      if (nodeNumber === leaver || !nodes.isLive(nodeNumber)) continue;
      const finding = await verifier.verify({ nodeNumber, chunkId }, signal);
      if (finding === "intact") intact += 1;
      else badReplicas.report({ nodeNumber, chunkId });
    }
    return intact >= wantedCopies;
  }

  async #dropOrphans(
    nodeNumber: number,
    copies: readonly StoredCopy[],
    signal: AbortSignal,
  ): Promise<void> {
    const { kv, logger } = this.#parts;
    const isLive = (number: number) => this.#parts.nodes.isLive(number);
    const find = (reader: KvReader) => findOrphans(reader, nodeNumber, copies, isLive);
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

/**
 * Copies that no record names and none ever will, since every receipt for them is void. While the chunk has too few
 * copies its last bytes may be in one of these: they stay.
 */
async function findOrphans(
  reader: KvReader,
  nodeNumber: number,
  copies: readonly StoredCopy[],
  isLive: (nodeNumber: number) => boolean,
): Promise<{ readonly ids: readonly ChunkId[]; readonly horizon: number }> {
  const horizon = await readHorizon(reader);
  const old = copies.filter((copy) => copy.epoch <= horizon).map((copy) => copy.chunkId);
  const records = await chunks.getMany(reader, old);
  const ids = old.filter((_, at) => {
    const record = records[at];
    if (record === undefined) return true;
    if (record.nodeNumbers.includes(nodeNumber)) return false;
    return !isKept(record) || liveCopies(record, isLive) >= record.wantedCopies;
  });
  return { ids, horizon };
}

function isKept(record: ChunkRecord): boolean {
  return record.state === "live" || record.state === "garbage";
}

function areSame(some: readonly number[], others: readonly number[]): boolean {
  return some.length === others.length && some.every((number, at) => number === others[at]);
}
