import type { KvReader, KvStore } from "@cairnfs/kv/kv-store";
import type { RowRange, Table } from "@cairnfs/kv/table";
import type { Found, Mended, Wrong } from "./finding.ts";
import { pagesOf, type Scanner } from "./scanner.ts";

/** What can be said of a row from itself and a few others: all that one snapshot, and so one transaction, has to read. */
export interface RowCheck {
  /** What is wrong with each row. Without a store nothing is mended. */
  run(scanner: Scanner, kv: KvStore | undefined): AsyncGenerator<Found, void, undefined>;
}

type Look<K, V> = (reader: KvReader, key: K, value: V) => Promise<readonly Wrong[]>;

/** The check that looks at every row of a table. Mending looks at the row again, in the transaction that mends it. */
export function rowCheck<K, V>(
  table: Table<K, V>,
  look: Look<K, V>,
  range: RowRange<K> = {},
): RowCheck {
  return {
    async *run(scanner, kv) {
      const pages = pagesOf(scanner, table, range, async (rows, reader) => {
        const found: (readonly [K, Wrong])[] = [];
        for (const { key, value } of rows) {
          for (const wrong of await look(reader, key, value)) found.push([key, wrong]);
        }
        return found;
      });
      for await (const page of pages) {
        for (const [key, { kind, subject, message, mend }] of page) {
          const finding = { kind, subject, message };
          const isMendable = mend !== undefined && kv !== undefined;
          yield { finding, mend: isMendable ? () => mendRow(kv, key, finding) : undefined };
        }
      }
    },
  };

  function mendRow(kv: KvStore, key: K, told: Found["finding"]): Promise<Mended> {
    return kv.transact(async (tx) => {
      const value = await table.get(tx, key);
      const all = value === undefined ? [] : await look(tx, key, value);
      const wrong = all.find(({ kind, subject }) => kind === told.kind && subject === told.subject);
      if (wrong?.mend === undefined) return wrong === undefined ? "well" : "changed";
      await wrong.mend(tx);
      return "mended";
    });
  }
}
