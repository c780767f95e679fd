import { present } from "@cairnfs/base/assert";
import { CairnError } from "@cairnfs/base/errors";
import type { KvTransaction } from "@cairnfs/kv/kv-store";
import { contentParts, contents } from "../keyspace.ts";
import { COMPOSITE_DEPTH_MAX, type ContentRecord, NO_BYTES } from "./content.ts";
import { addOwner } from "./content-owners.ts";
import { lastBefore, partsFrom } from "./content-parts.ts";
import type { ContentId, DomainId } from "./ids.ts";

/** So many parts an object has at most. */
export const PARTS_MAX = 10_000;

/** A content that becomes a part of another; the composite takes over an owner that the caller has counted. */
export interface NewPart {
  readonly contentId: ContentId;
  readonly sizeBytes: number;
  readonly chunkCount: number;
  readonly depth: number;
  /** An encoded `ObjectAttributes`; may be empty. */
  readonly object: Uint8Array;
}

export interface NumberedPart extends NewPart {
  /** Above that of the part before. */
  readonly number: number;
}

/** What is new: its id, which was never used, and the domain of its bucket. */
export interface NewContent {
  readonly id: ContentId;
  readonly domainId: DomainId;
}

/** Makes one content of parts, in their order: a row for each, whatever their sizes. It has one owner. */
export function compose(
  tx: KvTransaction,
  { id, domainId }: NewContent,
  parts: readonly NumberedPart[],
): ContentRecord {
  let sizeBytes = 0;
  let chunkCount = 0;
  let depth = 0;
  for (const part of parts) {
    const { contentId, object } = part;
    contentParts.put(tx, [id, sizeBytes, part.number], {
      contentId,
      sizeBytes: part.sizeBytes,
      object,
    });
    sizeBytes += part.sizeBytes;
    chunkCount += part.chunkCount;
    depth = Math.max(depth, part.depth);
  }
  return putComposite(tx, id, { domainId, sizeBytes, chunkCount, depth: depth + 1, partsOf: id });
}

/**
 * Makes one content of what `baseId` has and a part after it. Costs the same however many parts were appended before, unless
 * something else was appended to the same base. A base with its bytes inline is `conflictingState`, as is one of 10,000 parts.
 */
export async function composeAppended(
  tx: KvTransaction,
  made: NewContent,
  baseId: ContentId,
  part: NewPart,
): Promise<ContentRecord> {
  const base = present(await contents.get(tx, baseId), `content ${baseId} is gone and yet shown`);
  if (base.inlineBytes !== undefined && base.sizeBytes > 0) {
    throw new CairnError("conflictingState", `content ${baseId} has no chunks to append to`);
  }
  if (base.partsOf === undefined) {
    await addOwner(tx, baseId);
    const whole = { ...base, contentId: baseId, number: 1, object: NO_BYTES };
    return compose(tx, made, [whole, { ...part, number: 2 }]);
  }
  const last = await lastBefore(tx, base.partsOf, Number.MAX_SAFE_INTEGER);
  const [, lastOffset, lastNumber] = present(last, `content ${baseId} has no parts`).key;
  const isTip = lastOffset + (last?.value.sizeBytes ?? 0) === base.sizeBytes;
  if (!isTip) return composeCopied(tx, made, base, part);
  const number = checkNumber(baseId, lastNumber + 1);
  const { contentId, sizeBytes, object } = part;
  contentParts.put(tx, [base.partsOf, base.sizeBytes, number], { contentId, sizeBytes, object });
  await addOwner(tx, base.partsOf);
  return putComposite(tx, made.id, {
    domainId: made.domainId,
    sizeBytes: base.sizeBytes + sizeBytes,
    chunkCount: base.chunkCount + part.chunkCount,
    depth: Math.max(base.depth, part.depth + 1),
    partsOf: base.partsOf,
  });
}

/** The same where the base's parts go on with something else: they are listed once more. */
async function composeCopied(
  tx: KvTransaction,
  made: NewContent,
  base: ContentRecord,
  part: NewPart,
): Promise<ContentRecord> {
  const parts: NumberedPart[] = [];
  for await (const shared of partsFrom(tx, base, 0)) {
    await addOwner(tx, shared.contentId);
    parts.push({ ...shared, chunkCount: 0, depth: 0 });
  }
  const number = checkNumber(made.id, (parts.at(-1)?.number ?? 0) + 1);
  const composed = compose(tx, made, [...parts, { ...part, number }]);
  const counted = {
    ...composed,
    chunkCount: base.chunkCount + part.chunkCount,
    depth: Math.max(base.depth, part.depth + 1),
  };
  contents.put(tx, made.id, counted);
  return counted;
}

function checkNumber(id: ContentId, number: number): number {
  if (number <= PARTS_MAX) return number;
  throw new CairnError(
    "conflictingState",
    `content ${id} has part ${PARTS_MAX}, expected a lower number to append after`,
  );
}

function checkDepth(depth: number): void {
  if (depth <= COMPOSITE_DEPTH_MAX) return;
  throw new CairnError(
    "conflictingState",
    `a content of parts of parts is ${depth} deep, expected at most ${COMPOSITE_DEPTH_MAX}`,
  );
}

function putComposite(
  tx: KvTransaction,
  id: ContentId,
  what: Pick<ContentRecord, "domainId" | "sizeBytes" | "chunkCount" | "depth" | "partsOf">,
): ContentRecord {
  checkDepth(what.depth);
  const content = { owners: 1, goneAtMs: 0, sha256: NO_BYTES, inlineBytes: undefined, ...what };
  contents.put(tx, id, content);
  return content;
}
