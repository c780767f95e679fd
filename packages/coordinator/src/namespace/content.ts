/**
 * A content, the value of `cont`, and a row of its chunk map, the value of `cmap`:
 *
 *     cont  | version 1 | owners varint | domain varint | size varint | chunks varint | let go at varint (0: owned)
 *           | sha-256 bytes (0 or 32) | optional inline bytes |
 *     cmap  | version 1 | list of: chunk id (32) | length varint |
 *
 * docs/formats/keyspace.md is the register.
 */

import { recordCodec } from "@cairnfs/kv/record";
import {
  CHUNK_ID_BYTES,
  type ChunkId,
  chunkIdFromBytes,
  chunkIdToBytes,
} from "@cairnfs/protocol/chunk-id";
import { type DomainId, domainId } from "./ids.ts";

/** How many consecutive chunks a row of the chunk map has at most. */
export const ROW_CHUNKS_MAX = 128;

export interface ContentRecord {
  /** Entries that show this content, or the one upload that is making it. */
  readonly owners: number;
  readonly domainId: DomainId;
  readonly sizeBytes: number;
  readonly chunkCount: number;
  /** When nobody may read it any more; 0 while it has an owner. */
  readonly goneAtMs: number;
  readonly sha256: Uint8Array;
  /** The bytes themselves, of a small file. Then there is no chunk map. */
  readonly inlineBytes: Uint8Array | undefined;
}

/** A chunk of a content, in file order. */
export interface MappedChunk {
  readonly chunkId: ChunkId;
  readonly lengthBytes: number;
}

export const NO_BYTES: Uint8Array = new Uint8Array(0);

export const contentCodec = recordCodec<ContentRecord>("content", {
  version: 1,
  write: (to, content) => {
    to.varint(content.owners);
    to.varint(content.domainId);
    to.varint(content.sizeBytes);
    to.varint(content.chunkCount);
    to.varint(content.goneAtMs);
    to.bytes(content.sha256);
    to.optional(content.inlineBytes, (into, bytes) => into.bytes(bytes));
  },
  read: (from) => ({
    owners: from.varint(),
    domainId: domainId(from.varint()),
    sizeBytes: from.varint(),
    chunkCount: from.varint(),
    goneAtMs: from.varint(),
    sha256: from.bytes(),
    inlineBytes: from.optional((of) => of.bytes()),
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
