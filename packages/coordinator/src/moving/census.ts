import type { ChunkRecord } from "../chunks/chunk-record.ts";

/** Chunks and the bytes of one copy of each. */
export interface Amount {
  readonly chunks: number;
  readonly bytes: number;
}

/** What one walk over all records counted. Takes memory by the number of nodes alone. */
export class Census {
  /** Bytes of chunks, by the nodes that records name. */
  readonly keptBytes = new Map<number, number>();
  /** Chunks whose records name a node that is to be emptied. */
  readonly #leaving = new Map<number, { chunks: number; bytes: number }>();
  /** Of these, chunks that no node could take. */
  readonly #blocked = new Map<number, number>();
  readonly #misplaced = { chunks: 0, bytes: 0 };
  #records = 0;

  get records(): number {
    return this.#records;
  }

  /** Chunks that could be spread more. */
  get misplaced(): Amount {
    return this.#misplaced;
  }

  /** Takes a record in, as it was when the walk passed. */
  count(
    record: ChunkRecord,
    of: { readonly isMisplaced: boolean; readonly isLeaving: (nodeNumber: number) => boolean },
  ): void {
    this.#records += 1;
    if (record.state !== "live" && record.state !== "garbage") return;
    const { lengthBytes } = record;
    for (const nodeNumber of record.nodeNumbers) {
      this.keep(nodeNumber, lengthBytes);
      if (of.isLeaving(nodeNumber)) this.leave(nodeNumber, { chunks: 1, bytes: lengthBytes });
    }
    if (of.isMisplaced) this.place({ chunks: 1, bytes: lengthBytes });
  }

  /** A copy was added to what is kept on a node, or taken from it when negative. */
  keep(nodeNumber: number, sizeBytes: number): void {
    this.keptBytes.set(nodeNumber, (this.keptBytes.get(nodeNumber) ?? 0) + sizeBytes);
  }

  /** Copies more, or fewer, that are to leave a node. */
  leave(nodeNumber: number, change: Amount): void {
    const left = this.#leaving.get(nodeNumber) ?? { chunks: 0, bytes: 0 };
    left.chunks = Math.max(0, left.chunks + change.chunks);
    left.bytes = Math.max(0, left.bytes + change.bytes);
    this.#leaving.set(nodeNumber, left);
  }

  /** Chunks more, or fewer, that are misplaced. */
  place(change: Amount): void {
    this.#misplaced.chunks = Math.max(0, this.#misplaced.chunks + change.chunks);
    this.#misplaced.bytes = Math.max(0, this.#misplaced.bytes + change.bytes);
  }

  /** A copy could not leave its node. */
  block(nodeNumber: number): void {
    this.#blocked.set(nodeNumber, this.blockedOf(nodeNumber) + 1);
  }

  blockedOf(nodeNumber: number): number {
    return this.#blocked.get(nodeNumber) ?? 0;
  }

  /** What is left on a node that is to be emptied. */
  leavingOf(nodeNumber: number): Amount {
    return this.#leaving.get(nodeNumber) ?? { chunks: 0, bytes: 0 };
  }
}
