import type { Clock } from "@cairnfs/base/clock";
import { abortError, CairnError } from "@cairnfs/base/errors";
import { CallState } from "../rpc/call-state.ts";
import { checkedSizeOfParts, joinParts } from "../rpc/codec.ts";
import { MessageQueue } from "../rpc/message-queue.ts";
import { OutgoingStream, type StreamWire } from "../rpc/outgoing-stream.ts";
import { type AnswerSink, serveStream } from "../rpc/serve-stream.ts";
import { errorFromStatus, errorOfHandler, statusOf } from "../rpc/status.ts";
import type { ClientTransport, MessageParts, WireCallOptions } from "../rpc/transport.ts";
import { Gate } from "./gate.ts";
import type { MemoryListener } from "./memory-listener.ts";

/** What a transport knows of the network that it is on. */
export interface MemoryLink {
  readonly clock: Clock;
  /** Who listens at the address; throws `unreachable`. */
  reach(): MemoryListener;
  /** How long a message takes. */
  delayMs(): number;
  onClose(): void;
}

/** The calling end of a memory network. */
export class MemoryTransport implements ClientTransport {
  readonly address: string;
  /** The host it calls from; empty for none in particular. */
  readonly from: string;
  readonly #link: MemoryLink;
  readonly #calls = new Set<(error: CairnError) => void>();
  #isClosed = false;

  constructor(address: string, from: string, link: MemoryLink) {
    this.address = address;
    this.from = from;
    this.#link = link;
  }

  async unary(path: string, request: MessageParts, options: WireCallOptions): Promise<Uint8Array> {
    checkedSizeOfParts(request);
    const { signal } = options;
    if (signal?.aborted === true) throw abortError(signal);
    const bytes = joinParts(request);
    const call = this.#callState(options);
    let cut: (error: CairnError) => void = () => undefined;
    const cutShort = new Promise<never>((_, reject) => {
      cut = reject;
    });
    let cutBy: CairnError | undefined;
    const fail = (error: CairnError) => {
      cutBy ??= error;
      call.abort(error);
      cut(error);
    };
    const unwatch = this.#watch(options, fail);
    try {
      const answered = this.#answer(path, bytes, call, cut);
      return await Promise.race([answered, cutShort]);
    } catch (error) {
      if (cutBy !== undefined) throw cutBy;
      throw overTheWire(errorOfHandler(error, call.signal));
    } finally {
      call.end();
      unwatch();
    }
  }

  stream(
    path: string,
    requests: AsyncIterable<MessageParts>,
    options: WireCallOptions,
  ): AsyncIterable<Uint8Array> {
    return new OutgoingStream(requests, options.signal, (stream) =>
      this.#open(path, stream, options),
    );
  }

