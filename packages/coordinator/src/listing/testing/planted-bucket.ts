import { fromBinary } from "@bufbuild/protobuf";
import type { KvReader, KvStore, KvTransaction } from "@cairnfs/kv/kv-store";
import { MemoryKv } from "@cairnfs/kv/memory/memory-kv";
import { ListObjectsResponseSchema } from "@cairnfs/protocol/gen/cairn/v1/objects_pb";
import { entries, nullVersions, versions } from "../../keyspace.ts";
import { type FileEntry, NO_METADATA, NO_POLICY, PLAIN_FILE } from "../../namespace/entry.ts";
import { contentId, type InodeId, inodeId } from "../../namespace/ids.ts";
import { parseVersionId } from "../../objects/version-id.ts";
import { keyRange } from "../key-range.ts";
import { listObjects } from "../list-objects.ts";
import { listVersions, versionIdOfItem } from "../list-versions.ts";
import type {
  ListedPage,
  ListedVersions,
  ListRequest,
  ListVersionsRequest,
  ModelVersion,
} from "./model-listing.ts";

const BUCKET_ID = inodeId(2);
const PATHS_PER_COMMIT = 2_000;

/** A bucket whose entries were written as rows, and what listing it costs. */
export interface PlantedBucket extends AsyncDisposable {
  readonly kv: KvStore;
  readonly bucketId: InodeId;
  list(request: ListRequest): Promise<ListedPage>;
  listVersions(request: ListVersionsRequest): Promise<ListedVersions>;
  /** Since they were reset: ranges that were read, and rows that they gave. */
  readonly costs: { readonly reads: number; readonly rows: number };
  resetCosts(): void;
}

export interface Plants {
  /** Of files in the tree. */
  readonly keys?: readonly string[];
  /** Which end with "/". */
  readonly directories?: readonly string[];
  /** What is in the tree, and what is kept beside it. */
  readonly versions?: readonly ModelVersion[];
  readonly userMetadata?: Readonly<Record<string, string>>;
}

/** A bucket with all of these. */
export async function plantBucket(plants: Plants): Promise<PlantedBucket> {
  const kv = new MemoryKv();
  const garden = new Garden(plants.userMetadata ?? {});
  const work = [
    ...(plants.directories ?? []).map((path) => (tx: KvTransaction) => {
      garden.directoryAt(tx, path);
    }),
    ...(plants.keys ?? []).map((key) => (tx: KvTransaction) => garden.plantFile(tx, key, {})),
    ...(plants.versions ?? []).map((version) => (tx: KvTransaction) => {
      garden.plantVersion(tx, version);
    }),
  ];
  for (let at = 0; at < work.length; at += PATHS_PER_COMMIT) {
    await kv.transact((tx) => {
      for (const plant of work.slice(at, at + PATHS_PER_COMMIT)) plant(tx);
    });
  }
  const costs = { reads: 0, rows: 0 };
  return {
    kv,
    bucketId: BUCKET_ID,
    costs,
    resetCosts: () => Object.assign(costs, { reads: 0, rows: 0 }),
    async list({ limit, ...request }) {
      const range = keyRange(request);
      if (range === undefined) return { keys: [], nextAfter: "" };
      return kv.read(async (inner) => {
        const reader = counted(inner, costs);
        const wanted = { bucketId: BUCKET_ID, isVersioned: false, range, limit };
        const response = await listObjects(reader, wanted);
        const { items, nextAfter } = fromBinary(ListObjectsResponseSchema, response);
        return { keys: items.map(({ key }) => key), nextAfter };
      });
    },
    async listVersions({ limit, afterKey, afterVersionId, ...request }) {
      const choice = parseVersionId(afterVersionId);
      const marker = choice && { key: afterKey, choice };
      const isIncluded = marker !== undefined;
      const range = keyRange({ ...request, after: afterKey, includesAfter: isIncluded });
      if (range === undefined) return { items: [], next: undefined };
      return kv.read(async (inner) => {
        const reader = counted(inner, costs);
        const wanted = { range, limit, marker };
        const { items, next } = await listVersions(reader, BUCKET_ID, wanted);
        return {
          items: items.map((item) => ({
            key: item.key.toString("utf8"),
            versionId: versionIdOfItem(item),
            isLatest: item.kind !== "prefix" && item.isLatest,
            isMarker: item.kind === "marker",
          })),
          next: next && { afterKey: next.key.toString("utf8"), afterVersionId: next.versionId },
        };
      });
    },
    [Symbol.asyncDispose]: () => kv.close(),
  };
}

/** Writes rows, with the directories that they need. */
class Garden {
  readonly #metadata: ReadonlyMap<string, string>;
  readonly #directories = new Map<string, InodeId>([["", BUCKET_ID]]);
  #lastId = 2;

  constructor(userMetadata: Readonly<Record<string, string>>) {
    this.#metadata = new Map(Object.entries(userMetadata));
  }

  directoryAt(tx: KvTransaction, path: string): InodeId {
    const known = this.#directories.get(path);
    if (known !== undefined) return known;
    const slash = path.slice(0, -1).lastIndexOf("/");
    const parentId = this.directoryAt(tx, path.slice(0, slash + 1));
    const id = inodeId(++this.#lastId);
    const common = { ...commonOf(id), policy: NO_POLICY, isImplied: true };
    entries.put(tx, [parentId, path.slice(slash + 1)], { kind: "directory", ...common });
    this.#directories.set(path, id);
    return id;
  }

  plantFile(tx: KvTransaction, key: string, version: Partial<FileEntry>): void {
    const slash = key.lastIndexOf("/");
    const parentId = this.directoryAt(tx, key.slice(0, slash + 1));
    entries.put(tx, [parentId, key.slice(slash + 1)], this.#file(version));
  }

  plantVersion(tx: KvTransaction, version: ModelVersion): void {
    const { key, sequence, isNull, place } = version;
    if (place === "tree") {
      this.plantFile(tx, key, { sequence, isNull });
      return;
    }
    const record =
      place === "marker"
        ? ({ kind: "marker", modifiedMs: 1, isNull, owner: "", noncurrentMs: 0 } as const)
        : ({ kind: "file", entry: this.#file({ sequence, isNull }), noncurrentMs: 1 } as const);
    versions.put(tx, [BUCKET_ID, key, sequence], record);
    if (isNull) nullVersions.put(tx, [BUCKET_ID, key], sequence);
  }

  #file(version: Partial<FileEntry>): FileEntry {
    const common = { ...commonOf(inodeId(++this.#lastId)), userMetadata: this.#metadata };
    return { kind: "file", ...common, ...BODY, ...PLAIN_FILE, ...version };
  }
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
