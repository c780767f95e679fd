import type { KvReader, KvStore, KvTransaction } from "@cairnfs/kv/kv-store";
import type { Table } from "@cairnfs/kv/table";
import { forgetBucket } from "../buckets/read-bucket.ts";
import { bucketDocuments, bucketLifecycles, buckets, entries, versions } from "../keyspace.ts";
import { type InodeId, ROOT_ID } from "../namespace/ids.ts";
import type { CountingCheck } from "./counting.ts";
import { directoriesThatAre } from "./directories-check.ts";
import type { Found, Mended, Wrong } from "./finding.ts";
import { type RowCheck, rowCheck } from "./row-checks.ts";
import { forEachRow, type Scanner } from "./scanner.ts";

/** What is kept of a bucket is kept as long as its directory: in the tree, in the trash or being taken apart. */
export function bucketsCheck(kv: KvStore | undefined): CountingCheck<InodeId> {
  return {
    window: readBucketIds,
    async suspectsOf(scanner, ids) {
      const missing = new Set(ids);
      await forEachRow(scanner, entries, { within: [ROOT_ID] }, ({ value }) => {
        missing.delete(value.inodeId);
      });
      return missing.size === 0 ? [] : notThere(scanner, [...missing]);
    },
    async verdictsOf(scanner, ids) {
      const wrong = await notThere(scanner, ids);
      return wrong.map((id) => verdictOf(kv, id));
    },
  };
}

/** Documents and lifecycles belong to a bucket that has a record. */
export function bucketRowChecks(): readonly RowCheck[] {
  return [
    rowCheck(bucketDocuments, (reader, key) =>
      lookAt(reader, key[0], `document ${key[1]}`, (tx) => bucketDocuments.delete(tx, key)),
    ),
    rowCheck(bucketLifecycles, (reader, id) =>
      lookAt(reader, id, "lifecycle", (tx) => bucketLifecycles.delete(tx, id)),
    ),
  ];
}

async function readBucketIds(
  scanner: Scanner,
  after: InodeId | undefined,
  limit: number,
): Promise<readonly InodeId[]> {
  const ids: InodeId[] = [];
  for (let last = after; ids.length < limit; ) {
    const from = last === undefined ? {} : { after: last };
    const rows = await scanner.read((reader) => keysOf(reader, buckets, from, scanner.pageRows));
    ids.push(...rows);
    last = rows.at(-1);
    await scanner.pause(rows.length);
    if (rows.length < scanner.pageRows) break;
  }
  return ids.slice(0, limit);
}

async function keysOf<V>(
  reader: KvReader,
  table: Table<InodeId, V>,
  from: { readonly after?: InodeId },
  limit: number,
): Promise<readonly InodeId[]> {
  return (await table.page(reader, { ...from, limit })).map(({ key }) => key);
}

async function notThere(scanner: Scanner, ids: readonly InodeId[]): Promise<readonly InodeId[]> {
  const there = await directoriesThatAre(scanner, ids);
  return ids.filter((id) => !there.has(id));
}

function verdictOf(kv: KvStore | undefined, id: InodeId): Found {
  const message = "it has no directory, in the tree or on its way out";
  return {
    finding: { kind: "bucketOrphaned", subject: `bucket ${id}`, message },
    mend: kv && (() => forget(kv, id)),
  };
}

/** Nobody makes a directory with an inode that was given before. */
function forget(kv: KvStore, id: InodeId): Promise<Mended> {
  return kv.transact(async (tx) => {
    // What it has of versions is somebody's: it does not go because a row of its directory was lost.
    if ((await versions.first(tx, { within: [id] })) !== undefined) return "changed";
    await forgetBucket(tx, id);
    return "mended";
  });
}

async function lookAt(
  reader: KvReader,
  id: InodeId,
  what: string,
  mend: (tx: KvTransaction) => void,
): Promise<readonly Wrong[]> {
  if (await buckets.has(reader, id)) return [];
  const message = `its ${what} is there, and no record of it`;
  return [{ kind: "bucketOrphaned", subject: `${what} of bucket ${id}`, message, mend }];
}
