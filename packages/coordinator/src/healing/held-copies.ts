import { CairnError } from "@cairnfs/base/errors";
import { Limit } from "@cairnfs/base/limit";
import { type ChunkId, chunkIdToBytes } from "@cairnfs/protocol/chunk-id";
import type { NodeCalls } from "./node-calls.ts";

/** What a node says of its copy of a chunk, without reading it. */
export interface HeldCopy {
  readonly isHeld: boolean;
  /** When it last read the copy and found it intact; 0 for not since it was stored. */
  readonly verifiedMs: number;
}

const NODES_AT_ONCE = 16;
const ANSWER_TIMEOUT_MS = 2000;

/** Asks nodes what they hold. */
export class HeldCopies {
  readonly #calls: Pick<NodeCalls, "to">;

  constructor(calls: Pick<NodeCalls, "to">) {
    this.#calls = calls;
  }

  /**
   * What each node says of the chunks it is asked for, at most 1,000 each. A node that does not answer soon is
   * not among the answers.
   */
  async ask(
    asked: ReadonlyMap<number, readonly ChunkId[]>,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<number, ReadonlyMap<ChunkId, HeldCopy>>> {
    const limit = new Limit(NODES_AT_ONCE);
    const answers = new Map<number, ReadonlyMap<ChunkId, HeldCopy>>();
    await Promise.all(
      [...asked].map(([nodeNumber, ids]) =>
        limit.run(async () => {
          const answer = await this.#askOne(nodeNumber, ids, signal);
          if (answer !== undefined) answers.set(nodeNumber, answer);
        }, signal),
      ),
    );
    return answers;
  }

  async #askOne(
    nodeNumber: number,
    ids: readonly ChunkId[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<ChunkId, HeldCopy> | undefined> {
    try {
      const { chunks } = await this.#calls
        .to(nodeNumber)
        .hasChunks({ chunkIds: ids.map(chunkIdToBytes) }, { signal, timeoutMs: ANSWER_TIMEOUT_MS });
      return new Map(
        ids.map((id, at) => {
          const { isHeld = false, verifiedMs = 0n } = chunks[at] ?? {};
          return [id, { isHeld, verifiedMs: Number(verifiedMs) }];
        }),
      );
    } catch (error) {
      if (error instanceof CairnError && !signal.aborted) return undefined;
      throw error;
    }
  }
}
