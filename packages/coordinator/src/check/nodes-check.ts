import { isDeepStrictEqual } from "node:util";
import { CairnError } from "@cairnfs/base/errors";
import type { KvReader, KvStore } from "@cairnfs/kv/kv-store";
import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import type { ChunkRecord } from "../chunks/chunk-record.ts";
import type { ReplicaVerifier } from "../chunks/replica-verifier.ts";
import { addDrop, forgetReplica, liveCopies } from "../chunks/replicas.ts";
import type { ChunkInventory, StoredCopy } from "../gc/chunk-inventory.ts";
import { InventoryWindow, isKept } from "../gc/inventory-window.ts";
import { chunks } from "../keyspace.ts";
import { readHorizon } from "../single-values.ts";
import type { KnownNodes } from "./chunk-checks.ts";
import type { Finding, Found, Mended } from "./finding.ts";
import type { Scanner } from "./scanner.ts";

const PAGE_ROWS = 1_000;
const PAGE_COPIES = 1_000;

export interface NodesCheckParts {
  readonly kv: KvStore;
  readonly scanner: Scanner;
  readonly inventory: ChunkInventory;
  readonly verifier: ReplicaVerifier;
  /** Takes a copy in that its node has read and proved; gives how many. */
  readonly readmission: {
    admit(nodeNumber: number, ids: readonly ChunkId[], signal: AbortSignal): Promise<number>;
  };
  readonly nodes: KnownNodes;
  readonly signal: AbortSignal;
}

/**
 * What nodes hold is what records name: compared in both directions, window by window of chunk ids. A copy that is not listed is
 * looked for by its node before it is told.
 */
export async function* nodeFindings(
  parts: NodesCheckParts,
): AsyncGenerator<Found, void, undefined> {
  const { scanner } = parts;
  const nodeNumbers = new Set(parts.inventory.nodeNumbers());
  for (
    let window: InventoryWindow | undefined = new InventoryWindow(undefined, nodeNumbers);
    window;
  ) {
    while (!window.isFull) {
      const filling: InventoryWindow = window;
      const rows = await scanner.read((reader) => filling.extend(reader, PAGE_ROWS));
      await scanner.pause(rows.length);
    }
    for (const nodeNumber of [...nodeNumbers]) {
      try {
        yield* compare(parts, window, nodeNumber);
      } catch (error) {
        if (!(error instanceof CairnError) || parts.signal.aborted) throw error;
        nodeNumbers.delete(nodeNumber);
        const subject = `node ${nodeNumber}`;
        const message = `it did not answer: ${error.message}`;
        yield { finding: { kind: "nodeUnchecked", subject, message } };
      }
    }
    window = window.end === undefined ? undefined : new InventoryWindow(window.end, nodeNumbers);
  }
}

/** Compares one node with one window. */
async function* compare(
  parts: NodesCheckParts,
  window: InventoryWindow,
  nodeNumber: number,
): AsyncGenerator<Found, void, undefined> {
  const { inventory, scanner, signal } = parts;
  let { after } = window;
  for (let isMore = true; isMore; ) {
    const copies = await inventory.list({ nodeNumber, after, limit: PAGE_COPIES }, signal);
    const last = copies.at(PAGE_COPIES - 1)?.chunkId;
    isMore = last !== undefined && (window.end === undefined || last < window.end);
    const end = isMore ? last : window.end;
    const listed = new Map(copies.map((copy) => [copy.chunkId, copy]));
    const named = window.namedOf(nodeNumber, after, end);
    for (const id of named) {
      if (!listed.has(id)) yield* lookFor(parts, nodeNumber, id);
      listed.delete(id);
    }
    const others = [...listed.values()].filter((copy) => end === undefined || copy.chunkId <= end);
    yield* await lookAtUnnamed(parts, nodeNumber, others);
    after = end;
    await scanner.pause(copies.length);
  }
}

