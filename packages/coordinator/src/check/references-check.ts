import type { KvReader, KvStore, KvTransaction } from "@cairnfs/kv/kv-store";
import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import { changeChunk, withDebt } from "../chunks/change-chunk.ts";
import { type ChunkRecord, NO_DOMAIN } from "../chunks/chunk-record.ts";
import { liveCopies } from "../chunks/replicas.ts";
import { chunkMap, chunks, contents, domainReferences, drops } from "../keyspace.ts";
import type { ContentId, DomainId } from "../namespace/ids.ts";
import type { CountingCheck } from "./counting.ts";
import type { Found, Mended } from "./finding.ts";
import { pagesOf, type Scanner } from "./scanner.ts";

export interface ReferencesCheckParts {
  readonly kv: KvStore | undefined;
  readonly nowMs: () => number;
  readonly chunkGraceMs: number;
  /** Contents were lost: chunks without references may be what is left of them, and stay. */
  readonly isLossKnown: () => boolean;
  /** Without it the debt of what is mended is left to the ledger. */
  readonly isLive: ((nodeNumber: number) => boolean) | undefined;
}

type ByDomain = ReadonlyMap<DomainId, number>;

/** Chunks count the references that chunk maps have, in all and by domain, and are live exactly when there are some. */
export function referencesCheck(parts: ReferencesCheckParts): CountingCheck<ChunkId> {
  return {
    async window(scanner, after, limit) {
      const ids: ChunkId[] = [];
      const range = after === undefined ? {} : { after };
      const pages = pagesOf(scanner, chunks, range, (rows) => rows.map(({ key }) => key));
      for await (const page of pages) {
        for (const id of page) ids.push(id);
        if (ids.length >= limit) break;
      }
      return ids.slice(0, limit);
    },

    async suspectsOf(scanner, ids) {
      const sums = await sumReferences(scanner, ids);
      const suspects: ChunkId[] = [];
      await forEachOf(scanner, ids, (id, record, counted) => {
        const sum = sums.get(id) ?? NONE;
        const isSame = sum.count === record.references && sum.mark === markOf(counted);
        if (!isSame || (record.state === "live") !== sum.count > 0) suspects.push(id);
      });
      return suspects;
    },

    async verdictsOf(scanner, ids) {
      const maps = await countReferences(scanner, ids);
      const found: Found[] = [];
      await forEachOf(scanner, ids, (id, record, counted) => {
        const verdict = verdictOf(parts, { id, record, counted, true: maps.get(id) ?? NO_MAP });
        if (verdict !== undefined) found.push(verdict);
      });
      return found;
    },
  };
}

const NONE = { count: 0, mark: 0 };
const NO_MAP: ByDomain = new Map();

/** Tells sets of domains with their counts apart, nearly always, in one word: sums of marks do not depend on the order. */
function markOf(byDomain: ByDomain): number {
  let mark = 0;
  for (const [domain, count] of byDomain) mark = (mark + Math.imul(domainMark(domain), count)) | 0;
  return mark;
}

function domainMark(domain: DomainId): number {
  let mixed = (domain ^ (domain / 2 ** 32)) | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x45d9f3b);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x45d9f3b);
  return (mixed ^ (mixed >>> 16)) | 1;
}

/** How often chunk maps name each of these, and the mark of the domains that do. */
async function sumReferences(
  scanner: Scanner,
  ids: readonly ChunkId[],
): Promise<ReadonlyMap<ChunkId, { readonly count: number; readonly mark: number }>> {
  const sums = new Map(ids.map((id) => [id, { count: 0, mark: 0 }]));
  await forEachReference(scanner, (id, domain) => {
    const sum = sums.get(id);
    if (sum === undefined) return;
    sum.count += 1;
    sum.mark = (sum.mark + domainMark(domain)) | 0;
  });
  return sums;
}

async function countReferences(
  scanner: Scanner,
  ids: readonly ChunkId[],
): Promise<ReadonlyMap<ChunkId, ByDomain>> {
  const maps = new Map(ids.map((id) => [id, new Map<DomainId, number>()]));
  await forEachReference(scanner, (id, domain) => {
    const byDomain = maps.get(id);
    byDomain?.set(domain, (byDomain.get(domain) ?? 0) + 1);
  });
  return maps;
}

async function forEachReference(
  scanner: Scanner,
  visit: (id: ChunkId, domain: DomainId) => void,
): Promise<void> {
  const pages = pagesOf(scanner, chunkMap, {}, async (rows, reader) => {
    const domains = await domainsOf(
      reader,
      rows.map(({ key }) => key[0]),
    );
    for (const { key, value } of rows) {
      const domain = domains.get(key[0]);
      // A row without a content refers to nothing: it is told of by itself.
      if (domain === undefined) continue;
      for (const { chunkId } of value) visit(chunkId, domain);
    }
  });
  for await (const _ of pages);
}

async function domainsOf(reader: KvReader, ids: readonly ContentId[]) {
  const distinct = [...new Set(ids)];
  const records = await contents.getMany(reader, distinct);
  return new Map(distinct.map((id, at) => [id, records[at]?.domainId]));
}

const BATCH = 1_000;

