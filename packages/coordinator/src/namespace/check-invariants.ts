import type { KvReader } from "@cairnfs/kv/kv-store";
import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import { debtDeltas, garbageDiskBytes } from "../chunks/change-chunk.ts";
import type { ChunkRecord } from "../chunks/chunk-record.ts";
import { type CounterName, readCounters } from "../counters.ts";
import {
  changeLog,
  chunkMap,
  chunks,
  contents,
  debts,
  domainReferences,
  drops,
  entries,
  garbageChunks,
  sessionExpiries,
  sessions,
  TOMB_KIND,
  tombstones,
  trash,
  trashDues,
  trashPathKey,
  trashPaths,
  trashSizings,
} from "../keyspace.ts";
import { type ContentRecord, type MappedChunk, ROW_CHUNKS_MAX } from "./content.ts";
import { ABOVE_ROOT_ID, type ContentId, type DomainId, type InodeId, inodeId } from "./ids.ts";

const PAGE = 1_000;

interface Findings {
  readonly violations: string[];
  /** What the counters should say. */
  readonly expected: Map<CounterName, number>;
}

/**
 * Reads the whole namespace in one snapshot and says, in words, what in it contradicts something else: none when all is
 * well. Keeps a few words for each entry, content and chunk in memory.
 */
export async function checkInvariants(reader: KvReader): Promise<string[]> {
  const findings: Findings = { violations: [], expected: new Map() };
  const owners = await checkTree(reader, findings);
  await checkTrash(reader, findings, owners);
  await checkSessions(reader, findings, owners);
  const references = await checkContents(reader, findings, owners);
  await checkChunks(reader, findings, references);
  for await (const _ of changeLog.scan(reader, { limit: PAGE })) tally(findings, "changes", 1);

  const counters = await readCounters(reader);
  for (const [name, value] of Object.entries(counters)) {
    // The names are those of the table.
    const expected = findings.expected.get(name as CounterName) ?? 0;
    if (value !== expected)
      findings.violations.push(`counter ${name} is ${value}, not ${expected}`);
  }
  return findings.violations;
}

function tally({ expected }: Findings, name: CounterName, amount: number): void {
  expected.set(name, (expected.get(name) ?? 0) + amount);
}

/** Every entry is below the root or below a tombstone, once; gives how many entries show each content. */
async function checkTree(reader: KvReader, findings: Findings): Promise<Map<ContentId, number>> {
  const owners = new Map<ContentId, number>();
  const children = new Map<InodeId, InodeId[]>();
  const inodes = new Set<InodeId>();
  for await (const { key, value } of entries.scan(reader, { limit: PAGE })) {
    const [parentId, sortName] = key;
    if (inodes.has(value.inodeId))
      findings.violations.push(`inode ${value.inodeId} has two entries`);
    inodes.add(value.inodeId);
    const isDirectoryKey = sortName.endsWith("/");
    if (isDirectoryKey !== (value.kind === "directory")) {
      findings.violations.push(`${sortName} in ${parentId} is a ${value.kind}`);
    }
    children.set(parentId, [...(children.get(parentId) ?? []), value.inodeId]);
    if (value.kind === "directory") {
      tally(findings, "directories", 1);
    } else {
      tally(findings, "files", 1);
      tally(findings, "logicalBytes", value.sizeBytes);
      owners.set(value.contentId, (owners.get(value.contentId) ?? 0) + 1);
      const content = await contents.get(reader, value.contentId);
      if (content?.sizeBytes !== value.sizeBytes || content.chunkCount !== value.chunkCount) {
        findings.violations.push(`inode ${value.inodeId} and content ${value.contentId} differ`);
      }
    }
  }
  const reachable = await countReachable(reader, children);
  if (reachable !== inodes.size) {
    findings.violations.push(`${inodes.size - reachable} entries are out of reach`);
  }
  return owners;
}

/** How many entries lead up to the root or to a tombstone. */
async function countReachable(
  reader: KvReader,
  children: ReadonlyMap<InodeId, readonly InodeId[]>,
): Promise<number> {
  const reached: InodeId[] = [ABOVE_ROOT_ID];
  for await (const { key } of tombstones.scan(reader, { limit: PAGE })) {
    if (key[1] === TOMB_KIND.directory) reached.push(inodeId(key[2]));
  }
  for await (const { value } of trash.scan(reader, { limit: PAGE })) {
    if (value.entry.kind === "directory") reached.push(value.entry.inodeId);
  }
  let count = 0;
  for (let next = reached.pop(); next !== undefined; next = reached.pop()) {
    const below = children.get(next) ?? [];
    count += below.length;
    reached.push(...below);
  }
  return count;
}

