import { toHex } from "@cairnfs/base/hex";
import {
  CopyFinding,
  type ExplainedChunk as ExplainedChunkMessage,
  type ExplainedCopy as ExplainedCopyMessage,
  type ExplainFileResponse,
  type GetRedundancyResponse,
  RepairForecast,
} from "@cairnfs/protocol/gen/cairn/v1/redundancy_pb";
import type { CallerOptions } from "./client-options.ts";
import type { CoordinatorCalls } from "./coordinator-calls.ts";
import { count, countUnlessZero, entryFromWire, type FileEntry } from "./entry.ts";
import { type NodeStateName, stateName } from "./node-table.ts";

/** Which bytes have too few copies, in sums, and how repair is getting on. */
export interface Redundancy {
  /** Chunks that files refer to, and their bytes, one copy each. */
  readonly chunkCount: number;
  readonly uniqueBytes: number;
  /** Chunks with fewer live copies than wanted, by how many they have: 0, 1, 2, and 3 or more. */
  readonly debt: readonly DebtTotal[];
  readonly debtChunks: number;
  readonly debtBytes: number;
  /** What is to be copied until nothing is owed. */
  readonly missingBytes: number;
  /** Only when this is set do the sums show every node that has died, come back or been removed. */
  readonly isExact: boolean;
  /** Since when they are exact, or since when they are not. */
  readonly sinceMs: number;
  /** From 0 to 1: how much has been counted since they are not. */
  readonly countedShare: number;
  readonly repair: RepairState;
  /** Chunks that could be spread more over zones and racks; `undefined` until somebody has counted. */
  readonly misplaced:
    | { readonly chunks: number; readonly bytes: number; readonly asOfMs: number }
    | undefined;
  /** What nodes said of when they last read their copies; `undefined` until they have. */
  readonly verification:
    | {
        readonly overdueCopies: number;
        readonly overdueBytes: number;
        readonly oldestVerifiedMs: number | undefined;
        readonly silentNodes: number;
      }
    | undefined;
}

export interface DebtTotal {
  /** 3 stands for 3 or more. */
  readonly liveCopies: number;
  readonly chunks: number;
  readonly bytes: number;
}

/** How repair is getting on. */
export interface RepairState {
  readonly isOff: boolean;
  readonly runningChunks: number;
  /** Chunks whose missing copies are on nodes that died a short while ago, and until when the first of them waits. */
  readonly waitingChunks: number;
  readonly waitingBytes: number;
  readonly waitingUntilMs: number | undefined;
  /** Chunks that no node can take one more copy of. */
  readonly stuckChunks: number;
  /** Chunks whose last copy failed. */
  readonly setBackChunks: number;
  /** Since the coordinator started. */
  readonly copiedBytes: number;
  /** Over the last half minute. */
  readonly bytesPerSecond: number;
  /** `undefined`: as fast as it goes. */
  readonly budgetBytesPerSecond: number | undefined;
  /** When all that is missing and not waiting will be there at the present rate. */
  readonly estimatedEndMs: number | undefined;
}

/** A part of a file, and its chunks that lack copies, or all. */
export interface ExplainedPart {
  readonly entry: FileEntry;
  readonly chunks: readonly ExplainedChunk[];
  /** How many chunks this part of the file has, and how many of them lack copies. */
  readonly coveredChunks: number;
  readonly riskyChunks: number;
  /** Without it a chunk may be called safe whose nodes have only just died or come back. */
  readonly isExact: boolean;
}

/** Where the copies of a chunk are, and when those that are missing will be there. */
export interface ExplainedChunk {
  readonly offsetBytes: number;
  readonly chunkId: string;
  readonly lengthBytes: number;
  readonly wantedCopies: number;
  readonly liveCopies: number;
  readonly copies: readonly ExplainedCopy[];
  /** Copies that are wanted and that no node is recorded with. */
  readonly unplacedCopies: number;
  readonly forecast: ForecastName;
  /** Of a chunk that waits, or whose last copy failed: until when. */
  readonly untilMs: number | undefined;
}

/** One copy of a chunk, or where one was. */
export interface ExplainedCopy {
  readonly nodeNumber: number;
  readonly address: string;
  readonly zone: string;
  readonly rack: string;
  readonly state: NodeStateName;
  /** Not when the copy was given up. */
  readonly isRecorded: boolean;
  /** It counts: it is recorded, and its node is not dead. */
  readonly isLive: boolean;
  /** What the node says of it now, or what was found when it was given up. */
  readonly finding: CopyFindingName;
  readonly foundMs: number | undefined;
  /** When the node last read it and found it intact. */
  readonly verifiedMs: number | undefined;
  /** Since when the node is dead. */
  readonly deadSinceMs: number | undefined;
}

const FORECASTS = {
  [RepairForecast.UNSPECIFIED]: "unknown",
  [RepairForecast.NOT_NEEDED]: "notNeeded",
  [RepairForecast.RUNNING]: "running",
  [RepairForecast.QUEUED]: "queued",
  [RepairForecast.WAITING]: "waiting",
  [RepairForecast.RETRY]: "retry",
  [RepairForecast.STUCK]: "stuck",
  [RepairForecast.LOST]: "lost",
  [RepairForecast.OFF]: "off",
} as const;

/** When a chunk that lacks copies will have them. */
export type ForecastName = (typeof FORECASTS)[keyof typeof FORECASTS];

