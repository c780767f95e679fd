import type { Clock } from "@cairnfs/base/clock";
import type {
  DataNodeService,
  StoreChunkRequest,
  StoreChunkResult,
} from "@cairnfs/protocol/gen/cairn/v1/datanode_pb";
import type { ServiceClient } from "@cairnfs/protocol/rpc/client";
import type { Metadata } from "@cairnfs/protocol/rpc/service";
import { SendWindow } from "@cairnfs/protocol/transfer/send-window";
import { callStoreChunk } from "@cairnfs/protocol/transfer/store-chunk";
import { FrameLine } from "./frame-line.ts";

export interface ReplicaStreamOptions {
  readonly clock: Clock;
  /** How long the replica may take none of the bytes pushed. */
  readonly stallMs: number;
  /** How long it may take to answer once it has all. */
  readonly commitMs: number;
  readonly metadata: Metadata;
  /** Told how many bytes the replica has taken so far. */
  readonly onProgress: (takenBytes: number) => void;
}

/**
 * A chunk on its way to one replica: the messages of the client's own stream, as they are. `result` settles when the replica has
 * the chunk durably, has failed, has stalled, or was given up.
 */
export class ReplicaStream {
  readonly result: Promise<StoreChunkResult>;
  readonly #line = new FrameLine<StoreChunkRequest>();
  readonly #window: SendWindow;
  readonly #controller = new AbortController();

  constructor(
    client: Pick<ServiceClient<typeof DataNodeService>, "storeChunk">,
    open: StoreChunkRequest,
    options: ReplicaStreamOptions,
  ) {
    // How much may be in flight is the business of who pushes: the client's window covers all replicas.
    this.#window = new SendWindow({
      clock: options.clock,
      windowBytes: 0,
      stallMs: options.stallMs,
    });
    this.result = callStoreChunk(client, this.#requests(open), {
      clock: options.clock,
      window: this.#window,
      resultTimeoutMs: options.commitMs,
      metadata: options.metadata,
      signal: this.#controller.signal,
      onProgress: options.onProgress,
    }).finally(() => this.#line.fail(new Error("the replica's call has ended")));
  }

  /** How many bytes the replica says it has taken. */
  get takenBytes(): number {
    return this.#window.ackedBytes;
  }

  /** Hands on a message with `sizeBytes` of data. From now on the replica owes an acknowledgement for them. */
  push(message: StoreChunkRequest, sizeBytes: number): void {
    this.#window.sent(sizeBytes);
    this.#line.push(message);
  }

  /** There are no more messages. */
  end(): void {
    this.#line.end();
  }

  /** Ends the call; the replica forgets what it has. Nothing when it has a result already. */
  abort(error: unknown): void {
    this.#controller.abort(error);
  }

  async *#requests(open: StoreChunkRequest): AsyncGenerator<StoreChunkRequest, void, undefined> {
    yield open;
    for await (const message of this.#line) {
      // Waits only while the replica says that it is not ready.
      await this.#window.room(0);
      yield message;
    }
  }
}
