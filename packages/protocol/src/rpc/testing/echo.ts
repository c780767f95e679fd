import { CairnError } from "@cairnfs/base/errors";
import {
  type ChatRequest,
  type CountRequest,
  type EchoRequest,
  EchoService,
  type GatherRequest,
} from "../../gen/cairn/test/v1/echo_pb.ts";
import { createRouter } from "../create-router.ts";
import { MESSAGE_BYTES_MAX } from "../limits.ts";
import type { Router } from "../router.ts";
import type { Call } from "../service.ts";

/** The handlers of the EchoService, and what a test may know of them. One call that waits at a time. */
export class Echo {
  calls = 0;
  sentBytes = 0;
  /** A call that hangs has begun. */
  readonly started: Promise<void>;
  /** The signal of a call has fired, with this error. */
  readonly aborted: Promise<CairnError>;
  /** The answers of a stream were returned before their end. */
  readonly returned: Promise<void>;
  /** A call waits for `release`. */
  readonly waiting: Promise<void>;
  /** Lets calls go on that wait. */
  release: () => void = () => undefined;
  readonly #released: Promise<void>;
  #onStarted: () => void = () => undefined;
  #onAborted: (error: CairnError) => void = () => undefined;
  #onReturned: () => void = () => undefined;
  #onWaiting: () => void = () => undefined;

  constructor() {
    this.started = new Promise((resolve) => {
      this.#onStarted = resolve;
    });
    this.aborted = new Promise((resolve) => {
      this.#onAborted = resolve;
    });
    this.returned = new Promise((resolve) => {
      this.#onReturned = resolve;
    });
    this.waiting = new Promise((resolve) => {
      this.#onWaiting = resolve;
    });
    this.#released = new Promise((resolve) => {
      this.release = resolve;
    });
  }

  router(): Router {
    return createRouter()
      .add(EchoService, {
        echo: (request, call) => this.#echo(request, call),
        count: (request, call) => this.#count(request, call),
        gather: (requests, call) => this.#gather(requests, call),
        chat: (requests, call) => this.#chat(requests, call),
      })
      .build();
  }

  async #echo({ behaviour, payload }: EchoRequest, call: Call) {
    this.calls += 1;
    if (behaviour === "fail") throw corrupt();
    if (behaviour === "crash") throw new TypeError("secret");
    if (behaviour === "huge") return { payload: new Uint8Array(MESSAGE_BYTES_MAX) };
    if (behaviour === "hang") await this.#hang(call);
    if (call.metadata.has("bare")) return { payload };
    return { payload, metadata: Object.fromEntries(call.metadata) };
  }

  async *#count({ behaviour, count, payloadBytes }: CountRequest, call: Call) {
    this.calls += 1;
    call.signal.addEventListener("abort", () => this.#onAborted(call.signal.reason));
    let isDone = false;
    try {
      const payload = new Uint8Array(payloadBytes);
      for (let index = 0; index < count; index++) {
        yield { index, payload };
        this.sentBytes += payloadBytes;
        if (behaviour === "gate" && index === 0) {
          this.#onWaiting();
          await this.#released;
        }
      }
      if (behaviour === "hang") await this.#hang(call);
      isDone = true;
      if (behaviour === "fail") throw corrupt();
    } finally {
      if (!isDone) this.#onReturned();
    }
  }

  async #gather(requests: AsyncIterable<GatherRequest>, call: Call) {
    this.calls += 1;
    call.signal.addEventListener("abort", () => this.#onAborted(call.signal.reason));
    let count = 0;
    let payloadBytes = 0n;
    for await (const { behaviour, payload } of requests) {
      count += 1;
      payloadBytes += BigInt(payload.byteLength);
      if (behaviour === "fail") throw corrupt();
      if (behaviour === "first") break;
      if (behaviour === "gate") {
        this.#onWaiting();
        await this.#released;
      }
    }
    return { count, payloadBytes };
  }

  async *#chat(requests: AsyncIterable<ChatRequest>, call: Call) {
    this.calls += 1;
    call.signal.addEventListener("abort", () => this.#onAborted(call.signal.reason));
    for await (const { index, payload, behaviour } of requests) {
      yield { index, payload };
      if (behaviour === "leave") return;
    }
  }

  /** Waits for the end of the call, and says what ended it. */
  #hang(call: Call): Promise<never> {
    return new Promise((_, reject) => {
      call.signal.addEventListener("abort", () => {
        this.#onAborted(call.signal.reason);
        reject(call.signal.reason);
      });
      this.#onStarted();
    });
  }
}

function corrupt(): CairnError {
  return new CairnError("chunkCorrupt", "the chunk ü is not what was written", {
    details: { sizeBytes: 17, isFinal: true, node: "12", note: "a b" },
  });
}
