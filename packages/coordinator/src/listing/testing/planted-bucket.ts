import type { KvReader } from "@cairnfs/kv/kv-store";
import { MemoryKv } from "@cairnfs/kv/memory/memory-kv";
import { entries } from "../../keyspace.ts";
import { NO_METADATA, NO_POLICY, PLAIN_FILE } from "../../namespace/entry.ts";
import { contentId, type InodeId, inodeId } from "../../namespace/ids.ts";
import { keyRange } from "../key-range.ts";
import { listObjects } from "../list-objects.ts";
import type { ListedPage, ListRequest } from "./model-listing.ts";

const BUCKET_ID = inodeId(2);
const KEYS_PER_COMMIT = 2_000;

/** A bucket whose entries were written as rows, and what listing it costs. */
export interface PlantedBucket extends AsyncDisposable {
  list(request: ListRequest): Promise<ListedPage>;
  /** Since they were reset: ranges that were read, and rows that they gave. */
  readonly costs: { readonly reads: number; readonly rows: number };
  resetCosts(): void;
}

/** A bucket with files of these keys, and these directories, which end with "/". */
export async function plantBucket(
  keys: readonly string[],
  directories: readonly string[] = [],
  userMetadata: Readonly<Record<string, string>> = {},
): Promise<PlantedBucket> {
  const kv = new MemoryKv();
  const metadata = new Map(Object.entries(userMetadata));
  const ids = new Map<string, InodeId>([["", BUCKET_ID]]);
  let lastId = 2;
  const madeByOthers = new Set(directories);
  const paths = [...directories, ...keys];
  for (let at = 0; at < paths.length; at += KEYS_PER_COMMIT) {
    await kv.transact((tx) => {
      const directoryAt = (path: string): InodeId => {
        const known = ids.get(path);
        if (known !== undefined) return known;
        const slash = path.slice(0, -1).lastIndexOf("/");
        const parentId = directoryAt(path.slice(0, slash + 1));
        const id = inodeId(++lastId);
        const entry = {
          kind: "directory",
          ...commonOf(id),
          policy: NO_POLICY,
          isImplied: true,
        } as const;
        entries.put(tx, [parentId, path.slice(slash + 1)], entry);
        ids.set(path, id);
        return id;
      };
      for (const path of paths.slice(at, at + KEYS_PER_COMMIT)) {
        const isDirectory = madeByOthers.has(path);
        const slash = path.lastIndexOf("/");
        const parentId = directoryAt(isDirectory ? path : path.slice(0, slash + 1));
        if (isDirectory) continue;
        const common = { ...commonOf(inodeId(++lastId)), userMetadata: metadata };
        entries.put(tx, [parentId, path.slice(slash + 1)], {
          kind: "file",
          ...common,
          ...BODY,
          ...PLAIN_FILE,
        });
      }
    });
  }
  const costs = { reads: 0, rows: 0 };
  return {
    costs,
    resetCosts: () => Object.assign(costs, { reads: 0, rows: 0 }),
    async list({ limit, ...request }) {
      const range = keyRange(request);
      if (range === undefined) return { keys: [], nextAfter: "" };
      return kv.read(async (reader) => {
        const { items, nextAfter } = await listObjects(
          counted(reader, costs),
          BUCKET_ID,
          range,
          limit,
        );
        const listed = items.map(({ key }) => key.toString("utf8"));
        return { keys: listed, nextAfter: nextAfter?.toString("utf8") ?? "" };
      });
    },
    [Symbol.asyncDispose]: () => kv.close(),
  };
}

const BODY = {
  contentId: contentId(1),
  sizeBytes: 0,
  chunkCount: 0,
  chunkSizeBytes: 0,
  replicationFactor: 1,
  sha256: new Uint8Array(0),
};

function commonOf(id: InodeId) {
  return {
    inodeId: id,
    version: id,
    createdMs: 0,
    modifiedMs: 0,
    mode: 0,
    contentType: "",
    userMetadata: NO_METADATA,
  };
}

/** The reader, with what ranges cost added up. */
function counted(reader: KvReader, costs: { reads: number; rows: number }): KvReader {
  return {
    get: (key) => reader.get(key),
    getShared: (key) => reader.getShared(key),
    getMany: (keys) => reader.getMany(keys),
    range: async (range) => {
      const rows = await reader.range(range);
      costs.reads += 1;
      costs.rows += rows.length;
      return rows;
    },
  };
}