/** A copy that the node did not list: it may have come or gone since, so the node is asked for it alone. */
async function* lookFor(
  parts: NodesCheckParts,
  nodeNumber: number,
  chunkId: ChunkId,
): AsyncGenerator<Found, void, undefined> {
  const { kv, verifier, signal } = parts;
  const read = () => kv.read((reader) => chunks.get(reader, chunkId));
  const record = await read();
  if (!isNamedBy(record, nodeNumber)) return;
  const { lengthBytes } = record;
  const outcome = await verifier.verify({ nodeNumber, chunkId, lengthBytes }, signal);
  if (outcome === "intact" || !isDeepStrictEqual(record, await read())) return;
  const isMissing = outcome === "missing";
  yield {
    finding: {
      kind: isMissing ? "copyMissing" : "copyCorrupt",
      subject: `chunk ${chunkId} at node ${nodeNumber}`,
      message: `its record names ${record.nodeNumbers.length} copies of ${record.wantedCopies}, and this one is ${isMissing ? "not there" : "not what was written"}`,
    },
    mend: () => forget(parts, nodeNumber, chunkId, record),
  };
}

/** Only the record that the node was asked about: it may have stored the chunk again since. */
function forget(
  { kv, nodes }: NodesCheckParts,
  nodeNumber: number,
  id: ChunkId,
  seen: ChunkRecord,
): Promise<Mended> {
  return kv.transact(async (tx) => {
    if (!isDeepStrictEqual(seen, await chunks.get(tx, id))) return "changed";
    const isLive = (number: number) => nodes.isLive(number);
    await forgetReplica(tx, id, { nodeNumber, deletes: false }, isLive);
    return "mended";
  });
}

function isNamedBy(record: ChunkRecord | undefined, nodeNumber: number): record is ChunkRecord {
  return record !== undefined && isKept(record) && record.nodeNumbers.includes(nodeNumber);
}

type Unnamed = "copyUnclaimed" | "copyUnknown";

/**
 * What a copy is that no record names: one that the chunk lacks, or one that nobody will ever name, since every receipt for
 * it is void. Nothing is said of the others: they may be on their way into a record.
 */
async function kindOf(
  reader: KvReader,
  nodeNumber: number,
  { chunkId, epoch }: StoredCopy,
  { horizon, nodes }: { readonly horizon: number; readonly nodes: KnownNodes },
): Promise<Unnamed | undefined> {
  const record = await chunks.get(reader, chunkId);
  if (record?.nodeNumbers.includes(nodeNumber) === true) return undefined;
  // What the ledger says may be of before the last node died.
  const isOwed =
    record?.state === "live" &&
    liveCopies(record, (number) => nodes.isLive(number)) < record.wantedCopies;
  if (epoch > horizon)
    return isOwed && record.nodeNumbers.length === 0 ? "copyUnclaimed" : undefined;
  return isOwed ? "copyUnclaimed" : "copyUnknown";
}

async function lookAtUnnamed(
  parts: NodesCheckParts,
  nodeNumber: number,
  copies: readonly StoredCopy[],
): Promise<readonly Found[]> {
  if (copies.length === 0) return [];
  const kinds = await parts.kv.read(async (reader) => {
    const horizon = await readHorizon(reader);
    const { nodes } = parts;
    return Promise.all(copies.map((copy) => kindOf(reader, nodeNumber, copy, { horizon, nodes })));
  });
  return copies.flatMap((copy, at) => {
    const kind = kinds[at];
    return kind === undefined ? [] : [unnamed(parts, kind, nodeNumber, copy)];
  });
}

function unnamed(
  parts: NodesCheckParts,
  kind: Unnamed,
  nodeNumber: number,
  copy: StoredCopy,
): Found {
  const { chunkId, epoch } = copy;
  const finding: Finding = {
    kind,
    subject: `chunk ${chunkId} at node ${nodeNumber}`,
    message:
      kind === "copyUnclaimed"
        ? `the node holds it, of epoch ${epoch}, and the chunk has too few copies`
        : `the node holds it, of epoch ${epoch}, and no record will name it`,
  };
  return {
    finding,
    mend: async () => {
      if (kind === "copyUnknown") return dropUnknown(parts, nodeNumber, copy);
      const admitted = await parts.readmission.admit(nodeNumber, [chunkId], parts.signal);
      return admitted > 0 ? "mended" : "changed";
    },
  };
}

function dropUnknown(
  { kv, nodes }: NodesCheckParts,
  nodeNumber: number,
  copy: StoredCopy,
): Promise<Mended> {
  return kv.transact(async (tx) => {
    const horizon = await readHorizon(tx);
    const kind = await kindOf(tx, nodeNumber, copy, { horizon, nodes });
    if (kind !== "copyUnknown") return "changed";
    await addDrop(tx, copy.chunkId, nodeNumber, horizon);
    return "mended";
  });
}
