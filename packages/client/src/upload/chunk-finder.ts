import { type ChunkId, chunkIdToBytes } from "@cairnfs/protocol/chunk-id";
import type { CoordinatorLink } from "../coordinator-link.ts";

const IDS_MOST = 1_000;

interface Question {
  readonly id: ChunkId;
  readonly answer: (isFound: boolean) => void;
  readonly fail: (error: unknown) => void;
}

/** Who wants to refer to the chunks: a session, or a file that is to be put without one. */
export type FinderFor = { readonly sessionId: Uint8Array } | { readonly path: string };

/** Asks which chunks need not be sent. One call is under way at a time; everything asked meanwhile goes in the next. */
export class ChunkFinder {
  readonly #coordinator: CoordinatorLink;
  readonly #asker: FinderFor;
  readonly #signal: AbortSignal | undefined;
  #questions: Question[] = [];
  #isAsking = false;

  constructor(coordinator: CoordinatorLink, asker: FinderFor, signal: AbortSignal | undefined) {
    this.#coordinator = coordinator;
    this.#asker = asker;
    this.#signal = signal;
  }

  /** Whether the asker may refer to the chunk without sending it. */
  find(id: ChunkId): Promise<boolean> {
    return new Promise((answer, fail) => {
      this.#questions.push({ id, answer, fail });
      // Every question hears its own outcome; there is nothing to learn from the loop's.
      if (!this.#isAsking) void this.#askAll();
    });
  }

  async #askAll(): Promise<void> {
    this.#isAsking = true;
    // Chunks that are hashed in one go ask together.
    await Promise.resolve();
    while (this.#questions.length > 0) {
      const batch = this.#questions.splice(0, IDS_MOST);
      await this.#ask(batch).catch((error: unknown) => {
        for (const question of batch) question.fail(error);
      });
    }
    this.#isAsking = false;
  }

  async #ask(batch: readonly Question[]): Promise<void> {
    const reply = await this.#coordinator.call(
      (client, options) =>
        client.findChunks(
          {
            ...this.#asker,
            chunkIds: batch.map((question) => chunkIdToBytes(question.id)),
          },
          options,
        ),
      { signal: this.#signal },
    );
    for (const [at, question] of batch.entries()) question.answer(reply.found[at] === true);
  }
}
