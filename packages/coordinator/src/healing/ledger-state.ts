/**
 * What the ledger of debt keeps beside its rows, `meta` `ledger`:
 *
 *     | version 1 | walk pending u8 | list of: node number varint, dead since ms varint |
 *
 * docs/formats/keyspace.md is the register.
 */

import type { KvStore, KvTransaction } from "@cairnfs/kv/kv-store";
import { recordCodec } from "@cairnfs/kv/record";
import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import { debtCounts } from "../chunks/change-chunk.ts";
import { COUNTERS, type CounterName, count, readCounters } from "../counters.ts";
import { chunks, debts } from "../keyspace.ts";
import { metaTable } from "../single-values.ts";

export interface LedgerState {
  /** Whether records may be in the ledger under another number of copies than are live. */
  readonly isWalkPending: boolean;
  /** Since when each member that is dead has been so. */
  readonly deadSinceMs: ReadonlyMap<number, number>;
}

const states = metaTable<"ledger", LedgerState>(
  recordCodec("ledger", {
    version: 1,
    write: (to, state) => {
      to.u8(Number(state.isWalkPending));
      to.list([...state.deadSinceMs], (into, [nodeNumber, sinceMs]) => {
        into.varint(nodeNumber);
        into.varint(sinceMs);
      });
    },
    read: (from) => ({
      isWalkPending: from.u8() !== 0,
      deadSinceMs: new Map(from.list((of) => [of.varint(), of.varint()] as const)),
    }),
  }),
);

export function putLedgerState(tx: KvTransaction, state: LedgerState): void {
  states.put(tx, "ledger", state);
}

/** Has a walk pending from this transaction on: what it decides makes other copies count, whenever this process ends. */
export async function noteWalkDue(tx: KvTransaction): Promise<void> {
  const kept = await states.get(tx, "ledger");
  putLedgerState(tx, { isWalkPending: true, deadSinceMs: kept?.deadSinceMs ?? new Map() });
}

const PAGE_ROWS = 1000;

/**
 * The state of the ledger as the last coordinator left it. A store from before there was one gets it here: the counters of
 * the debt are made from its rows, and a walk is pending. To be called before anything else changes the store.
 */
export async function openLedger(kv: KvStore): Promise<LedgerState> {
  const kept = await kv.read((reader) => states.get(reader, "ledger"));
  if (kept !== undefined) return kept;
  const counted = await recountDebt(kv);
  const fresh: LedgerState = { isWalkPending: true, deadSinceMs: new Map() };
  await kv.transact(async (tx) => {
    const counters = await readCounters(tx);
    for (const name of COUNTERS) {
      if (isOfDebt(name)) count(tx, name, (counted.get(name) ?? 0) - counters[name]);
    }
    putLedgerState(tx, fresh);
  });
  return fresh;
}

async function recountDebt(kv: KvStore): Promise<ReadonlyMap<CounterName, number>> {
  const counted = new Map<CounterName, number>();
  let after: readonly [number, ChunkId] | undefined;
  for (;;) {
    const from = after;
    const { ids, records } = await kv.read(async (reader) => {
      const rows = await debts.page(reader, {
        limit: PAGE_ROWS,
        ...(from === undefined ? {} : { after: from }),
      });
      const keys = rows.map((row) => row.key);
      return {
        ids: keys,
        records: await chunks.getMany(
          reader,
          keys.map((key) => key[1]),
        ),
      };
    });
    for (const record of records) {
      for (const [name, amount] of debtCounts(record)) {
        counted.set(name, (counted.get(name) ?? 0) + amount);
      }
    }
    after = ids.at(-1);
    if (ids.length < PAGE_ROWS) return counted;
  }
}

function isOfDebt(name: CounterName): boolean {
  return name.startsWith("debt") || name === "missingBytes";
}
