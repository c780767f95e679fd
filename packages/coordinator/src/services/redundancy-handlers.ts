import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Clock } from "@cairnfs/base/clock";
import type { KvReader, KvStore } from "@cairnfs/kv/kv-store";
import { chunkIdToBytes } from "@cairnfs/protocol/chunk-id";
import {
  CopyFinding,
  type ExplainedChunkSchema,
  type GetRedundancyResponseSchema,
  type RedundancyService,
  RepairForecast,
} from "@cairnfs/protocol/gen/cairn/v1/redundancy_pb";
import type { ServiceHandlers } from "@cairnfs/protocol/rpc/service";
import type { ChunkRecord } from "../chunks/chunk-record.ts";
import { liveCopies } from "../chunks/replicas.ts";
import { type Counters, DEBT_CLASSES, readCounters } from "../counters.ts";
import {
  type ExplainedChunk,
  type ExplainParts,
  explainChunks,
  type Forecast,
} from "../healing/explain-chunks.ts";
import type { LedgerWalk } from "../healing/ledger-walk.ts";
import type { RepairWorker } from "../healing/repair-worker.ts";
import { chunks } from "../keyspace.ts";
import type { FileEntry } from "../namespace/entry.ts";
import { entryMessage } from "../namespace/entry-message.ts";
import { nowMsOf } from "../namespace/now-ms.ts";
import { parseLenientPath } from "../namespace/path.ts";
import { type PlacedChunk, readChunkMap } from "../namespace/read-chunk-map.ts";
import { requestLimit } from "../namespace/request-limits.ts";
import { requireFile } from "../namespace/resolve.ts";
import { wholeNumber } from "../namespace/whole-number.ts";
import { nodeStateMessage } from "../nodes/node-messages.ts";
import { stateOf } from "../nodes/node-table.ts";

/** Sums that other parts of the coordinator keep; undefined until they have counted. */
export interface RedundancyTotals {
  /** Chunks that could be spread more over zones and racks. */
  misplaced():
    | { readonly chunks: number; readonly bytes: number; readonly asOfMs: number }
    | undefined;
  /** What nodes said of when they last read their copies. */
  verification():
    | {
        readonly overdueCopies: number;
        readonly overdueBytes: number;
        readonly oldestVerifiedMs: number;
        readonly silentNodes: number;
      }
    | undefined;
}

export interface RedundancyParts {
  readonly kv: KvStore;
  readonly clock: Clock;
  readonly ledger: Pick<LedgerWalk, "progress">;
  readonly repair: Pick<RepairWorker, "progress">;
  readonly repairBytesPerSecond: number;
  readonly explain: ExplainParts;
  readonly totals: RedundancyTotals;
}

export type RedundancyHandlers = ServiceHandlers<typeof RedundancyService>;

const CHUNK_LIMIT = { field: "chunk_limit", whenZero: 100, max: 1000 };
/** A page looks at so many chunks of the file, however few of them lack copies. */
const COVERED_MAX = 4096;

/** Answers what is asked about redundancy. */
export function redundancyHandlers(parts: RedundancyParts): RedundancyHandlers {
  const { kv, ledger } = parts;
  return {
    async getRedundancy() {
      return redundancyMessage(parts, await kv.read(readCounters));
    },

    async explainFile(request, call) {
      const path = parseLenientPath(request.path);
      const limit = requestLimit(request.chunkLimit, CHUNK_LIMIT);
      const offsetBytes = wholeNumber(request.offsetBytes, "offset_bytes");
      const { isLive } = parts.explain;
      const { name, entry, page } = await kv.read(async (reader) => {
        const found = await requireFile(reader, path);
        const terms = { offsetBytes, limit, isAll: request.isAll, isLive };
        return { ...found, page: await readPage(reader, found.entry, terms) };
      });
      const explained = await explainChunks(parts.explain, page.shown, call.signal);
      return {
        entry: entryMessage(name, entry),
        chunks: page.shown.map((chunk, at) => chunkMessage(chunk, explained[at])),
        nextOffsetBytes: BigInt(page.nextOffsetBytes),
        coveredChunks: BigInt(page.covered),
        riskyChunks: BigInt(page.risky),
        isExact: ledger.progress.isExact,
      };
    },
  };
}

function redundancyMessage(
  { clock, ledger, repair, repairBytesPerSecond, totals }: RedundancyParts,
  counters: Counters,
): MessageInitShape<typeof GetRedundancyResponseSchema> {
  const { isExact, sinceMs, share } = ledger.progress;
  const { progress } = repair;
  const misplaced = totals.misplaced();
  const verification = totals.verification();
  return {
    chunkCount: BigInt(counters.chunks),
    uniqueBytes: BigInt(counters.uniqueBytes),
    debt: DEBT_CLASSES.map((row) => ({
      liveCopies: row.copies,
      chunks: BigInt(counters[row.chunks]),
      bytes: BigInt(counters[row.bytes]),
    })),
    debtChunks: BigInt(counters.debtChunks),
    debtBytes: BigInt(counters.debtBytes),
    missingBytes: BigInt(counters.missingBytes),
    isExact,
    sinceMs: BigInt(sinceMs),
    countedPermille: Math.floor(share * 1000),
    repair: {
      isOff: progress.isOff,
      runningChunks: progress.runningChunks,
      waitingChunks: BigInt(progress.waitingChunks),
      waitingBytes: BigInt(progress.waitingBytes),
      waitingUntilMs: BigInt(progress.waitingUntilMs ?? 0),
      stuckChunks: BigInt(progress.stuckChunks),
      setBackChunks: BigInt(progress.setBackChunks),
      copiedBytes: BigInt(progress.copiedBytes),
      bytesPerSecond: BigInt(progress.bytesPerSecond),
      budgetBytesPerSecond: BigInt(repairBytesPerSecond),
      estimatedEndMs: BigInt(estimatedEndMs(counters, progress, nowMsOf(clock))),
    },
    misplaced: misplaced && {
      chunks: BigInt(misplaced.chunks),
      bytes: BigInt(misplaced.bytes),
      asOfMs: BigInt(misplaced.asOfMs),
    },
    verification: verification && {
      overdueCopies: BigInt(verification.overdueCopies),
      overdueBytes: BigInt(verification.overdueBytes),
      oldestVerifiedMs: BigInt(verification.oldestVerifiedMs),
      silentNodes: verification.silentNodes,
    },
  };
}

