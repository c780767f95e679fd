import type { DescMessage, MessageInitShape } from "@bufbuild/protobuf";
import type { Clock } from "@cairnfs/base/clock";
import type { KvStore } from "@cairnfs/kv/kv-store";
import { encodedMessage } from "@cairnfs/protocol/rpc/encoded-message";
import type { Call } from "@cairnfs/protocol/rpc/service";
import { type IdAllocator, idsFrom } from "../id-allocator.ts";
import { answerOnce, answerPeriod, idempotencyKeyOf } from "../idempotency.ts";
import type { Mutation } from "./mutation.ts";
import { nowMsOf } from "./now-ms.ts";
import type { NamespaceSettings } from "./settings.ts";

export interface MutatorParts {
  readonly kv: KvStore;
  readonly clock: Clock;
  readonly ids: IdAllocator;
  readonly settings: NamespaceSettings;
}

/** What an operation does to the room that the store takes. */
export interface Growth {
  /** It adds: refused as `storeFull` while there is room for no more than what it takes to delete. True unless given. */
  readonly grows?: boolean;
}

/** For operations that free more than they take. */
export const FREES: Growth = { grows: false };

/** Runs operations that change the tree, each in one transaction. */
export class Mutator {
  readonly #parts: MutatorParts;

  constructor(parts: MutatorParts) {
    this.#parts = parts;
  }

  /** Runs `body`, which may draw at most `idsMax` ids; resolves when what it wrote is durable. */
  async run<T>(
    idsMax: number,
    body: (mutation: Mutation) => Promise<T>,
    signal: AbortSignal | (() => AbortSignal),
    { grows = true }: Growth = {},
  ): Promise<T> {
    const { kv, clock, ids, settings } = this.#parts;
    const taken = ids.take(idsMax);
    const fresh = taken instanceof Promise ? await taken : taken;
    return kv.transact(
      (tx) => body({ tx, nowMs: nowMsOf(clock), settings, nextId: idsFrom(fresh) }),
      { signal, grows },
    );
  }

  /** The same for a call that may be repeated under its idempotency key: it is answered once. */
  async answer<Answer extends DescMessage>(
    call: Call,
    answer: Answer,
    idsMax: number,
    body: (mutation: Mutation) => Promise<MessageInitShape<Answer>>,
    growth: Growth = {},
  ): Promise<MessageInitShape<Answer>> {
    return encodedMessage(answer, [await this.answerBytes(call, answer, idsMax, body, growth)]);
  }

  /** The same, for one who looks at the answer: it is encoded. */
  async answerBytes<Answer extends DescMessage>(
    call: Call,
    answer: Answer,
    idsMax: number,
    body: (mutation: Mutation) => Promise<MessageInitShape<Answer>>,
    growth: Growth = {},
  ): Promise<Uint8Array> {
    const key = idempotencyKeyOf(call.metadata);
    const periodMs = this.#parts.settings.idempotencyMs;
    return this.run(
      idsMax,
      (mutation) => {
        const period = answerPeriod(mutation.nowMs, periodMs);
        return answerOnce(mutation.tx, { key, answer, period }, () => body(mutation));
      },
      () => call.signal,
      growth,
    );
  }
}
