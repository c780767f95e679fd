import type { KvReader, KvTransaction } from "@cairnfs/kv/kv-store";
import { count } from "../counters.ts";
import { chunkMap, chunks, contentParts, contents, entries, trash } from "../keyspace.ts";
import { COMPOSITE_DEPTH_MAX, type ContentRecord, NO_PARTS } from "../namespace/content.ts";
import {
  type DirectoryEntry,
  type EntryRecord,
  type FileEntry,
  sortNameOf,
} from "../namespace/entry.ts";
import type { InodeId } from "../namespace/ids.ts";
import { faultOfMap } from "./content-checks.ts";
import type { Wrong } from "./finding.ts";
import { type RowCheck, rowCheck } from "./row-checks.ts";

/** What can be said of entries, in the tree or removed, one by one. */
export function entryChecks(): readonly RowCheck[] {
  return [rowCheck(entries, lookAtEntry), rowCheck(trash, lookAtTrashed)];
}

async function lookAtEntry(
  reader: KvReader,
  key: readonly [InodeId, string],
  entry: EntryRecord,
): Promise<readonly Wrong[]> {
  const [parentId, sortName] = key;
  const subject = `${JSON.stringify(sortName)} in directory ${parentId}`;
  const wrongs: Wrong[] = [];
  if (sortName.endsWith("/") !== (entry.kind === "directory")) {
    const name = sortName.endsWith("/") ? sortName.slice(0, -1) : sortName;
    const rightKey = [parentId, sortNameOf(name, entry.kind)] as const;
    const isTaken = await entries.has(reader, rightKey);
    wrongs.push({
      kind: "entryMisnamed",
      subject,
      message: `it is a ${entry.kind}, expected the key ${JSON.stringify(rightKey[1])}`,
      ...(!isTaken && {
        mend: (tx) => {
          entries.delete(tx, key);
          entries.put(tx, rightKey, entry);
        },
      }),
    });
  }
  if (entry.kind === "directory") {
    return [...wrongs, ...(await unusedWrongs(reader, key, entry))];
  }
  const found = await contentWrongs(reader, subject, entry, (tx, right) => {
    entries.put(tx, key, right);
    count(tx, "logicalBytes", right.sizeBytes - entry.sizeBytes);
  });
  return [...wrongs, ...found];
}

/** A directory that an object's key made goes with the last thing in it. */
async function unusedWrongs(
  reader: KvReader,
  key: readonly [InodeId, string],
  { inodeId, isImplied }: DirectoryEntry,
): Promise<readonly Wrong[]> {
  const isUsed = !isImplied || (await entries.first(reader, { within: [inodeId] })) !== undefined;
  if (isUsed) return [];
  return [
    {
      kind: "directoryUnused",
      subject: `${JSON.stringify(key[1])} in directory ${key[0]}`,
      message: "an object's key made it, and nothing is in it",
      mend: (tx) => {
        entries.delete(tx, key);
        count(tx, "directories", -1);
      },
    },
  ];
}

/** What is wrong between a file and its content; `write` puts the file right. */
export async function contentWrongs(
  reader: KvReader,
  subject: string,
  entry: FileEntry,
  write: (tx: KvTransaction, right: FileEntry) => void,
): Promise<readonly Wrong[]> {
  const content = await contents.get(reader, entry.contentId);
  if (content === undefined) return [await missing(reader, subject, entry)];
  const { sizeBytes, chunkCount } = content;
  if (sizeBytes === entry.sizeBytes && chunkCount === entry.chunkCount) return [];
  return [
    {
      kind: "entryDiffers",
      subject,
      message: `it says ${entry.sizeBytes} bytes in ${entry.chunkCount} chunks, and its content ${entry.contentId} has ${sizeBytes} in ${chunkCount}`,
      mend: (tx) => write(tx, { ...entry, sizeBytes, chunkCount }),
    },
  ];
}

async function lookAtTrashed(
  reader: KvReader,
  id: number,
  { entry, path }: { readonly entry: EntryRecord; readonly path: string },
): Promise<readonly Wrong[]> {
  if (entry.kind === "directory" || (await contents.has(reader, entry.contentId))) return [];
  return [await missing(reader, `item ${id} of the trash, ${path}`, entry)];
}

/**
 * A content can be made again from its entry and its chunk map or parts, where they are whole. Who owns it is counted by the
 * check that follows.
 */
async function missing(reader: KvReader, subject: string, entry: FileEntry): Promise<Wrong> {
  const { contentId: id, sizeBytes } = entry;
  const message = `its content ${id} of ${sizeBytes} bytes is not there`;
  const content = await remade(reader, entry);
  const isWhole = content !== undefined && (await faultOfMap(reader, id, content)) === undefined;
  const mend = isWhole ? (tx: KvTransaction) => contents.put(tx, id, content) : undefined;
  return { kind: "contentMissing", subject, message, mend };
}

async function remade(reader: KvReader, entry: FileEntry): Promise<ContentRecord | undefined> {
  const { contentId: id, sizeBytes, chunkCount, sha256 } = entry;
  const same = { owners: 1, sizeBytes, chunkCount, goneAtMs: 0, sha256, inlineBytes: undefined };
  const row = await chunkMap.first(reader, { within: [id] });
  const chunkId = row?.value[0]?.chunkId;
  if (chunkId !== undefined) {
    const domain = (await chunks.get(reader, chunkId))?.homeDomainId;
    return domain === undefined ? undefined : { ...same, domainId: domain, ...NO_PARTS };
  }
  const part = await contentParts.first(reader, { within: [id] });
  const first = part && (await contents.get(reader, part.value.contentId));
  if (first === undefined) return undefined;
  return { ...same, domainId: first.domainId, partsOf: id, depth: COMPOSITE_DEPTH_MAX };
}
