import type { Clock } from "@cairnfs/base/clock";
import type { KvStore } from "@cairnfs/kv/kv-store";
import { walkRecords } from "./record-walk.ts";

/** What depends on a node's copies. */
export interface Dependence {
  /** Chunks whose records name the node. */
  readonly namedChunks: number;
  /** Of these, chunks that files refer to and that have no live copy elsewhere. */
  readonly soleChunks: number;
}

/** Walks over all records and counts what would be gone with a node. */
export async function dependenceOn(
  nodeNumber: number,
  parts: {
    readonly kv: KvStore;
    readonly clock: Clock;
    readonly isLive: (nodeNumber: number) => boolean;
  },
  signal: AbortSignal,
): Promise<Dependence> {
  let namedChunks = 0;
  let soleChunks = 0;
  for await (const { rows } of walkRecords(parts, signal)) {
    for (const { value } of rows) {
      const isKept = value.state === "live" || value.state === "garbage";
      if (!isKept || !value.nodeNumbers.includes(nodeNumber)) continue;
      namedChunks += 1;
      if (value.state !== "live") continue;
      const hasOther = value.nodeNumbers.some(
        (number) => number !== nodeNumber && parts.isLive(number),
      );
      if (!hasOther) soleChunks += 1;
    }
  }
  return { namedChunks, soleChunks };
}
