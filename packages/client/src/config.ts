import { type Clock, SystemClock } from "@cairnfs/base/clock";
import type { Disk } from "@cairnfs/base/disk";
import { CairnError } from "@cairnfs/base/errors";
import { type Random, SystemRandom } from "@cairnfs/base/random";
import { type Logger, silentLogger } from "@cairnfs/base/telemetry";
import type { Network } from "@cairnfs/protocol/rpc/network";

const MIB = 1024 * 1024;

/** Where the cluster is, and how much a client may use of this machine. */
export interface ConnectOptions {
  /** host:port of a coordinator; several are tried in turn. */
  readonly coordinator: string | readonly string[];
  /** The framed transport unless given. */
  readonly network?: Network | undefined;
  /** Where local files are; this machine's unless given. */
  readonly disk?: Disk | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: Random | undefined;
  readonly logger?: Logger | undefined;
  /** Replicas in this zone are read first. */
  readonly zone?: string | undefined;
  /**
   * What buffers of all uploads, and of all downloads, may take together: 64 MiB each. At least 4 MiB. While uploads run, buffers
   * that are free are kept for their next chunks, at most as much again.
   */
  readonly memoryBytes?: number | undefined;
  /** Chunks that one upload stores at the same time: 4. */
  readonly parallelChunks?: number | undefined;
  /** Pieces that one download fetches at the same time: 4. */
  readonly parallelPieces?: number | undefined;
  /** Large chunks are read in pieces of this size: 8 MiB. A multiple of 64 KiB. */
  readonly pieceBytes?: number | undefined;
  /** The deadline of one attempt of a small call: 10 s. */
  readonly timeoutMs?: number | undefined;
  /** How long small calls are tried again while the coordinator is away: 60 s. */
  readonly patienceMs?: number | undefined;
  /** A datanode that makes no progress for this long is left for another: 20 s. */
  readonly stallMs?: number | undefined;
  /** After how long a second replica is asked as well; adapts to what is usual unless given. `Infinity` never asks. */
  readonly hedgeDelayMs?: number | undefined;
  /** How many placements a chunk is tried at before its upload fails: 6. */
  readonly storeAttempts?: number | undefined;
}

/** The options with their defaults filled in. */
export interface ClientConfig {
  readonly coordinators: readonly string[];
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly zone: string | undefined;
  readonly memoryBytes: number;
  readonly parallelChunks: number;
  readonly parallelPieces: number;
  readonly pieceBytes: number;
  readonly timeoutMs: number;
  readonly patienceMs: number;
  readonly stallMs: number;
  readonly hedgeDelayMs: number | undefined;
  readonly storeAttempts: number;
}

/** Checks the options and fills in defaults; `invalidArgument` names what is wrong. */
export function clientConfig(options: ConnectOptions): ClientConfig {
  const coordinators =
    typeof options.coordinator === "string" ? [options.coordinator] : [...options.coordinator];
  if (coordinators.length === 0 || coordinators.some((address) => address === "")) {
    throw new CairnError("invalidArgument", "coordinator is host:port, one or more");
  }
  const config = {
    coordinators,
    clock: options.clock ?? new SystemClock(),
    random: options.random ?? new SystemRandom(),
    logger: options.logger ?? silentLogger,
    zone: options.zone,
    memoryBytes: options.memoryBytes ?? 64 * MIB,
    parallelChunks: options.parallelChunks ?? 4,
    parallelPieces: options.parallelPieces ?? 4,
    pieceBytes: options.pieceBytes ?? 8 * MIB,
    timeoutMs: options.timeoutMs ?? 10_000,
    patienceMs: options.patienceMs ?? 60_000,
    stallMs: options.stallMs ?? 20_000,
    hedgeDelayMs: options.hedgeDelayMs,
    storeAttempts: options.storeAttempts ?? 6,
  };
  atLeast("memoryBytes", config.memoryBytes, 4 * MIB);
  atLeast("parallelChunks", config.parallelChunks, 1);
  atLeast("parallelPieces", config.parallelPieces, 1);
  atLeast("pieceBytes", config.pieceBytes, 64 * 1024);
  atLeast("storeAttempts", config.storeAttempts, 1);
  if (config.pieceBytes % (64 * 1024) !== 0) {
    throw new CairnError("invalidArgument", "pieceBytes is a multiple of 64 KiB");
  }
  return config;
}

function atLeast(name: string, value: number, least: number): void {
  if (!Number.isSafeInteger(value) || value < least) {
    throw new CairnError("invalidArgument", `${name} is a whole number of at least ${least}`);
  }
}
