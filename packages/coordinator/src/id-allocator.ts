import { present } from "@cairnfs/base/assert";
import type { Awaitable, KvStore } from "@cairnfs/kv/kv-store";
import { FIRST_FREE_ID } from "./namespace/ids.ts";
import { metaNumbers } from "./single-values.ts";

const BLOCK_IDS = 65_536;

/** Fresh ids: a body that runs again after a conflict starts again from the same first id. */
export interface FreshIds {
  readonly first: number;
  readonly count: number;
}

/**
 * Hands out ids that were never handed out before, growing, from blocks that it takes from the store one at a
 * time: allocation does not make transactions conflict. What is left of a block when the process ends is lost.
 */
export class IdAllocator {
  readonly #kv: KvStore;
  #next = 0;
  #end = 0;
  #refill: Promise<void> | undefined;

  constructor(kv: KvStore) {
    this.#kv = kv;
  }

  /** `count` consecutive ids, at most a few thousand. */
  take(count: number): Awaitable<FreshIds> {
    return this.#end - this.#next < count ? this.#takeLater(count) : this.#takeNow(count);
  }

  async #takeLater(count: number): Promise<FreshIds> {
    while (this.#end - this.#next < count) {
      this.#refill ??= this.#takeBlock(Math.max(count, BLOCK_IDS)).finally(() => {
        this.#refill = undefined;
      });
      await this.#refill;
    }
    return this.#takeNow(count);
  }

  #takeNow(count: number): FreshIds {
    const first = this.#next;
    this.#next += count;
    return { first, count };
  }

  async #takeBlock(count: number): Promise<void> {
    const first = await this.#kv.transact(async (tx) => {
      const next = (await metaNumbers.get(tx, "next-id")) ?? FIRST_FREE_ID;
      metaNumbers.put(tx, "next-id", next + count);
      return next;
    });
    this.#next = first;
    this.#end = first + count;
  }
}

/** Draws one after the other from `fresh`; more than there are is a bug. */
export function idsFrom(fresh: FreshIds): () => number {
  let drawn = 0;
  return () => present(drawn < fresh.count ? fresh.first + drawn++ : undefined, "out of fresh ids");
}