  /** Ends all calls under way as a broken connection does. */
  breakCalls(error: () => CairnError): void {
    for (const fail of [...this.#calls]) fail(error());
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#link.onClose();
    this.breakCalls(() => new CairnError("cancelled", "the transport was closed"));
  }

  async #open(path: string, stream: OutgoingStream, options: WireCallOptions): Promise<StreamWire> {
    await this.#travel(() => options.signal);
    const listener = this.#reach();
    const route = listener.find(path);
    if (route.kind === "unary") {
      throw new CairnError("protocolViolation", `${path} is unary and was called as a stream`);
    }
    const call = this.#callState(options);
    const toServer = new Gate();
    const toCaller = new Gate();
    const pace = new Pace(this.#link);
    const requests = new MessageQueue({
      onRoom: () => toServer.open(),
      onReturn: () => toServer.open(),
    });

    const endBoth = (error: CairnError) => {
      this.#calls.delete(fail);
      call.abort(error);
      requests.abort(error);
      toServer.open();
      toCaller.open();
    };
    const fail = (error: CairnError) => {
      stream.end(error);
      endBoth(error);
    };
    this.#calls.add(fail);
    const sink: AnswerSink = {
      send: (answer) => {
        if (!stream.push(joinParts(answer))) toCaller.shut();
        return pace.step() && toCaller.isOpen;
      },
      room: async () => {
        await pace.passed(call.signal);
        await toCaller.passed();
      },
      end: (error) => {
        this.#calls.delete(fail);
        toServer.open();
        stream.end(error && overTheWire(error));
      },
    };
    void listener.run(call, fail, serveStream(route, requests, call, sink));

    return {
      send: (request) => {
        if (!requests.push(joinParts(request))) toServer.shut();
        return pace.step() && toServer.isOpen;
      },
      room: async () => {
        await pace.passed(call.signal);
        await toServer.passed();
      },
      finish: () => requests.end(),
      cancel: endBoth,
      resume: () => toCaller.open(),
    };
  }

  async #answer(
    path: string,
    request: Uint8Array,
    call: CallState,
    onStop: (error: CairnError) => void,
  ): Promise<Uint8Array> {
    await this.#travel(() => call.signal);
    const listener = this.#reach();
    const route = listener.find(path);
    if (route.kind !== "unary") {
      throw new CairnError("protocolViolation", `${path} is a stream and was called as unary`);
    }
    const answer = await listener.run(call, onStop, route.unary(request, call));
    checkedSizeOfParts(answer);
    const bytes = joinParts(answer);
    await this.#travel(() => call.signal);
    return bytes;
  }

  /** Calls `fail` when the caller gives up, the deadline passes or the connection breaks, until it is undone. */
  #watch({ signal, timeoutMs }: WireCallOptions, fail: (error: CairnError) => void): () => void {
    const onAbort = () => {
      if (signal !== undefined) fail(abortError(signal));
    };
    const onDeadline = () => {
      fail(new CairnError("deadlineExceeded", "the answer did not come in time"));
    };
    signal?.addEventListener("abort", onAbort);
    const deadline =
      timeoutMs === undefined ? undefined : this.#link.clock.after(timeoutMs, onDeadline);
    this.#calls.add(fail);
    return () => {
      signal?.removeEventListener("abort", onAbort);
      deadline?.cancel();
      this.#calls.delete(fail);
    };
  }

  #reach(): MemoryListener {
    if (this.#isClosed) throw new CairnError("cancelled", "the transport was closed");
    return this.#link.reach();
  }

  #callState(options: WireCallOptions): CallState {
    return new CallState(this.#link.clock, {
      peer: this.from === "" ? "memory" : this.from,
      metadata: new Map(options.metadata),
      timeoutMs: options.timeoutMs,
    });
  }

  async #travel(signalOf: () => AbortSignal | undefined): Promise<void> {
    const delayMs = this.#link.delayMs();
    if (delayMs === 0) return;
    const signal = signalOf();
    try {
      await this.#link.clock.sleep(delayMs, signal);
    } catch (error) {
      throw signal === undefined ? error : abortError(signal);
    }
  }
}

/** The error as its receiver rebuilds it: whatever does not cross a wire is lost here too. */
function overTheWire(error: CairnError): CairnError {
  return errorFromStatus(statusOf(error));
}

/** How many messages of a stream go through before the rest of the process has a turn. */
const MESSAGES_PER_TURN = 64;

/** How long the messages of one call take: the delay of the link, and now and then a turn for everybody else. */
class Pace {
  readonly #link: MemoryLink;
  #messages = 0;

  constructor(link: MemoryLink) {
    this.#link = link;
  }

  /** Counts a message; false asks to wait for `passed`. */
  step(): boolean {
    this.#messages += 1;
    return this.#messages % MESSAGES_PER_TURN !== 0 && this.#link.delayMs() === 0;
  }

  async passed(signal: AbortSignal): Promise<void> {
    const delayMs = this.#link.delayMs();
    if (delayMs > 0) {
      // An end of the call ends the wait, and is told elsewhere.
      await this.#link.clock.sleep(delayMs, signal).catch(() => undefined);
    } else if (this.#messages % MESSAGES_PER_TURN === 0) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}
