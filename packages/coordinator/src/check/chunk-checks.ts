import type { KvReader } from "@cairnfs/kv/kv-store";
import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import { changeChunk, withDebt } from "../chunks/change-chunk.ts";
import type { ChunkRecord } from "../chunks/chunk-record.ts";
import { liveCopies } from "../chunks/replicas.ts";
import { chunks, debts, domainReferences, drops, garbageChunks } from "../keyspace.ts";
import type { DomainId } from "../namespace/ids.ts";
import type { Wrong } from "./finding.ts";
import { type RowCheck, rowCheck } from "./row-checks.ts";

/** What a check has to know of nodes. */
export interface KnownNodes {
  /** Whether a node is or was a member, as the reader has it. */
  isKnown(reader: KvReader, nodeNumber: number): Promise<boolean>;
  isLive(nodeNumber: number): boolean;
}

/** What can be said of chunk records and the rows that lead to them, one by one. Of nodes nothing is said where none are given. */
export function chunkChecks(nodes: KnownNodes | undefined): readonly RowCheck[] {
  return [
    rowCheck(chunks, async (reader, id, record) => [
      ...(await lookAtRows(reader, id, record)),
      ...(nodes === undefined ? [] : await lookAtNodes(reader, id, record, nodes)),
    ]),
    rowCheck(garbageChunks, async (reader, key) => {
      const record = await chunks.get(reader, key[1]);
      if (record?.dueMs === key[0]) return [];
      const message = `it is listed as due at ${key[0]}, and its record says ${record?.dueMs ?? "nothing"}`;
      return [stale(key[1], message, (tx) => garbageChunks.delete(tx, key))];
    }),
    rowCheck(debts, async (reader, key) => {
      const record = await chunks.get(reader, key[1]);
      if (record?.debtCopies === key[0]) return [];
      const message = `it is listed in debt with ${key[0]} copies, and its record says ${record?.debtCopies ?? "nothing"}`;
      return [stale(key[1], message, (tx) => debts.delete(tx, key))];
    }),
    rowCheck(domainReferences, lookAtDomainRow),
    rowCheck(drops, async (reader, key) => {
      if (nodes === undefined || (await nodes.isKnown(reader, key[0]))) return [];
      return [
        {
          kind: "nodeUnknown",
          subject: `deletion of chunk ${key[1]} at node ${key[0]}`,
          message: `no node has the number ${key[0]}`,
          mend: (tx) => drops.delete(tx, key),
        },
      ];
    }),
  ];
}

function stale(id: ChunkId, message: string, mend: Wrong["mend"]): Wrong {
  return { kind: "chunkRowStale", subject: `chunk ${id}`, message, mend };
}

/** What a record says of other rows is so: it is listed where it is due or owed, and its holders are told to delete. */
async function lookAtRows(
  reader: KvReader,
  id: ChunkId,
  record: ChunkRecord,
): Promise<readonly Wrong[]> {
  const { dueMs, debtCopies } = record;
  const subject = `chunk ${id}`;
  const wrongs: Wrong[] = [];
  if (dueMs !== 0 && !(await garbageChunks.has(reader, [dueMs, id]))) {
    wrongs.push({
      kind: "chunkUnlisted",
      subject,
      message: `it is due at ${dueMs} and not listed there`,
      mend: (tx) => garbageChunks.put(tx, [dueMs, id], true),
    });
  }
  if (debtCopies !== undefined && !(await debts.has(reader, [debtCopies, id]))) {
    wrongs.push({
      kind: "chunkUnlisted",
      subject: `${subject} in debt`,
      message: `it has ${debtCopies} live copies and is not listed in debt`,
      mend: (tx) => debts.put(tx, [debtCopies, id], true),
    });
  }
  if (record.state !== "deleting") return wrongs;
  if (record.nodeNumbers.length === 0) {
    wrongs.push({
      kind: "chunkUnlisted",
      subject,
      message: "it is to be deleted, and no node is left that has not done so",
      // Due at once: whoever buries it looks at the horizon.
      mend: (tx) => changeChunk(tx, id, record, { ...record, state: "deleted", dueMs: 1 }),
    });
  }
  for (const nodeNumber of record.nodeNumbers) {
    const epochMax = await drops.get(reader, [nodeNumber, id]);
    if (epochMax !== undefined && epochMax >= record.deleteEpoch) continue;
    wrongs.push({
      kind: "chunkUnlisted",
      subject: `${subject} at node ${nodeNumber}`,
      message: `it is to be deleted, and node ${nodeNumber} is not told so`,
      mend: (tx) => drops.put(tx, [nodeNumber, id], record.deleteEpoch),
    });
  }
  return wrongs;
}

async function lookAtNodes(
  reader: KvReader,
  id: ChunkId,
  record: ChunkRecord,
  nodes: KnownNodes,
): Promise<readonly Wrong[]> {
  const subject = `chunk ${id}`;
  const unknown: number[] = [];
  for (const nodeNumber of record.nodeNumbers) {
    if (!(await nodes.isKnown(reader, nodeNumber))) unknown.push(nodeNumber);
  }
  const wrongs: Wrong[] = [];
  if (unknown.length > 0) {
    const known = record.nodeNumbers.filter((nodeNumber) => !unknown.includes(nodeNumber));
    wrongs.push({
      kind: "nodeUnknown",
      subject,
      message: `its record names nodes ${unknown.join(", ")}, which were never members`,
      mend: (tx) => {
        const changed = { ...record, nodeNumbers: known };
        const live = liveCopies(changed, (number) => nodes.isLive(number));
        changeChunk(tx, id, record, withDebt(changed, live));
        for (const nodeNumber of unknown) drops.delete(tx, [nodeNumber, id]);
      },
    });
  }
  if (record.state === "live" && liveCopies(record, (number) => nodes.isLive(number)) === 0) {
    const named = record.nodeNumbers.join(", ");
    wrongs.push({
      kind: "chunkLost",
      subject,
      message:
        named === ""
          ? `no node is known to hold its ${record.lengthBytes} bytes`
          : `its ${record.lengthBytes} bytes are at nodes ${named}, none of which is live`,
    });
  }
  return wrongs;
}

async function lookAtDomainRow(
  reader: KvReader,
  key: readonly [ChunkId, DomainId],
  references: number,
): Promise<readonly Wrong[]> {
  const [id, domain] = key;
  const record = await chunks.get(reader, id);
  const isAtHome = record?.homeDomainId === domain;
  if (record !== undefined && !isAtHome && references > 0) return [];
  const why =
    record === undefined ? "it has no record" : isAtHome ? "its home is there" : "that is none";
  return [
    {
      kind: "domainRowStale",
      subject: `chunk ${id} in domain ${domain}`,
      message: `${references} references are counted, and ${why}`,
      mend: (tx) => domainReferences.delete(tx, key),
    },
  ];
}
