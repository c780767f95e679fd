import type { KvReader, KvTransaction } from "@cairnfs/kv/kv-store";
import { counterTable } from "./keyspace.ts";

/** What is counted, in the transactions that change it. */
export const COUNTERS = [
  "files",
  "directories",
  "logicalBytes",
  "versions",
  "versionBytes",
  "deleteMarkers",
  "chunks",
  "uniqueBytes",
  "garbageChunks",
  "garbageBytes",
  "garbageDiskBytes",
  "openUploads",
  "trashItems",
  "trashUnsized",
  "trashFiles",
  "trashDirectories",
  "trashLogicalBytes",
  "trashDiskBytes",
  "debtChunks",
  "debtBytes",
  "debtChunks0",
  "debtChunks1",
  "debtChunks2",
  "debtChunks3",
  "debtBytes0",
  "debtBytes1",
  "debtBytes2",
  "debtBytes3",
  "missingBytes",
  "changes",
] as const;
export type CounterName = (typeof COUNTERS)[number];

export type Counters = Readonly<Record<CounterName, number>>;

const KEYS = new Map(COUNTERS.map((name) => [name, counterTable.keyOf(name)]));

const MANY_COPIES = { copies: 3, chunks: "debtChunks3", bytes: "debtBytes3" } as const;

/** Chunks in debt are counted by their live copies: the last class has those with this many or more. */
export const DEBT_CLASSES = [
  { copies: 0, chunks: "debtChunks0", bytes: "debtBytes0" },
  { copies: 1, chunks: "debtChunks1", bytes: "debtBytes1" },
  { copies: 2, chunks: "debtChunks2", bytes: "debtBytes2" },
  MANY_COPIES,
] as const satisfies readonly { copies: number; chunks: CounterName; bytes: CounterName }[];

/** The class of chunks in debt with so many live copies. */
export function debtClassOf(liveCopies: number): (typeof DEBT_CLASSES)[number] {
  return DEBT_CLASSES[liveCopies] ?? MANY_COPIES;
}

/** Moves a counter when the transaction commits. Never conflicts. */
export function count(tx: KvTransaction, name: CounterName, delta: number): void {
  if (delta === 0) return;
  tx.add(KEYS.get(name) ?? counterTable.keyOf(name), delta);
}

/**
 * All counters, of one moment. Files, directories and bytes of a removed tree count until it has been taken apart;
 * `chunks` and `uniqueBytes` are those with references. What is in the trash counts as long as it is there; what of it has
 * been added up is in the counters of the trash as well, what has not is one of `trashUnsized`.
 */
export async function readCounters(reader: KvReader): Promise<Counters> {
  const values = await counterTable.getMany(reader, COUNTERS);
  // One value for each name, in their order.
  return Object.fromEntries(COUNTERS.map((name, at) => [name, values[at] ?? 0])) as Counters;
}