/** Each of these that has a record, with the references that it and its rows of `cdom` count. */
async function forEachOf(
  scanner: Scanner,
  ids: readonly ChunkId[],
  visit: (id: ChunkId, record: ChunkRecord, counted: ByDomain) => void,
): Promise<void> {
  for (let at = 0; at < ids.length; at += BATCH) {
    const some = ids.slice(at, at + BATCH);
    const read = await scanner.read(async (reader) => {
      const records = await chunks.getMany(reader, some);
      return Promise.all(
        some.map(async (id, index) => {
          const record = records[index];
          return record === undefined ? undefined : await countedOf(reader, id, record);
        }),
      );
    });
    for (const [index, id] of some.entries()) {
      const each = read[index];
      if (each !== undefined) visit(id, each.record, each.counted);
    }
    await scanner.pause(some.length);
  }
}

async function countedOf(reader: KvReader, id: ChunkId, record: ChunkRecord) {
  const counted = new Map<DomainId, number>();
  if (record.homeReferences > 0) counted.set(record.homeDomainId, record.homeReferences);
  // One domain has all there are: only records that others refer to have rows beside.
  if (record.references !== record.homeReferences) {
    for await (const { key, value } of domainReferences.scan(reader, {
      within: [id],
      limit: BATCH,
    }))
      counted.set(key[1], (counted.get(key[1]) ?? 0) + value);
  }
  return { record, counted };
}

interface Compared {
  readonly id: ChunkId;
  readonly record: ChunkRecord;
  readonly counted: ByDomain;
  readonly true: ByDomain;
}

function verdictOf(parts: ReferencesCheckParts, compared: Compared): Found | undefined {
  const { id, record, counted, true: actual } = compared;
  const total = sumOf(actual);
  const isSame =
    record.references === total &&
    counted.size === actual.size &&
    [...actual].every(([domain, count]) => counted.get(domain) === count);
  const isStateRight = (record.state === "live") === total > 0;
  if (isSame && isStateRight) return undefined;
  const { kv } = parts;
  const message = isSame
    ? `it has ${total} references and is ${record.state}`
    : `it counts ${record.references} references (${shown(counted)}) and has ${total} (${shown(actual)})`;
  return {
    finding: { kind: "referencesWrong", subject: `chunk ${id}`, message },
    mend:
      kv === undefined || isKept(parts, record, total)
        ? undefined
        : () => mend(kv, parts, compared),
  };
}

function isKept(parts: ReferencesCheckParts, record: ChunkRecord, references: number): boolean {
  return references === 0 && record.state === "live" && parts.isLossKnown();
}

function sumOf(byDomain: ByDomain): number {
  let sum = 0;
  for (const count of byDomain.values()) sum += count;
  return sum;
}

const DOMAINS_SHOWN = 5;

function shown(byDomain: ByDomain): string {
  const some = [...byDomain].slice(0, DOMAINS_SHOWN);
  const parts = some.map(([domain, count]) => `${count} from domain ${domain}`);
  if (byDomain.size > DOMAINS_SHOWN) parts.push(`${byDomain.size - DOMAINS_SHOWN} domains more`);
  return parts.length === 0 ? "none" : parts.join(", ");
}

/**
 * Every change of references changes the record or a row of `cdom`: as long as they say what they said, what was counted
 * is true.
 */
function mend(kv: KvStore, parts: ReferencesCheckParts, compared: Compared): Promise<Mended> {
  const { id, record: seen } = compared;
  return kv.transact(async (tx) => {
    const record = await chunks.get(tx, id);
    if (record?.state !== seen.state || record.references !== seen.references) return "changed";
    const { counted } = await countedOf(tx, id, record);
    if (markOf(counted) !== markOf(compared.counted)) return "changed";
    await writeReferences(tx, parts, { ...compared, record });
    return "mended";
  });
}

async function writeReferences(
  tx: KvTransaction,
  parts: ReferencesCheckParts,
  { id, record, true: actual }: Compared,
): Promise<void> {
  const references = sumOf(actual);
  const homeReferences = actual.get(record.homeDomainId) ?? 0;
  const homeDomainId = homeReferences > 0 ? record.homeDomainId : NO_DOMAIN;
  domainReferences.deleteRange(tx, { within: [id] });
  for (const [domain, count] of actual) {
    if (domain !== homeDomainId) domainReferences.put(tx, [id, domain], count);
  }
  const counted = { ...record, references, homeDomainId, homeReferences };
  const changed = inItsState(parts, counted);
  const { isLive } = parts;
  const owed = isLive === undefined ? changed : withDebt(changed, liveCopies(changed, isLive));
  changeChunk(tx, id, record, owed);
  if (references === 0 || record.state !== "deleting") return;
  // What has not been deleted yet may be all there is.
  for (const nodeNumber of record.nodeNumbers) drops.delete(tx, [nodeNumber, id]);
}

/** The record in the state that goes with its references. */
function inItsState(parts: ReferencesCheckParts, record: ChunkRecord): ChunkRecord {
  if (record.references > 0) {
    if (record.state === "live") return record;
    if (record.state === "garbage") return { ...record, state: "live", dueMs: 0 };
    // Copies from before the decision do not count: what is left of them is taken back in when nodes have proved it.
    return { ...record, state: "live", dueMs: 0, nodeNumbers: [], debtCopies: 0 };
  }
  if (record.state !== "live") return record;
  const dueMs = parts.nowMs() + parts.chunkGraceMs;
  return { ...record, state: "garbage", dueMs, debtCopies: undefined };
}
