/**
 * A content, the value of `cont`, a row of its chunk map, the value of `cmap`, and a row of its parts, the value of `cprt`:
 *
 *     cont  | version 2 | owners varint | domain varint | size varint | chunks varint | let go at varint (0: owned)
 *           | sha-256 bytes (0 or 32) | optional inline bytes | parts of: content varint, 0 none | depth u8 |
 *     cmap  | version 1 | list of: chunk id (32) | length varint |
 *     cprt  | version 1 | content varint | size varint | object attributes bytes |
 *
 * Version 1 of `cont` ends before "parts of".
 *
 * docs/formats/keyspace.md is the register.
 */

import { type RecordReader, recordCodec } from "@cairnfs/kv/record";
import {
  CHUNK_ID_BYTES,
  type ChunkId,
  chunkIdFromBytes,
  chunkIdToBytes,
} from "@cairnfs/protocol/chunk-id";
import { type ContentId, contentId, type DomainId, domainId } from "./ids.ts";

/** How many consecutive chunks a row of the chunk map has at most. */
export const ROW_CHUNKS_MAX = 128;

export interface ContentRecord {
  /** Entries, parts and composites that show this content, or the one upload that is making it. */
  readonly owners: number;
  readonly domainId: DomainId;
  readonly sizeBytes: number;
  readonly chunkCount: number;
  /** When nobody may read it any more, should it have no owner; 0 while none was taken away. */
  readonly goneAtMs: number;
  readonly sha256: Uint8Array;
  /** The bytes themselves, of a small file. Then there is no chunk map. */
  readonly inlineBytes: Uint8Array | undefined;
  /** Set on a composite: its bytes are those of the parts under this content, itself or one that it owns. Then there is no chunk map. */
  readonly partsOf: ContentId | undefined;
  /** How many composites are on the way to the chunks at most; 0 when this is none. */
  readonly depth: number;
}

/** Deeper composites than this are not made: each level costs a reader a few reads more. */
export const COMPOSITE_DEPTH_MAX = 8;

/** What is the same of all contents that are no composites. */
export const NO_PARTS = { partsOf: undefined, depth: 0 } as const;

/** A part of a composite. Its key has the offset and the number. */
export interface PartRow {
  readonly contentId: ContentId;
  readonly sizeBytes: number;
  /** What S3 says of the part alone: an encoded `ObjectAttributes`; empty when nothing was said. */
  readonly object: Uint8Array;
}

/** A chunk of a content, in file order. */
export interface MappedChunk {
  readonly chunkId: ChunkId;
  readonly lengthBytes: number;
}

export const NO_BYTES: Uint8Array = new Uint8Array(0);

export const contentCodec = recordCodec<ContentRecord>("content", {
  version: 2,
  write: (to, content) => {
    to.varint(content.owners);
    to.varint(content.domainId);
    to.varint(content.sizeBytes);
    to.varint(content.chunkCount);
    to.varint(content.goneAtMs);
    to.bytes(content.sha256);
    to.optional(content.inlineBytes, (into, bytes) => into.bytes(bytes));
    to.varint(content.partsOf ?? 0);
    to.u8(content.depth);
  },
  read: (from) => {
    const plain = readContent1(from);
    const partsOf = from.varint();
    return { ...plain, partsOf: partsOf === 0 ? undefined : contentId(partsOf), depth: from.u8() };
  },
  earlier: { 1: readContent1 },
});

function readContent1(from: RecordReader): ContentRecord {
  return {
    owners: from.varint(),
    domainId: domainId(from.varint()),
    sizeBytes: from.varint(),
    chunkCount: from.varint(),
    goneAtMs: from.varint(),
    sha256: from.bytes(),
    inlineBytes: from.optional((of) => of.bytes()),
    ...NO_PARTS,
  };
}

export const partRowCodec = recordCodec<PartRow>("part", {
  version: 1,
  write: (to, part) => {
    to.varint(part.contentId);
    to.varint(part.sizeBytes);
    to.bytes(part.object);
  },
  read: (from) => ({
    contentId: contentId(from.varint()),
    sizeBytes: from.varint(),
    object: from.bytes(),
  }),
});

export const chunkRowCodec = recordCodec<readonly MappedChunk[]>("chunk map row", {
  version: 1,
  write: (to, chunks) =>
    to.list(chunks, (into, chunk) => {
      into.fixed(chunkIdToBytes(chunk.chunkId));
      into.varint(chunk.lengthBytes);
    }),
  read: (from) =>
    from.list((of) => ({
      chunkId: chunkIdFromBytes(of.fixed(CHUNK_ID_BYTES)),
      lengthBytes: of.varint(),
    })),
});
