import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { crc32c } from "@cairnfs/base/checksum";
import type { Clock } from "@cairnfs/base/clock";
import { SystemRandom } from "@cairnfs/base/random";
import { Child } from "../child.ts";
import type { Load, StepInfo } from "../load.ts";
import type { WatchedProcess } from "../process-meter.ts";
import { runStep, type Step, type StepCall, type StepOutcome, type StepProgress } from "../step.ts";
import type { Work } from "../tally.ts";
import { ChunkGiver, type Lane, takeChunks } from "./chunk-link.ts";
import { canWriteDirect, newChunk, writeChunk } from "./durable-chunk.ts";
import type { FloorAsk, FloorReply } from "./floor-node.ts";

const MIB = 1024 * 1024;
const CHUNK_BYTES = 8 * MIB;
const BLOCK_BYTES = 64 * 1024;
const COPIES = 3;
const LANES = 4;

type FloorChild = Child<FloorAsk, FloorReply>;

export interface FloorOptions {
  /** Moved by each step. */
  readonly totalBytes: number;
  /** On the disk that is to be measured. */
  readonly folder: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Only what large objects are held against. */
  readonly isBrief: boolean;
}

/**
 * What this machine allows with nothing of CairnFS in the way: plain sockets, files and hashes in as many processes as a put with
 * three copies takes. It needs three processes beside this one, and room for three copies.
 */
export class FloorLoad implements Load {
  readonly #options: FloorOptions;
  readonly #folder: string;
  readonly #nodes: readonly FloorChild[];
  readonly #isDirect: boolean;
  readonly #chunk = newChunk(CHUNK_BYTES);
  readonly #steps: readonly Step[];
  #chunks = 0;

  private constructor(
    options: FloorOptions,
    { folder, isDirect }: { readonly folder: string; readonly isDirect: boolean },
    nodes: readonly FloorChild[],
  ) {
    this.#options = options;
    this.#folder = folder;
    this.#isDirect = isDirect;
    this.#nodes = nodes;
    this.#chunk.set(new SystemRandom().bytes(CHUNK_BYTES));
    this.#steps = this.#makeSteps();
  }

  static async start(options: FloorOptions): Promise<FloorLoad> {
    const folder = await mkdtemp(join(options.folder, ".bench-floor-"));
    const nodes = Array.from({ length: COPIES }, () =>
      Child.start<FloorAsk, FloorReply>("./floor-main.js", import.meta.url),
    );
    const isDirect = await canWriteDirect(join(folder, "probe"));
    return new FloorLoad(options, { folder, isDirect }, nodes);
  }

  get drivers(): readonly WatchedProcess[] {
    return this.#nodes.map(({ pid }, at) => ({ name: `floor-${at + 1}`, role: "floor", pid }));
  }

  get steps(): readonly StepInfo[] {
    return this.#steps;
  }

  async open(): Promise<void> {
    // Each step makes its own connections.
  }