/** What is in the trash has an owner, and its rows in the indexes. */
async function checkTrash(
  reader: KvReader,
  findings: Findings,
  owners: Map<ContentId, number>,
): Promise<void> {
  let rows = 0;
  for await (const { key: id, value } of trash.scan(reader, { limit: PAGE })) {
    const { entry, path, dueMs, size } = value;
    rows += size === undefined ? 3 : 2;
    tally(findings, "trashItems", 1);
    tally(findings, "trashUnsized", Number(size === undefined));
    tally(findings, "trashFiles", size?.files ?? 0);
    tally(findings, "trashDirectories", size?.directories ?? 0);
    tally(findings, "trashLogicalBytes", size?.logicalBytes ?? 0);
    tally(findings, "trashDiskBytes", size?.diskBytes ?? 0);
    if (entry.kind === "file") {
      tally(findings, "files", 1);
      tally(findings, "logicalBytes", entry.sizeBytes);
      owners.set(entry.contentId, (owners.get(entry.contentId) ?? 0) + 1);
    } else {
      tally(findings, "directories", 1);
    }
    const isListed =
      (await trashPaths.has(reader, [trashPathKey(path), id])) &&
      (await trashDues.has(reader, [dueMs, id])) &&
      (await trashSizings.has(reader, id)) === (size === undefined);
    if (!isListed) findings.violations.push(`item ${id} of the trash is not in its indexes`);
  }
  for (const table of [trashPaths, trashDues, trashSizings]) {
    for await (const _ of table.scan(reader, { limit: PAGE })) rows -= 1;
  }
  if (rows !== 0) findings.violations.push(`the indexes of the trash have ${-rows} rows too many`);
}

async function checkSessions(
  reader: KvReader,
  findings: Findings,
  owners: Map<ContentId, number>,
): Promise<void> {
  let expiries = 0;
  for await (const { key } of sessionExpiries.scan(reader, { limit: PAGE })) {
    const session = await sessions.get(reader, key[1]);
    if (session?.expiresMs !== key[0]) findings.violations.push("an expiry has no session");
    expiries += 1;
  }
  let found = 0;
  for await (const { value } of sessions.scan(reader, { limit: PAGE })) {
    found += 1;
    if (value.answer !== undefined) continue;
    tally(findings, "openUploads", 1);
    if (await contents.has(reader, value.contentId)) owners.set(value.contentId, 1);
  }
  if (found !== expiries) findings.violations.push(`${found} sessions have ${expiries} expiries`);
}

type References = Map<ChunkId, Map<DomainId, number>>;

/** Contents have the owners they count and the map they claim; gives the references of all maps. */
async function checkContents(
  reader: KvReader,
  findings: Findings,
  owners: ReadonlyMap<ContentId, number>,
): Promise<References> {
  const references: References = new Map();
  const known = new Map<ContentId, ContentRecord>();
  for await (const { key, value } of contents.scan(reader, { limit: PAGE })) {
    known.set(key, value);
    const shown = owners.get(key) ?? 0;
    if (value.owners !== shown) {
      findings.violations.push(`content ${key} counts ${value.owners} owners and has ${shown}`);
    }
    const hasTomb = await tombstones.has(reader, [value.goneAtMs, TOMB_KIND.content, key]);
    if (hasTomb !== (value.owners === 0)) {
      findings.violations.push(`content ${key} with ${value.owners} owners: tombstone ${hasTomb}`);
    }
    if (value.owners > 0) await checkMap(reader, findings, key, value);
  }
  for (const id of owners.keys()) {
    if (!known.has(id)) findings.violations.push(`content ${id} is shown and not there`);
  }
  for await (const { key, value } of chunkMap.scan(reader, { limit: PAGE })) {
    const content = known.get(key[0]);
    if (content === undefined) findings.violations.push(`content ${key[0]} is a chunk map only`);
    else countReferences(references, content.domainId, value);
  }
  return references;
}

function countReferences(
  references: References,
  domain: DomainId,
  mapped: readonly MappedChunk[],
): void {
  for (const { chunkId } of mapped) {
    const byDomain = references.get(chunkId) ?? new Map<DomainId, number>();
    byDomain.set(domain, (byDomain.get(domain) ?? 0) + 1);
    references.set(chunkId, byDomain);
  }
}

