import { createHash, type Hash } from "node:crypto";
import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import { ChunkGiver, type ChunkWork, takeChunks } from "./chunk-link.ts";
import { DurableChunk, newChunk } from "./durable-chunk.ts";

/** What a process of the floor is asked to do. */
export type FloorAsk =
  | {
      readonly do: "take";
      /** Whose chunks, as which of its takers, on how many lanes. */
      readonly port: number;
      readonly taker: number;
      readonly lanes: number;
      readonly chunkBytes: number;
      readonly isHashed: boolean;
      /** Each chunk is made a durable file here; undefined: it is only counted. */
      readonly folder: string | undefined;
      readonly isDirect: boolean;
      /** How many takers each chunk is passed on to as it comes. */
      readonly forwards: number;
    }
  | { readonly do: "listen" }
  | {
      readonly do: "give";
      /** The files whose content is given to the takers at this process's own port: for each lane one, again and again. */
      readonly files: readonly string[];
    }
  | { readonly do: "clear" };

export interface FloorReply {
  readonly port: number;
}

/** A process of the floor: takes chunks as a datanode does, with nothing but sockets, files and hashes. */
export class FloorNode {
  #giver: ChunkGiver | undefined;
  readonly #files: string[] = [];

  async answer(ask: FloorAsk): Promise<FloorReply> {
    switch (ask.do) {
      case "listen":
        this.#giver = await ChunkGiver.listen();
        break;
      case "take":
        for (let lane = 0; lane < ask.lanes; lane++) {
          const chunk = newChunk(ask.chunkBytes);
          await takeChunks({ ...ask, lane }, chunk, await this.#work(ask, lane, chunk));
        }
        break;
      case "give":
        for (const [lane, file] of ask.files.entries()) this.#give(lane, file);
        break;
      case "clear":
        this.#giver?.close();
        this.#giver = undefined;
        for (const file of this.#files.splice(0)) await rm(file, { force: true });
    }
    return { port: this.#giver?.port ?? 0 };
  }

  async #work(
    ask: FloorAsk & { readonly do: "take" },
    lane: number,
    chunk: Uint8Array,
  ): Promise<ChunkWork> {
    const giver = this.#giver;
    const forwards = await Promise.all(
      Array.from({ length: giver === undefined ? 0 : ask.forwards }, (_, taker) =>
        giver?.lane(taker, lane),
      ),
    );
    let hash: Hash | undefined;
    let forwarded: readonly (Promise<void> | undefined)[] = [];
    let file: DurableChunk | undefined;
    let count = 0;
    return {
      part: (bytes, filledBytes) => {
        if (filledBytes === bytes.byteLength) {
          forwarded = forwards.map((next) => next?.done());
          hash = ask.isHashed ? createHash("sha256") : undefined;
          if (ask.folder !== undefined) {
            const path = join(ask.folder, `chunk-${process.pid}-${lane}-${count}`);
            count += 1;
            this.#files.push(path);
            file = new DurableChunk(path, chunk, ask.isDirect);
          }
        }
        hash?.update(bytes);
        for (const next of forwards) next?.write(bytes);
        file?.filled(filledBytes);
      },
      whole: async () => {
        hash?.digest();
        await Promise.all([file?.finish(), ...forwarded]);
      },
    };
  }

  /** Gives the file's content, read anew each time, until the lane is closed. */
  #give(number: number, path: string): void {
    const serve = async () => {
      const lane = await this.#giver?.lane(0, number);
      const file = await open(path, "r");
      try {
        const { size } = await file.stat();
        const chunk = newChunk(size);
        for (;;) {
          const done = lane?.done();
          await file.read(chunk, 0, size, 0);
          lane?.write(chunk);
          await done;
        }
      } finally {
        await file.close();
      }
    };
    serve().catch(() => undefined);
  }
}
