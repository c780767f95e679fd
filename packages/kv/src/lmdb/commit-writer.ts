import { statfs } from "node:fs/promises";
import { constants } from "node:os";
import { Worker } from "node:worker_threads";
import { assert } from "@cairnfs/base/assert";
import { CairnError } from "@cairnfs/base/errors";
import type { Closable } from "@cairnfs/base/lifecycle";
import {
  APPLIED_KEY,
  CEILING_KEY,
  ENTRIES,
  FORMAT_KEY,
  lmdbOptions,
  RESERVE,
  STATE,
} from "./environment.ts";
import type { WriterThreadData } from "./writer-thread.ts";

const MDB_MAP_FULL = -30792;
const { EDQUOT, EFBIG, EIO, ENOSPC } = constants.errno;
const NO_ROOM: readonly unknown[] = [MDB_MAP_FULL, ENOSPC, EDQUOT, EFBIG];
/** LMDB calls it EIO when a part of what it writes finds room; with so little left, that is what happened. */
const LITTLE_ROOM_BYTES = 64 * 1024 * 1024;

/** The memory of a batch, or whether the reserve is empty. */
type Answer = ArrayBuffer | boolean | undefined;

interface Waiting {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: CairnError) => void;
}

/** Writes batches in a thread of its own, one at a time. */
export class CommitWriter implements Closable {
  readonly #folder: string;
  readonly #thread: Worker;
  #waiting: Waiting | undefined;
  #failure: CairnError | undefined;

  private constructor(folder: string, thread: Worker) {
    this.#folder = folder;
    this.#thread = thread;
    thread.on("message", (answer: unknown) => this.#settle(answer));
    thread.on("error", (error) => this.#end(error));
    thread.on("exit", () => this.#end(undefined));
  }

  static async open(folder: string): Promise<CommitWriter> {
    const data: WriterThreadData = {
      options: lmdbOptions(folder),
      entries: ENTRIES,
      state: STATE,
      ceilingKey: CEILING_KEY,
      appliedKey: APPLIED_KEY,
      formatKey: FORMAT_KEY,
      reserve: RESERVE,
    };
    const thread = startThread(data);
    const writer = new CommitWriter(folder, thread);
    await writer.#answer();
    return writer;
  }

  /** Why nothing can be written any more, if so. */
  get failure(): CairnError | undefined {
    return this.#failure;
  }

  /** Keeps so many pages of the disk as a reserve, durably. `storeFull` when there is no room for them; then it is as it was. */
  async keepReserve(reservePages: number): Promise<void> {
    const answer = this.#answer();
    if (this.#failure === undefined) this.#thread.postMessage({ reservePages });
    await answer;
  }

  /** Frees so many pages of the reserve; true when there are no more. */
  async freeReserve(freePages: number): Promise<boolean> {
    const answer = this.#answer();
    if (this.#failure === undefined) this.#thread.postMessage({ freePages });
    return (await answer) === true;
  }

  /**
   * Resolves when the batch is durable, with its memory, which may be used again. When it rejects, with `storeFull` or `storeFailed`, nothing of it is stored;
   * only after the thread itself has died is that not known.
   */
  async write(batch: ArrayBuffer): Promise<ArrayBuffer | undefined> {
    const answer = this.#answer();
    if (this.#failure === undefined) this.#thread.postMessage(batch, [batch]);
    const memory = await answer;
    return typeof memory === "boolean" ? undefined : memory;
  }

  async close(): Promise<void> {
    if (this.#failure !== undefined) return;
    const exit = new Promise<void>((resolve) => this.#thread.once("exit", () => resolve()));
    this.#thread.ref();
    this.#thread.postMessage("close");
    await exit;
  }

  #answer(): Promise<Answer> {
    assert(this.#waiting === undefined, "batches are written one at a time");
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    // Only a writer at work keeps the process alive.
    this.#thread.ref();
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  #settle(answer: unknown): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    this.#thread.unref();
    if (answer === "ready") waiting?.resolve(undefined);
    else if (answer instanceof ArrayBuffer || typeof answer === "boolean") waiting?.resolve(answer);
    else if (waiting !== undefined) void this.#explain(answer).then(waiting.reject);
  }

  #end(cause: unknown): void {
    this.#failure ??= new CairnError("storeFailed", "the thread that writes has ended", { cause });
    this.#waiting?.reject(this.#failure);
    this.#waiting = undefined;
  }

  async #explain(answer: unknown): Promise<CairnError> {
    // What the thread answers when a write fails.
    const { message, code } = answer as { readonly message: string; readonly code: unknown };
    if (NO_ROOM.includes(code) || (code === EIO && (await this.#isDiskFull()))) {
      return new CairnError("storeFull", "the disk of the metadata store is full", {
        cause: message,
      });
    }
    return new CairnError("storeFailed", `the metadata store cannot be written: ${message}`);
  }

  async #isDiskFull(): Promise<boolean> {
    const { bavail, bsize } = await statfs(this.#folder);
    return bavail * bsize < LITTLE_ROOM_BYTES;
  }
}

/** Starts the writer as it was built, also where the rest runs from its sources: Node 20 loads no TypeScript in a thread. */
function startThread(workerData: WriterThreadData): Worker {
  const file = import.meta.url.endsWith(".ts")
    ? "../../dist/lmdb/writer-thread.js"
    : "./writer-thread.js";
  // Of what the process was started with, such as a loader, nothing is of use to the thread.
  return new Worker(new URL(file, import.meta.url), { workerData, execArgv: [] });
}
