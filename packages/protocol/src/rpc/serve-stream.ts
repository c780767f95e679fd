import type { CairnError } from "@cairnfs/base/errors";
import type { CallState } from "./call-state.ts";
import { checkedSizeOfParts } from "./codec.ts";
import type { MessageQueue } from "./message-queue.ts";
import type { Route } from "./router.ts";
import { errorOfHandler } from "./status.ts";
import type { MessageParts } from "./transport.ts";

/** Where a transport puts the answers of one call. */
export interface AnswerSink {
  /** Sends one answer; false asks to wait for `room`. */
  send(answer: MessageParts): boolean;
  /** Resolves when more may be sent, or nobody listens any more; never rejects. */
  room(): Promise<void>;
  /** The last word: all answers were sent, or the call failed. */
  end(error: CairnError | undefined): void;
}

/**
 * Answers one streaming call at the receiver's pace. Resolves when the handler is done, never rejects. When the call is
 * aborted, nothing more is sent, and the handler's answers are returned.
 */
export async function serveStream(
  route: Exclude<Route, { kind: "unary" }>,
  requests: MessageQueue,
  call: CallState,
  sink: AnswerSink,
): Promise<void> {
  const answers = route.stream(requests, call)[Symbol.asyncIterator]();
  let isDone = false;
  try {
    while (!call.hasEnded) {
      const answer = await answers.next();
      if (answer.done === true) {
        isDone = true;
        break;
      }
      if (call.hasEnded) break;
      checkedSizeOfParts(answer.value);
      if (!sink.send(answer.value)) await sink.room();
    }
    if (!isDone) await answers.return?.();
    if (!call.hasEnded) sink.end(undefined);
  } catch (error) {
    if (!isDone) await leave(answers);
    if (!call.hasEnded) sink.end(errorOfHandler(error, call.signal));
  } finally {
    call.end();
    await requests.return();
  }
}

/** An iterator that has failed is done; one whose answer was refused is told so, whatever it says to that. */
async function leave(answers: AsyncIterator<MessageParts>): Promise<void> {
  try {
    await answers.return?.();
  } catch {
    // The call has its error already.
  }
}
