import { CairnError, type Reason } from "@cairnfs/base/errors";
import type { CairnClient } from "@cairnfs/client/client";
import type { FileEntry } from "@cairnfs/client/entry";
import { listing } from "../check/namespace-model.ts";
import type { Action, HistoryEntry, Outcome, PlannedOperation } from "../history/operation.ts";
import type { SimProcess } from "../process/sim-process.ts";
import { bytesOf, type Value } from "./contents.ts";
import type { Machine } from "./machine.ts";
import { objectAt, putAsObject } from "./object-put.ts";
import { describe } from "./problems.ts";
import type { World } from "./world.ts";

/** What the namespace says of a call that was fine: it has changed nothing. */
const REFUSALS: ReadonlySet<Reason> = new Set<Reason>([
  "pathNotFound",
  "pathExists",
  "notADirectory",
  "isADirectory",
  "directoryNotEmpty",
  "renameIntoSelf",
  "trashNotFound",
  "invalidPath",
]);

/** Works off what one client has to do, one operation after the other, in one process after the other. */
export class ClientRunner {
  readonly machine: Machine;
  readonly #world: World;
  readonly #values: readonly Value[];
  readonly #queue: PlannedOperation[];
  readonly #history: HistoryEntry[];
  readonly #position: () => number;
  #life: { readonly client: CairnClient; readonly process: SimProcess } | undefined;
  #isBusy = false;

  constructor(
    world: World,
    machine: Machine,
    parts: {
      readonly values: readonly Value[];
      readonly operations: readonly PlannedOperation[];
      readonly history: HistoryEntry[];
      /** Counts up: when something happened, seen from the clients. */
      readonly position: () => number;
    },
  ) {
    this.#world = world;
    this.machine = machine;
    this.#values = parts.values;
    this.#queue = [...parts.operations];
    this.#history = parts.history;
    this.#position = parts.position;
  }

  get isDone(): boolean {
    return this.#queue.length === 0 && !this.#isBusy;
  }

  start(): void {
    this.#life = this.#world.startClient(this.machine);
    this.#isBusy = false;
    this.#next();
  }

  /** The process dies in the middle of whatever it does; another goes on with the next operation. */
  restart(): void {
    this.#world.kill(this.machine, { isPowerLost: false });
    this.start();
  }

