import type { KvStore } from "@cairnfs/kv/kv-store";
import { count } from "../counters.ts";
import { entries, TOMB_KIND, tombstones, trash } from "../keyspace.ts";
import { DIRECTORY_MODE_DEFAULT, NO_METADATA, NO_POLICY, sortNameOf } from "../namespace/entry.ts";
import { ABOVE_ROOT_ID, type InodeId, inodeId } from "../namespace/ids.ts";
import type { Mutation } from "../namespace/mutation.ts";
import { parsePath } from "../namespace/path.ts";
import { openSlot } from "../namespace/slot.ts";
import type { CountingCheck } from "./counting.ts";
import type { Found, Mended } from "./finding.ts";
import { forEachRow, type Scanner } from "./scanner.ts";

/** Where directories are put that had lost their names. */
export const LOST_AND_FOUND = "/lost+found";

/** Runs what makes directories: it draws up to so many ids. */
export type RunMutation = (
  idsMax: number,
  body: (mutation: Mutation) => Promise<Mended>,
) => Promise<Mended>;

export interface DirectoriesCheckParts {
  readonly kv: KvStore | undefined;
  readonly runMutation: RunMutation | undefined;
}

type EntryKey = readonly [InodeId, string];

/** How a directory can be reached: the keys of its entries, and whether the trash or a tombstone has it. */
interface Ways {
  readonly keys: EntryKey[];
  isRemoved: boolean;
}

/** Every directory that has entries is in the tree, in the trash or being taken apart, and in one place. */
export function directoriesCheck(parts: DirectoriesCheckParts): CountingCheck<InodeId> {
  return {
    window: readParents,
    async suspectsOf(scanner, ids) {
      const ways = await waysTo(scanner, ids);
      return ids.filter((id) => !isRight(id, ways.get(id)));
    },
    async verdictsOf(scanner, ids) {
      const ways = await waysTo(scanner, ids);
      const wrong = ids.filter((id) => !isRight(id, ways.get(id)));
      return wrong.map((id) => verdictOf(parts, id, ways.get(id)?.keys ?? []));
    },
  };
}

const SEEKS = 256;

/** The directories that have entries: one look for each, whatever is in it. */
async function readParents(
  scanner: Scanner,
  after: InodeId | undefined,
  limit: number,
): Promise<readonly InodeId[]> {
  const ids: InodeId[] = [];
  let next = after === undefined ? ABOVE_ROOT_ID : inodeId(after + 1);
  for (let isMore = true; isMore && ids.length < limit; ) {
    isMore = await scanner.read(async (reader) => {
      for (let seek = 0; seek < SEEKS && ids.length < limit; seek++) {
        const first = await entries.first(reader, { from: [next, ""] });
        if (first === undefined) return false;
        ids.push(first.key[0]);
        next = inodeId(first.key[0] + 1);
      }
      return true;
    });
    await scanner.pause(SEEKS);
  }
  return ids;
}

async function waysTo(
  scanner: Scanner,
  ids: readonly InodeId[],
): Promise<ReadonlyMap<InodeId, Ways>> {
  const ways = new Map(ids.map((id): [InodeId, Ways] => [id, { keys: [], isRemoved: false }]));
  const removed = (id: InodeId) => {
    const way = ways.get(id);
    if (way !== undefined) way.isRemoved = true;
  };
  await forEachRow(scanner, trash, {}, ({ value }) => removed(value.entry.inodeId));
  await forEachRow(scanner, entries, {}, ({ key, value }) => {
    if (value.kind === "directory") ways.get(value.inodeId)?.keys.push(key);
  });
  await forEachRow(scanner, tombstones, {}, ({ key }) => {
    if (key[1] === TOMB_KIND.directory) removed(inodeId(key[2]));
  });
  return ways;
}

/** Those of these directories that are in the tree, in the trash or being taken apart. */
export async function directoriesThatAre(
  scanner: Scanner,
  ids: readonly InodeId[],
): Promise<ReadonlySet<InodeId>> {
  const ways = await waysTo(scanner, ids);
  const isThere = ({ keys, isRemoved }: Ways) => keys.length > 0 || isRemoved;
  return new Set([...ways].flatMap(([id, way]) => (isThere(way) ? [id] : [])));
}

function isRight(id: InodeId, ways: Ways | undefined): boolean {
  if (id === ABOVE_ROOT_ID || ways === undefined) return true;
  return ways.keys.length + Number(ways.isRemoved) === 1;
}

function verdictOf(parts: DirectoriesCheckParts, id: InodeId, keys: readonly EntryKey[]): Found {
  const { kv, runMutation } = parts;
  const subject = `directory ${id}`;
  const [, second] = keys;
  if (second === undefined && keys.length === 0) {
    return {
      finding: {
        kind: "entriesOrphaned",
        subject,
        message: "it has entries, and is neither in the tree nor in the trash",
      },
      mend:
        runMutation === undefined
          ? undefined
          : () => runMutation(MEND_IDS, (mutation) => adopt(mutation, id)),
    };
  }
  const places = keys.map(([parentId, name]) => `${JSON.stringify(name)} in directory ${parentId}`);
  const message =
    second === undefined
      ? `${places[0]} leads to it, and the trash has it as well`
      : `${places.join(" and ")} lead to it`;
  return {
    finding: { kind: "directoryTwice", subject, message },
    mend: kv === undefined || second === undefined ? undefined : () => takeAway(kv, id, keys),
  };
}

const MEND_IDS = 4;

/** Makes a directory without a name reachable. Nobody else could: its inode is in no row that leads anywhere. */
async function adopt(mutation: Mutation, id: InodeId): Promise<Mended> {
  const { tx, nowMs } = mutation;
  const child = await entries.first(tx, { within: [id] });
  if (child === undefined) return "well";
  const path = parsePath(`${LOST_AND_FOUND}/${id}`);
  const slot = await openSlot(mutation, path, true);
  if (slot.present.directory !== undefined || slot.present.file !== undefined) return "changed";
  const version = mutation.nextId();
  entries.put(tx, [slot.parentId, sortNameOf(slot.name, "directory")], {
    kind: "directory",
    inodeId: id,
    version,
    createdMs: nowMs,
    modifiedMs: nowMs,
    mode: DIRECTORY_MODE_DEFAULT,
    contentType: "",
    userMetadata: NO_METADATA,
    policy: NO_POLICY,
    isImplied: false,
  });
  count(tx, "directories", 1);
  return "mended";
}

/** Takes away all names of a directory but the first. */
function takeAway(kv: KvStore, id: InodeId, keys: readonly EntryKey[]): Promise<Mended> {
  return kv.transact(async (tx) => {
    const found = await entries.getMany(tx, keys);
    const isSame = found.every((entry) => entry?.inodeId === id && entry.kind === "directory");
    if (!isSame) return "changed";
    for (const key of keys.slice(1)) {
      entries.delete(tx, key);
      count(tx, "directories", -1);
    }
    return "mended";
  });
}