/** When what can be copied now will be there; 0 when nothing is copied, or chunks without a copy blur what is left. */
function estimatedEndMs(
  { missingBytes, debtChunks0 }: Counters,
  { waitingBytes, bytesPerSecond }: RepairWorker["progress"],
  nowMs: number,
): number {
  const leftBytes = missingBytes - waitingBytes;
  if (leftBytes <= 0 || bytesPerSecond === 0 || debtChunks0 > 0) return 0;
  return Math.ceil(nowMs + (leftBytes / bytesPerSecond) * 1000);
}

interface ShownChunk extends PlacedChunk {
  readonly id: PlacedChunk["chunkId"];
  readonly record: ChunkRecord;
}

/** The chunks of the page that are shown, and how many it covers. */
async function readPage(
  reader: KvReader,
  entry: FileEntry,
  terms: {
    readonly offsetBytes: number;
    readonly limit: number;
    readonly isAll: boolean;
    readonly isLive: (nodeNumber: number) => boolean;
  },
) {
  const page = { offsetBytes: terms.offsetBytes, limit: COVERED_MAX };
  const placed = entry.chunkCount === 0 ? [] : await readChunkMap(reader, entry.contentId, page);
  const records = await chunks.getMany(
    reader,
    placed.map((chunk) => chunk.chunkId),
  );
  const shown: ShownChunk[] = [];
  let covered = 0;
  let risky = 0;
  for (const [at, chunk] of placed.entries()) {
    if (shown.length === terms.limit) break;
    covered += 1;
    const record = records[at];
    if (record === undefined) continue;
    const isRisky = liveCopies(record, terms.isLive) < record.wantedCopies;
    risky += Number(isRisky);
    if (isRisky || terms.isAll) shown.push({ ...chunk, id: chunk.chunkId, record });
  }
  const last = placed[covered - 1];
  const endBytes = last === undefined ? 0 : last.offsetBytes + last.lengthBytes;
  return { shown, covered, risky, nextOffsetBytes: endBytes < entry.sizeBytes ? endBytes : 0 };
}

function chunkMessage(
  { id, offsetBytes, lengthBytes, record }: ShownChunk,
  explained: ExplainedChunk | undefined,
): MessageInitShape<typeof ExplainedChunkSchema> {
  const { forecast } = explained ?? {};
  return {
    offsetBytes: BigInt(offsetBytes),
    chunkId: chunkIdToBytes(id),
    lengthBytes: BigInt(lengthBytes),
    wantedCopies: record.wantedCopies,
    liveCopies: explained?.liveCopies ?? 0,
    unplacedCopies: explained?.unplacedCopies ?? 0,
    forecast: forecast === undefined ? 0 : FORECASTS[forecast.kind],
    untilMs: BigInt(forecast !== undefined && "untilMs" in forecast ? forecast.untilMs : 0),
    copies: (explained?.copies ?? []).map((copy) => ({
      nodeNumber: copy.row.nodeNumber,
      address: copy.row.address,
      zone: copy.row.zone,
      rack: copy.row.rack,
      state: nodeStateMessage(stateOf(copy.row)),
      isRecorded: copy.isRecorded,
      isLive: copy.isLive,
      finding: FINDINGS[copy.finding],
      foundMs: BigInt(copy.foundMs),
      verifiedMs: BigInt(copy.verifiedMs),
      deadSinceMs: BigInt(copy.deadSinceMs),
    })),
  };
}

const FORECASTS: Readonly<Record<Forecast["kind"], RepairForecast>> = {
  notNeeded: RepairForecast.NOT_NEEDED,
  running: RepairForecast.RUNNING,
  queued: RepairForecast.QUEUED,
  waiting: RepairForecast.WAITING,
  retry: RepairForecast.RETRY,
  stuck: RepairForecast.STUCK,
  lost: RepairForecast.LOST,
  off: RepairForecast.OFF,
};

const FINDINGS: Readonly<Record<ExplainedChunk["copies"][number]["finding"], CopyFinding>> = {
  held: CopyFinding.HELD,
  missing: CopyFinding.MISSING,
  corrupt: CopyFinding.CORRUPT,
  unknown: CopyFinding.UNKNOWN,
  givenUp: CopyFinding.GIVEN_UP,
};
