import type { KvReader, KvStore } from "@cairnfs/kv/kv-store";
import { liveCopies } from "../chunks/replicas.ts";
import { chunks, contents, entries, versions } from "../keyspace.ts";
import { type FileEntry, placeAfter } from "../namespace/entry.ts";
import type { InodeId } from "../namespace/ids.ts";
import type { Path } from "../namespace/path.ts";
import { type PlacedChunk, readChunkMap } from "../namespace/read-chunk-map.ts";
import { requireEntry } from "../namespace/resolve.ts";
import type { KnownNodes } from "./chunk-checks.ts";
import { faultOfMap } from "./content-checks.ts";
import type { Found } from "./finding.ts";
import { pagesOf, type Scanner } from "./scanner.ts";
import { versionName } from "./version-checks.ts";

const PAGE_ENTRIES = 64;
/** Deeper directories than this are not gone into. */
const DEPTH_MAX = 4_096;
const PAGE_CHUNKS = 1_024;

export interface FilesCheckParts {
  readonly kv: KvStore;
  readonly scanner: Scanner;
  readonly nodes: KnownNodes;
}

/** A directory on the way down, and up to which child it has been looked at. */
interface Frame {
  readonly directoryId: InodeId;
  readonly path: string;
  after: string;
}

/** Whether each file at or below a path can be read whole, as far as the records know. A path where nothing is is `pathNotFound`. */
export async function* fileFindings(
  parts: FilesCheckParts,
  path: Path,
): AsyncGenerator<Found, void, undefined> {
  const { scanner } = parts;
  const { entry, alone } = await parts.kv.read(async (reader) => {
    const found = await requireEntry(reader, path);
    const isFile = found.entry.kind === "file";
    return {
      entry: found.entry,
      alone: isFile ? await faultOf(reader, found.entry, parts) : undefined,
    };
  });
  if (entry.kind === "file") {
    if (alone !== undefined) yield unreadable(path.text, alone);
    return;
  }
  const stack: Frame[] = [{ directoryId: entry.inodeId, path: path.text, after: "" }];
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const { found, next, isRead, rows } = await lookOn(parts, top);
    for (const [filePath, fault] of found) yield unreadable(filePath, fault);
    if (isRead) stack.pop();
    if (next !== undefined && stack.length < DEPTH_MAX) stack.push(next);
    await scanner.pause(rows);
  }
}

/** The same of the versions of objects that are not in the tree. */
export async function* versionFileFindings(
  parts: FilesCheckParts,
): AsyncGenerator<Found, void, undefined> {
  const pages = pagesOf(parts.scanner, versions, {}, async (rows, reader) => {
    const found: Found[] = [];
    for (const { key, value } of rows) {
      const fault = value.kind === "file" ? await faultOf(reader, value.entry, parts) : undefined;
      if (fault !== undefined) found.push(unreadable(versionName(key), fault));
    }
    return found;
  });
  for await (const page of pages) yield* page;
}

/** Looks at children until there is a directory to go into, or at a page of them. */
async function lookOn(parts: FilesCheckParts, frame: Frame) {
  return parts.scanner.read(async (reader) => {
    const { directoryId, path, after } = frame;
    const rows = await entries.page(reader, {
      within: [directoryId],
      ...(after === "" ? {} : { after: [directoryId, after] }),
      limit: PAGE_ENTRIES,
    });
    const found: (readonly [string, string])[] = [];
    for (const { key, value } of rows) {
      frame.after = placeAfter(key[1]);
      const name = value.kind === "directory" ? key[1].slice(0, -1) : key[1];
      const childPath = path === "/" ? `/${name}` : `${path}/${name}`;
      if (value.kind === "directory") {
        const next: Frame = { directoryId: value.inodeId, path: childPath, after: "" };
        return { found, next, isRead: false, rows: rows.length };
      }
      const fault = await faultOf(reader, value, parts);
      if (fault !== undefined) found.push([childPath, fault]);
    }
    const isRead = rows.length < PAGE_ENTRIES;
    return { found, next: undefined, isRead, rows: rows.length };
  });
}

function unreadable(path: string, message: string): Found {
  return { finding: { kind: "fileUnreadable", subject: path, message } };
}

/** Why a file cannot be read whole; undefined when it can. */
async function faultOf(
  reader: KvReader,
  file: FileEntry,
  { nodes }: FilesCheckParts,
): Promise<string | undefined> {
  const { contentId } = file;
  const content = await contents.get(reader, contentId);
  if (content === undefined) return `its content ${contentId} is not there`;
  const broken = await faultOfMap(reader, contentId, content);
  if (broken !== undefined) return broken;
  if (content.chunkCount === 0) return undefined;
  let offsetBytes = 0;
  while (offsetBytes < content.sizeBytes) {
    const placed = await readChunkMap(reader, contentId, { offsetBytes, limit: PAGE_CHUNKS });
    if (placed[0]?.offsetBytes !== offsetBytes) return `its chunk map breaks at ${offsetBytes}`;
    const fault = await faultOfChunks(reader, placed, nodes);
    if (fault !== undefined) return fault;
    const last = placed.at(-1);
    offsetBytes = (last?.offsetBytes ?? 0) + (last?.lengthBytes ?? 0);
  }
  return undefined;
}

async function faultOfChunks(
  reader: KvReader,
  placed: readonly PlacedChunk[],
  nodes: KnownNodes,
): Promise<string | undefined> {
  const records = await chunks.getMany(
    reader,
    placed.map(({ chunkId }) => chunkId),
  );
  let expectedBytes = placed[0]?.offsetBytes ?? 0;
  for (const [at, { chunkId, lengthBytes, offsetBytes }] of placed.entries()) {
    const record = records[at];
    const where = `chunk ${chunkId}, ${lengthBytes} bytes at ${offsetBytes},`;
    if (offsetBytes !== expectedBytes) return `its chunk map breaks at ${expectedBytes}`;
    if (record === undefined) return `${where} has no record`;
    if (record.lengthBytes !== lengthBytes) return `${where} is ${record.lengthBytes} bytes long`;
    if (liveCopies(record, (number) => nodes.isLive(number)) === 0) {
      return `${where} has no live copy; it was at nodes ${record.nodeNumbers.join(", ")}`;
    }
    expectedBytes += lengthBytes;
  }
  return undefined;
}
