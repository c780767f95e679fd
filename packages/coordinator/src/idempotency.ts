import type { DescMessage, MessageInitShape } from "@bufbuild/protobuf";
import { CairnError } from "@cairnfs/base/errors";
import { fromHex } from "@cairnfs/base/hex";
import type { KvTransaction } from "@cairnfs/kv/kv-store";
import { encodeMessage, joinParts } from "@cairnfs/protocol/rpc/codec";
import type { Metadata } from "@cairnfs/protocol/rpc/service";
import { answers, IDEMPOTENCY_KEY_BYTES } from "./keyspace.ts";

export const IDEMPOTENCY_METADATA_KEY = "cairn-idempotency-key";

/** The key that the caller gave this call, if any; one that is not 24 bytes in hex is refused as `invalidArgument`. */
export function idempotencyKeyOf(metadata: Metadata): Uint8Array | undefined {
  const digits = metadata.get(IDEMPOTENCY_METADATA_KEY);
  if (digits === undefined) return undefined;
  const key = fromHex(digits);
  if (key?.byteLength === IDEMPOTENCY_KEY_BYTES) return key;
  throw new CairnError(
    "invalidArgument",
    `${IDEMPOTENCY_METADATA_KEY} is not ${IDEMPOTENCY_KEY_BYTES} bytes in hexadecimal`,
  );
}

/**
 * The period that `nowMs` is in. Answers are kept by the period they were given in, and looked for in this one and the
 * one before: so they live one to two periods, and a whole period is dropped at once.
 */
export function answerPeriod(nowMs: number, periodMs: number): number {
  return Math.floor(nowMs / periodMs);
}

export interface KeyedCall<Answer extends DescMessage> {
  readonly key: Uint8Array | undefined;
  /** The message that answers the call; a key belongs to one method. */
  readonly answer: Answer;
  readonly period: number;
}

/**
 * Answers a call once, with the encoded message: the answer is stored in the transaction of the change and found again
 * under the same key. A key that was used for another method is refused as `invalidArgument`.
 */
export async function answerOnce<Answer extends DescMessage>(
  tx: KvTransaction,
  { key, answer, period }: KeyedCall<Answer>,
  body: () => Promise<MessageInitShape<Answer>>,
): Promise<Uint8Array> {
  if (key === undefined) return joinParts(encodeMessage(answer, await body()));
  const found = answers.getMany(tx, [
    [period, key],
    [Math.max(0, period - 1), key],
  ]);
  const [recent, older] = found instanceof Promise ? await found : found;
  const stored = recent ?? older;
  if (stored !== undefined) {
    if (stored.method === answer.name) return stored.message;
    throw new CairnError(
      "invalidArgument",
      `the idempotency key was answered with ${stored.method}, not ${answer.name}`,
    );
  }
  const message = joinParts(encodeMessage(answer, await body()));
  answers.put(tx, [period, key], { method: answer.name, message });
  return message;
}
