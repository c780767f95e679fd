import { assert, present } from "@cairnfs/base/assert";
import type { KvTransaction } from "@cairnfs/kv/kv-store";
import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import { chunks, domainReferences } from "../keyspace.ts";
import type { DomainId } from "../namespace/ids.ts";
import { changeChunk } from "./change-chunk.ts";
import { type ChunkRecord, NO_DOMAIN } from "./chunk-record.ts";

/**
 * The chunk records that one transaction changes, and the references to them from one domain: read at once,
 * changed in memory however often a chunk comes, written once by `flush`.
 */
export class ChunkBatch {
  readonly #tx: KvTransaction;
  readonly #domainId: DomainId;
  readonly #before: ReadonlyMap<ChunkId, ChunkRecord | undefined>;
  readonly #now = new Map<ChunkId, ChunkRecord>();
  /** Rows of `cdom`: chunks that have their home elsewhere. */
  readonly #foreign: Map<ChunkId, number>;
  readonly #changedForeign = new Set<ChunkId>();

  private constructor(
    tx: KvTransaction,
    domainId: DomainId,
    before: ReadonlyMap<ChunkId, ChunkRecord | undefined>,
    foreign: Map<ChunkId, number>,
  ) {
    this.#tx = tx;
    this.#domainId = domainId;
    this.#before = before;
    this.#foreign = foreign;
  }

  static async load(
    tx: KvTransaction,
    domainId: DomainId,
    ids: Iterable<ChunkId>,
  ): Promise<ChunkBatch> {
    const distinct = [...new Set(ids)];
    const records = await chunks.getMany(tx, distinct);
    const before = new Map(distinct.map((id, at) => [id, records[at]]));
    const away = distinct.filter((_, at) => {
      const record = records[at];
      return record !== undefined && record.homeDomainId !== domainId;
    });
    const counts = await domainReferences.getMany(
      tx,
      away.map((id) => [id, domainId] as const),
    );
    const foreign = new Map(away.map((id, at) => [id, counts[at] ?? 0]));
    return new ChunkBatch(tx, domainId, before, foreign);
  }

  get(id: ChunkId): ChunkRecord | undefined {
    assert(this.#before.has(id), `chunk ${id} was not loaded`);
    return this.#now.get(id) ?? this.#before.get(id);
  }

  /** How often the domain refers to this chunk. */
  domainReferencesTo(id: ChunkId): number {
    const record = this.get(id);
    if (record?.homeDomainId === this.#domainId) return record.homeReferences;
    return this.#foreign.get(id) ?? 0;
  }

  set(id: ChunkId, record: ChunkRecord): void {
    this.#now.set(id, record);
  }

  /** One more reference from the domain; the record must be there. */
  addReference(id: ChunkId): void {
    const record = present(this.get(id), `chunk ${id} has no record to count on`);
    const references = record.references + 1;
    if (this.#isAtHome(id, record)) {
      const homeReferences = record.homeReferences + 1;
      this.set(id, { ...record, references, homeDomainId: this.#domainId, homeReferences });
    } else {
      this.set(id, { ...record, references });
      this.#setForeign(id, (this.#foreign.get(id) ?? 0) + 1);
    }
  }

  /** One reference from the domain less. Without any left, the chunk becomes garbage that falls due at `dueMs`. */
  dropReference(id: ChunkId, dueMs: number): void {
    const record = present(this.get(id), `chunk ${id} is referred to and has no record`);
    assert(record.references > 0, `chunk ${id} has no reference to drop`);
    const references = record.references - 1;
    let changed: ChunkRecord = { ...record, references };
    if (record.homeDomainId === this.#domainId) {
      const homeReferences = record.homeReferences - 1;
      const homeDomainId = homeReferences === 0 ? NO_DOMAIN : this.#domainId;
      changed = { ...changed, homeDomainId, homeReferences };
    } else {
      this.#setForeign(id, (this.#foreign.get(id) ?? 0) - 1);
    }
    if (references === 0) changed = { ...changed, state: "garbage", dueMs, debtCopies: undefined };
    this.set(id, changed);
  }

  /** Writes what changed. */
  flush(): void {
    for (const [id, record] of this.#now) changeChunk(this.#tx, id, this.#before.get(id), record);
    for (const id of this.#changedForeign) {
      const references = this.#foreign.get(id) ?? 0;
      assert(references >= 0, `chunk ${id} lost a reference that its domain did not have`);
      if (references === 0) domainReferences.delete(this.#tx, [id, this.#domainId]);
      else domainReferences.put(this.#tx, [id, this.#domainId], references);
    }
  }

  /** A home that is free goes to the first domain that refers to the chunk and has no row of its own. */
  #isAtHome(id: ChunkId, record: ChunkRecord): boolean {
    if (record.homeDomainId === this.#domainId) return true;
    return record.homeDomainId === NO_DOMAIN && (this.#foreign.get(id) ?? 0) === 0;
  }

  #setForeign(id: ChunkId, references: number): void {
    this.#foreign.set(id, references);
    this.#changedForeign.add(id);
  }
}
