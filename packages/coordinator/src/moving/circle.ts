import type { Row } from "@cairnfs/kv/table";
import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import type { ChunkRecord } from "../chunks/chunk-record.ts";
import type { Census } from "./census.ts";

/** One walk over all records. */
export interface Circle {
  readonly census: Census;
  /** What the nodes were when it began. */
  readonly topology: string;
  readonly startedMs: number;
  /** Nodes that have been draining ever since it began. */
  readonly draining: Set<number>;
  /** Of these, nodes that clients may still have stored chunks on when it began. */
  readonly settling: ReadonlySet<number>;
  readonly balanceWithin: number | undefined;
  cursor: ChunkId | undefined;
  page: Row<ChunkId, ChunkRecord>[];
  isAtEnd: boolean;
  hasMoved: boolean;
  /** Something is to be moved and could not be. */
  isUnfinished: boolean;
  /** Repair had work, so only draining nodes were cared for. */
  wasDeferred: boolean;
}