  async warmUp(): Promise<void> {
    const progress = { operations: 0, expected: undefined, bytes: 0, errors: 0 };
    for (const at of this.#steps.keys()) await this.#runWith(at, progress, LANES);
  }

  async run(at: number, progress: StepProgress): Promise<readonly [StepOutcome]> {
    return [await this.#runWith(at, progress, undefined)];
  }

  async close(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.stop()));
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #runWith(
    at: number,
    progress: StepProgress,
    chunks: number | undefined,
  ): Promise<StepOutcome> {
    const step = this.#steps[at];
    if (step === undefined) throw new RangeError(`there is no step ${at}`);
    this.#chunks = chunks ?? Math.max(LANES, Math.ceil(this.#options.totalBytes / CHUNK_BYTES));
    const { clock, signal } = this.#options;
    const begun = await this.#begin(step.name);
    try {
      const operate = ({ worker }: StepCall) => begun.operate(worker);
      return await runStep({ ...step, operate }, { clock, signal, durationMs: 0, progress });
    } finally {
      await begun.end();
      for (const node of this.#nodes) await node.ask({ do: "clear" });
    }
  }

  #makeSteps(): Step[] {
    const one = (name: string, parallel: number): Step => ({
      name: `floor ${name}`,
      isMeasured: true,
      per: "GB",
      sizeBytes: CHUNK_BYTES,
      parallel,
      operations: () => this.#chunks,
      operate: async () => ({}),
    });
    const pipelines = [one("put", LANES), one("get", LANES)];
    if (this.#options.isBrief) return pipelines;
    return [
      one("socket", LANES),
      one("3 files", 2),
      ...(this.#isDirect ? [one("3 direct", 2)] : []),
      one("SHA-256", 1),
      one("CRC-32C", 1),
      ...pipelines,
    ];
  }

  #begin(name: string): Promise<FloorStep> {
    switch (name) {
      case "floor socket":
        return this.#socket();
      case "floor 3 files":
        return this.#files(false);
      case "floor 3 direct":
        return this.#files(true);
      case "floor SHA-256":
        return this.#computing((chunk) => createHash("sha256").update(chunk).digest());
      case "floor CRC-32C":
        return this.#computing((chunk) => {
          for (let at = 0; at < CHUNK_BYTES; at += BLOCK_BYTES) {
            crc32c(chunk.subarray(at, at + BLOCK_BYTES));
          }
        });
      case "floor put":
        return this.#put();
      default:
        return this.#get();
    }
  }

  /** From this process to another. */
  async #socket(): Promise<FloorStep> {
    const giver = await ChunkGiver.listen();
    const taking = { do: "take", lanes: LANES, chunkBytes: CHUNK_BYTES, taker: 0 } as const;
    await this.#nodes[0]?.ask({
      ...taking,
      port: giver.port,
      isHashed: false,
      folder: undefined,
      isDirect: false,
      forwards: 0,
    });
    return this.#giving(giver, () => undefined);
  }

  /** Three files at once, written and synced by this process. */
  async #files(isDirect: boolean): Promise<FloorStep> {
    let made = 0;
    return {
      operate: async () => {
        const paths = Array.from({ length: COPIES }, () => join(this.#folder, `file-${made++}`));
        await Promise.all(paths.map((path) => writeChunk(path, this.#chunk, isDirect)));
        return { bytes: CHUNK_BYTES };
      },
      end: async () => {
        for (let at = 0; at < made; at++) await rm(join(this.#folder, `file-${at}`));
      },
    };
  }

  async #computing(compute: (chunk: Buffer) => unknown): Promise<FloorStep> {
    return {
      operate: async () => {
        compute(this.#chunk);
        // Ctrl-C and progress get a turn.
        await new Promise((resolve) => setImmediate(resolve));
        return { bytes: CHUNK_BYTES };
      },
      end: async () => undefined,
    };
  }

  /** Hashed here, sent to the first, which hashes and passes it on to two; all three write and sync before the answer. */
  async #put(): Promise<FloorStep> {
    const [primary, ...replicas] = this.#nodes;
    const giver = await ChunkGiver.listen();
    const taking = {
      do: "take",
      lanes: LANES,
      chunkBytes: CHUNK_BYTES,
      folder: this.#folder,
      isDirect: this.#isDirect,
    } as const;
    const forwarding = await primary?.ask({ do: "listen" });
    const ready = [
      primary?.ask({
        ...taking,
        port: giver.port,
        taker: 0,
        isHashed: true,
        forwards: replicas.length,
      }),
      ...replicas.map((replica, taker) =>
        replica.ask({
          ...taking,
          port: forwarding?.port ?? 0,
          taker,
          isHashed: false,
          forwards: 0,
        }),
      ),
    ];
    await Promise.all(ready);
    return this.#giving(giver, () => createHash("sha256").update(this.#chunk).digest());
  }

  /** Read from files by another process, sent, and hashed here. */
  async #get(): Promise<FloorStep> {
    const [node] = this.#nodes;
    const files = Array.from({ length: LANES }, (_, at) => join(this.#folder, `get-${at}`));
    for (const path of files) await writeChunk(path, this.#chunk, false);
    const { port = 0 } = (await node?.ask({ do: "listen" })) ?? {};
    const arrived: ((work: Work) => void)[] = [];
    const asked: (() => void)[] = [];
    for (let lane = 0; lane < LANES; lane++) {
      let hash = createHash("sha256");
      await takeChunks({ port, taker: 0, lane }, newChunk(CHUNK_BYTES), {
        part: (bytes) => void hash.update(bytes),
        whole: async () => {
          hash.digest();
          hash = createHash("sha256");
          arrived[lane]?.({ bytes: CHUNK_BYTES });
          await new Promise<void>((resolve) => {
            asked[lane] = resolve;
          });
        },
      });
    }
    let giving: Promise<unknown> | undefined;
    return {
      operate: (lane) => {
        const came = new Promise<Work>((resolve) => {
          arrived[lane] = resolve;
        });
        giving ??= node?.ask({ do: "give", files });
        asked[lane]?.();
        return came;
      },
      end: async () => {
        await giving;
        for (const path of files) await rm(path, { force: true });
      },
    };
  }

  async #giving(giver: ChunkGiver, prepare: () => unknown): Promise<FloorStep> {
    const lanes: Lane[] = [];
    for (let lane = 0; lane < LANES; lane++) lanes.push(await giver.lane(0, lane));
    return {
      operate: async (worker) => {
        const lane = lanes[worker];
        prepare();
        const done = lane?.done();
        lane?.write(this.#chunk);
        await done;
        return { bytes: CHUNK_BYTES };
      },
      end: async () => giver.close(),
    };
  }
}

/** A step of the floor while it runs. */
interface FloorStep {
  operate(worker: number): Promise<Work>;
  end(): Promise<void>;
}
