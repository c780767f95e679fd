import type { Clock } from "@cairnfs/base/clock";
import { abortError, CairnError } from "@cairnfs/base/errors";
import { CallState } from "../rpc/call-state.ts";
import { checkedSizeOfParts, joinParts } from "../rpc/codec.ts";
import { MessageQueue } from "../rpc/message-queue.ts";
import { OutgoingStream, type StreamWire } from "../rpc/outgoing-stream.ts";
import { type AnswerSink, serveStream } from "../rpc/serve-stream.ts";
import { errorFromStatus, errorOfHandler, statusOf } from "../rpc/status.ts";
import type { ClientTransport, MessageParts, WireCallOptions } from "../rpc/transport.ts";
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
    if (signal.aborted) throw abortError(signal);
    const bytes = joinParts(request);
    await this.#travel(signal);
    const listener = this.#reach();
    const route = listener.find(path);
    if (route.kind !== "unary") {
      throw new CairnError("protocolViolation", `${path} is a stream and was called as unary`);
    }
    const call = this.#callState(options);
    let cut: (error: CairnError) => void = () => undefined;
    const cutShort = new Promise<never>((_, reject) => {
      cut = reject;
    });
    const fail = (error: CairnError) => {
      call.abort(error);
      cut(error);
    };
    const onAbort = () => fail(abortError(signal));
    signal.addEventListener("abort", onAbort, { once: true });
    this.#calls.add(fail);
    try {
      const answered = listener.run(call, cut, route.unary(bytes, call));
      const answer = await Promise.race([answered, cutShort]);
      checkedSizeOfParts(answer);
      const answerBytes = joinParts(answer);
      await Promise.race([this.#travel(signal), cutShort]);
      return answerBytes;
    } catch (error) {
      if (signal.aborted) throw abortError(signal);
      throw overTheWire(errorOfHandler(error, call.signal));
    } finally {
      call.end();
      this.#calls.delete(fail);
      signal.removeEventListener("abort", onAbort);
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
    await this.#travel(options.signal);
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

  async #travel(signal: AbortSignal): Promise<void> {
    const delayMs = this.#link.delayMs();
    if (delayMs === 0) return;
    try {
      await this.#link.clock.sleep(delayMs, signal);
    } catch {
      throw abortError(signal);
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

/** Where a sender waits until its receiver has room. */
class Gate {
  #waiting: (() => void)[] = [];
  #isOpen = true;

  get isOpen(): boolean {
    return this.#isOpen;
  }

  shut(): void {
    this.#isOpen = false;
  }

  open(): void {
    this.#isOpen = true;
    for (const pass of this.#waiting.splice(0)) pass();
  }

  passed(): Promise<void> {
    if (this.#isOpen) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}
