import type { KvTransaction } from "@cairnfs/kv/kv-store";
import type { FindingKind } from "./finding-kinds.ts";

/** What is wrong with one thing. */
export interface Finding {
  readonly kind: FindingKind;
  /** What it is about: a path, a chunk, a content, a node. */
  readonly subject: string;
  readonly message: string;
}

/** How mending ended: it is well again, was well by itself, or has changed so that it must be looked at anew. */
export type Mended = "mended" | "well" | "changed";

/** A finding that was true of one snapshot, and the way to mend it, if there is one. */
export interface Found {
  readonly finding: Finding;
  /** Looks again and mends, in one transaction. */
  readonly mend?: (() => Promise<Mended>) | undefined;
}

/** A finding about what a reader has just read. */
export interface Wrong extends Finding {
  /** Mends it in the transaction that read it. */
  readonly mend?: ((tx: KvTransaction) => void | Promise<void>) | undefined;
}