const FINDINGS = {
  [CopyFinding.UNSPECIFIED]: "unknown",
  [CopyFinding.HELD]: "held",
  [CopyFinding.MISSING]: "missing",
  [CopyFinding.CORRUPT]: "corrupt",
  [CopyFinding.UNKNOWN]: "unknown",
  [CopyFinding.GIVEN_UP]: "givenUp",
} as const;

/** What is known of a copy. */
export type CopyFindingName = (typeof FINDINGS)[keyof typeof FINDINGS];

export interface ExplainOptions extends CallerOptions {
  /** Also chunks that have all their copies. */
  readonly all?: boolean | undefined;
}

/** The ledger of debt in sums. */
export async function readRedundancy(
  calls: CoordinatorCalls,
  { signal }: CallerOptions,
): Promise<Redundancy> {
  return redundancyFromWire(
    await calls.ask(signal, (client, options) => client.redundancy.getRedundancy({}, options)),
  );
}

/** The parts of a file, one after the other. */
export async function* explainFile(
  calls: CoordinatorCalls,
  path: string,
  { signal, all = false }: ExplainOptions,
): AsyncGenerator<ExplainedPart, void, undefined> {
  let offsetBytes = 0n;
  do {
    const request = { path, offsetBytes, isAll: all };
    const reply = await calls.ask(signal, (client, options) =>
      client.redundancy.explainFile(request, options),
    );
    yield partFromWire(path, reply);
    offsetBytes = reply.nextOffsetBytes;
  } while (offsetBytes !== 0n);
}

function redundancyFromWire(reply: GetRedundancyResponse): Redundancy {
  const { repair, misplaced, verification } = reply;
  return {
    chunkCount: count(reply.chunkCount),
    uniqueBytes: count(reply.uniqueBytes),
    debt: reply.debt.map((row) => ({
      liveCopies: row.liveCopies,
      chunks: count(row.chunks),
      bytes: count(row.bytes),
    })),
    debtChunks: count(reply.debtChunks),
    debtBytes: count(reply.debtBytes),
    missingBytes: count(reply.missingBytes),
    isExact: reply.isExact,
    sinceMs: count(reply.sinceMs),
    countedShare: reply.countedPermille / 1000,
    repair: {
      isOff: repair?.isOff ?? false,
      runningChunks: repair?.runningChunks ?? 0,
      waitingChunks: count(repair?.waitingChunks ?? 0n),
      waitingBytes: count(repair?.waitingBytes ?? 0n),
      waitingUntilMs: countUnlessZero(repair?.waitingUntilMs),
      stuckChunks: count(repair?.stuckChunks ?? 0n),
      setBackChunks: count(repair?.setBackChunks ?? 0n),
      copiedBytes: count(repair?.copiedBytes ?? 0n),
      bytesPerSecond: count(repair?.bytesPerSecond ?? 0n),
      budgetBytesPerSecond: countUnlessZero(repair?.budgetBytesPerSecond),
      estimatedEndMs: countUnlessZero(repair?.estimatedEndMs),
    },
    misplaced: misplaced && {
      chunks: count(misplaced.chunks),
      bytes: count(misplaced.bytes),
      asOfMs: count(misplaced.asOfMs),
    },
    verification: verification && {
      overdueCopies: count(verification.overdueCopies),
      overdueBytes: count(verification.overdueBytes),
      oldestVerifiedMs: countUnlessZero(verification.oldestVerifiedMs),
      silentNodes: verification.silentNodes,
    },
  };
}

function partFromWire(path: string, reply: ExplainFileResponse): ExplainedPart {
  return {
    entry: entryFromWire(reply.entry, path),
    chunks: reply.chunks.map(chunkFromWire),
    coveredChunks: count(reply.coveredChunks),
    riskyChunks: count(reply.riskyChunks),
    isExact: reply.isExact,
  };
}

function chunkFromWire(chunk: ExplainedChunkMessage): ExplainedChunk {
  return {
    offsetBytes: count(chunk.offsetBytes),
    chunkId: toHex(chunk.chunkId),
    lengthBytes: count(chunk.lengthBytes),
    wantedCopies: chunk.wantedCopies,
    liveCopies: chunk.liveCopies,
    copies: chunk.copies.map(copyFromWire),
    unplacedCopies: chunk.unplacedCopies,
    forecast: forecastName(chunk.forecast),
    untilMs: countUnlessZero(chunk.untilMs),
  };
}

function copyFromWire(copy: ExplainedCopyMessage): ExplainedCopy {
  return {
    nodeNumber: copy.nodeNumber,
    address: copy.address,
    zone: copy.zone,
    rack: copy.rack,
    state: stateName(copy.state),
    isRecorded: copy.isRecorded,
    isLive: copy.isLive,
    finding: findingName(copy.finding),
    foundMs: countUnlessZero(copy.foundMs),
    verifiedMs: countUnlessZero(copy.verifiedMs),
    deadSinceMs: countUnlessZero(copy.deadSinceMs),
  };
}

function forecastName(forecast: RepairForecast): ForecastName {
  // A newer coordinator may know more of these.
  const names: Partial<Record<number, ForecastName>> = FORECASTS;
  return names[forecast] ?? "unknown";
}

function findingName(finding: CopyFinding): CopyFindingName {
  const names: Partial<Record<number, CopyFindingName>> = FINDINGS;
  return names[finding] ?? "unknown";
}