  /** More to do, behind all else. */
  add(operations: readonly PlannedOperation[]): void {
    this.#queue.push(...operations);
    if (!this.#isBusy) this.#next();
  }

  #next(): void {
    const life = this.#life;
    const operation = this.#queue[0];
    if (operation === undefined || life === undefined) return;
    this.#isBusy = true;
    // The pause is by true time: a jumping clock does not change what is asked when.
    this.#world.scheduler.after(operation.pauseMs, () => {
      life.process.deliver(() => {
        if (life !== this.#life) return;
        this.#queue.shift();
        void this.#run(life, operation);
      });
    });
  }

  async #run(
    life: { readonly client: CairnClient; readonly process: SimProcess },
    operation: PlannedOperation,
  ): Promise<void> {
    const { scheduler } = this.#world;
    const entry: HistoryEntry = {
      operation,
      invokedAt: this.#position(),
      invokedMs: scheduler.nowMs,
      endedAt: Number.POSITIVE_INFINITY,
      endedMs: Number.POSITIVE_INFINITY,
      outcome: { status: "unknown", reason: "it never ended" },
    };
    this.#history.push(entry);
    const outcome = await this.#outcomeOf(life.client, operation);
    // Whatever a dead process believes, nobody heard of it.
    if (life !== this.#life) return;
    entry.outcome = outcome;
    entry.endedAt = this.#position();
    entry.endedMs = scheduler.nowMs;
    scheduler.trace.text(outcome.status === "ok" ? outcome.seen : outcome.reason);
    this.#isBusy = false;
    this.#next();
  }

  async #outcomeOf(client: CairnClient, operation: PlannedOperation): Promise<Outcome> {
    try {
      return { status: "ok", seen: await this.#perform(client, operation) };
    } catch (error) {
      const { problems } = this.#world;
      problems.inspect(`#${operation.id} fails`, error);
      if (!(error instanceof CairnError)) {
        problems.add(`#${operation.id} fails with what is no CairnError: ${describe(error)}`);
        return { status: "unknown", reason: "not a CairnError" };
      }
      const status = REFUSALS.has(error.reason) ? "refused" : "unknown";
      return { status, reason: error.reason };
    }
  }

  /** Does it, and says what was seen as the model says it. */
  async #perform(client: CairnClient, { id, action }: PlannedOperation): Promise<string> {
    switch (action.kind) {
      case "put": {
        const value = this.#values[action.value] ?? { id: 0, sizeBytes: 0 };
        const source = bytesOf(value);
        // Sources of both kinds: those that can be read again, and those that come once.
        const isOneShot = action.stallMs > 0 || id % 3 === 0;
        const object = id % 4 === 1 ? objectAt(action.path) : undefined;
        if (object !== undefined) {
          await putAsObject(client, object, {
            source,
            stalled: (bytes) => (isOneShot ? this.#inParts(bytes, action.stallMs) : bytes),
          });
          return "done";
        }
        await client.put(action.path, isOneShot ? this.#inParts(source, action.stallMs) : source);
        return "done";
      }
      case "get":
      case "range":
        return this.#read(client, id, action);
      case "stat":
        return seenOf(await client.stat(action.path));
      case "list": {
        const state = new Map<string, string>();
        for await (const entry of client.list(action.path)) {
          state.set(`/${entry.name}`, seenOf(entry));
        }
        return listing(state, "/");
      }
      case "mkdir":
        await client.mkdir(action.path);
        return "done";
      case "rename":
        await client.rename(action.path, action.to);
        return "done";
      case "copy":
        await client.copy(action.path, action.to);
        return "done";
      case "remove":
        await client.remove(action.path);
        return "done";
      case "removeTree":
        await client.remove(action.path, { recursive: true });
        return "done";
      case "restore":
        await client.trash.restore(action.path);
        return "done";
      case "emptyTrash":
        await client.trash.empty();
        return "done";
    }
  }

  /** What a reader has opened stays for a while, whatever becomes of the path. */
  #mindGrace(id: number, error: unknown, openedMs: number): void {
    const { shape, scheduler, problems, canLoseCopies } = this.#world;
    const isWithin = scheduler.nowMs - openedMs < shape.contentGraceMs * GRACE_SHARE;
    if (canLoseCopies || !isWithin || !(error instanceof CairnError)) return;
    const isGone =
      error.reason === "contentNotFound" || error.details["reasons"] === "chunkNotFound";
    if (isGone) problems.add(`#${id} lost what it had opened: ${describe(error)}`);
  }

  async *#inParts(bytes: Buffer, stallMs: number): AsyncGenerator<Uint8Array> {
    const partBytes = Math.max(PART_BYTES_MIN, Math.ceil(bytes.byteLength / PARTS_MAX));
    for (let at = 0; at < bytes.byteLength; at += partBytes) {
      if (stallMs > 0) await this.#pause(stallMs);
      yield bytes.subarray(at, Math.min(at + partBytes, bytes.byteLength));
    }
  }

  #pause(forMs: number): Promise<void> {
    const { process } = this.machine;
    return new Promise((resolve) => {
      this.#world.scheduler.after(forMs, () => process?.deliver(resolve));
    });
  }

  async #read(
    client: CairnClient,
    id: number,
    action: Action & { readonly kind: "get" | "range" },
  ): Promise<string> {
    const openedMs = this.#world.scheduler.nowMs;
    const file = await client.open(action.path);
    const { sizeBytes } = file;
    if (action.kind === "get" && action.lingerMs > 0) await this.#pause(action.lingerMs);
    const from = action.kind === "get" ? 0 : Math.floor(sizeBytes * action.from);
    const lengthBytes =
      action.kind === "get" ? sizeBytes : Math.floor((sizeBytes - from) * action.share);
    const reading = file.readBytes({ offsetBytes: from, lengthBytes });
    const bytes = await reading.catch((error: unknown) => {
      this.#mindGrace(id, error, openedMs);
      throw error;
    });
    const value = this.#values.find((candidate) => candidate.sizeBytes === sizeBytes);
    if (value === undefined) {
      this.#world.problems.add(`#${id} read ${sizeBytes} bytes, which nobody ever put`);
    } else if (Buffer.compare(bytes, bytesOf(value).subarray(from, from + lengthBytes)) !== 0) {
      this.#world.problems.add(
        `#${id} read wrong bytes: ${lengthBytes} from ${from} of v${value.id} at ${action.path}`,
      );
    }
    return `${sizeBytes}`;
  }
}

function seenOf(entry: FileEntry): string {
  return entry.kind === "directory" ? "d" : `${entry.sizeBytes}`;
}

/** Clocks that drift make a grace shorter for those who do not. */
const GRACE_SHARE = 0.9;
const PART_BYTES_MIN = 40_000;
const PARTS_MAX = 12;