/** The map of an owned content covers it without gap, in full rows but for the last. */
async function checkMap(
  reader: KvReader,
  findings: Findings,
  id: ContentId,
  content: ContentRecord,
): Promise<void> {
  if (content.inlineBytes !== undefined) {
    const isWhole = content.inlineBytes.byteLength === content.sizeBytes;
    if (!isWhole || content.chunkCount !== 0)
      findings.violations.push(`content ${id} is not whole`);
    return;
  }
  let sizeBytes = 0;
  let chunkCount = 0;
  for await (const { key, value } of chunkMap.scan(reader, { within: [id], limit: PAGE })) {
    if (key[1] !== sizeBytes || chunkCount % ROW_CHUNKS_MAX !== 0) {
      findings.violations.push(`the chunk map of content ${id} breaks at ${sizeBytes}`);
    }
    sizeBytes = value.reduce((size, chunk) => size + chunk.lengthBytes, sizeBytes);
    chunkCount += value.length;
  }
  if (sizeBytes !== content.sizeBytes || chunkCount !== content.chunkCount) {
    findings.violations.push(
      `content ${id} claims ${content.sizeBytes} bytes and maps ${sizeBytes}`,
    );
  }
}

async function checkChunks(
  reader: KvReader,
  findings: Findings,
  references: References,
): Promise<void> {
  const foreign = new Map<ChunkId, Map<DomainId, number>>();
  for await (const { key, value } of domainReferences.scan(reader, { limit: PAGE })) {
    const byDomain = foreign.get(key[0]) ?? new Map<DomainId, number>();
    foreign.set(key[0], byDomain.set(key[1], value));
  }
  let dueRows = 0;
  let debtRows = 0;
  for await (const { key, value } of chunks.scan(reader, { limit: PAGE })) {
    checkReferences(findings, key, value, {
      expected: references.get(key) ?? new Map(),
      foreign: foreign.get(key) ?? new Map(),
    });
    references.delete(key);
    foreign.delete(key);
    tallyChunk(findings, value);
    dueRows += Number(value.dueMs !== 0);
    debtRows += Number(value.debtCopies !== undefined);
    await checkRows(reader, findings, key, value);
  }
  for (const id of [...references.keys(), ...foreign.keys()]) {
    findings.violations.push(`chunk ${id} is referred to and has no record`);
  }
  for await (const _ of garbageChunks.scan(reader, { limit: PAGE })) dueRows -= 1;
  for await (const _ of debts.scan(reader, { limit: PAGE })) debtRows -= 1;
  if (dueRows !== 0) findings.violations.push(`gcch has ${-dueRows} rows too many`);
  if (debtRows !== 0) findings.violations.push(`debt has ${-debtRows} rows too many`);
}

function checkReferences(
  findings: Findings,
  id: ChunkId,
  record: ChunkRecord,
  maps: {
    readonly expected: ReadonlyMap<DomainId, number>;
    readonly foreign: Map<DomainId, number>;
  },
): void {
  const { expected, foreign } = maps;
  const total = [...expected.values()].reduce((sum, count) => sum + count, 0);
  if (record.references !== total) {
    findings.violations.push(`chunk ${id} counts ${record.references} references and has ${total}`);
  }
  if ((record.state === "live") !== total > 0) {
    findings.violations.push(`chunk ${id} with ${total} references is ${record.state}`);
  }
  const counted = new Map(foreign);
  if (record.homeReferences > 0) counted.set(record.homeDomainId, record.homeReferences);
  const isSame =
    counted.size === expected.size &&
    [...expected].every(([domain, count]) => counted.get(domain) === count);
  if (!isSame) findings.violations.push(`chunk ${id} counts its domains' references wrongly`);
}

function tallyChunk(findings: Findings, record: ChunkRecord): void {
  const { lengthBytes } = record;
  if (record.state === "live") {
    tally(findings, "chunks", 1);
    tally(findings, "uniqueBytes", lengthBytes);
  } else if (record.state !== "deleted") {
    tally(findings, "garbageChunks", 1);
    tally(findings, "garbageBytes", lengthBytes);
    tally(findings, "garbageDiskBytes", garbageDiskBytes(record));
  }
  for (const [name, amount] of debtDeltas(undefined, record)) tally(findings, name, amount);
}

/** What a chunk's record says of other rows is so: it is listed where it is due or owed, and its holders are told to delete. */
async function checkRows(
  reader: KvReader,
  findings: Findings,
  id: ChunkId,
  record: ChunkRecord,
): Promise<void> {
  const { dueMs, debtCopies } = record;
  if (dueMs !== 0 && !(await garbageChunks.has(reader, [dueMs, id]))) {
    findings.violations.push(`chunk ${id} is due and not in gcch`);
  }
  if (debtCopies !== undefined && !(await debts.has(reader, [debtCopies, id]))) {
    findings.violations.push(`chunk ${id} is in debt and not listed`);
  }
  if (record.state !== "deleting") return;
  for (const nodeNumber of record.nodeNumbers) {
    const epochMax = await drops.get(reader, [nodeNumber, id]);
    if (epochMax === undefined || epochMax < record.deleteEpoch) {
      findings.violations.push(`node ${nodeNumber} is not told to delete chunk ${id}`);
    }
  }
}
