import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import { withDebt } from "../chunks/change-chunk.ts";
import type { ChunkRecord } from "../chunks/chunk-record.ts";
import type { ReplicaFindings } from "../chunks/replica-findings.ts";
import { liveCopies } from "../chunks/replicas.ts";
import type { NodeRow, NodeTable } from "../nodes/node-table.ts";
import type { HeldCopies, HeldCopy } from "./held-copies.ts";
import type { RepairPlan } from "./repair-plan.ts";
import type { RepairWorker } from "./repair-worker.ts";

/** What is known of one copy of a chunk, or of where one was. */
export interface ExplainedCopy {
  /** Of a member. */
  readonly row: NodeRow;
  readonly isRecorded: boolean;
  readonly isLive: boolean;
  readonly finding: "held" | "missing" | "corrupt" | "unknown" | "givenUp";
  /** When that was found; 0 when nothing was. */
  readonly foundMs: number;
  readonly verifiedMs: number;
  readonly deadSinceMs: number;
}

/** When a chunk that lacks copies will have them. */
export type Forecast =
  | { readonly kind: "notNeeded" | "running" | "queued" | "stuck" | "lost" | "off" }
  | { readonly kind: "waiting" | "retry"; readonly untilMs: number };

export interface ExplainedChunk {
  readonly liveCopies: number;
  readonly copies: readonly ExplainedCopy[];
  /** Copies that are wanted and that no node is recorded with. */
  readonly unplacedCopies: number;
  readonly forecast: Forecast;
}

export interface ExplainParts {
  readonly table: NodeTable;
  readonly isLive: (nodeNumber: number) => boolean;
  readonly deadSinceMs: (nodeNumber: number) => number | undefined;
  readonly findings: ReplicaFindings;
  readonly held: HeldCopies;
  readonly plan: (record: ChunkRecord | undefined) => RepairPlan;
  readonly repair: Pick<RepairWorker, "isRunning" | "retryMs" | "progress">;
  /** Whether some node can take one more copy. */
  readonly hasRoom: (id: ChunkId, record: ChunkRecord) => boolean;
  readonly nowMs: () => number;
}

export interface ChunkToExplain {
  readonly id: ChunkId;
  readonly record: ChunkRecord;
}

/** Says of chunks, at most 1,000, where their copies are, as their nodes say now, and when those that are missing will be there. */
export async function explainChunks(
  parts: ExplainParts,
  chunks: readonly ChunkToExplain[],
  signal: AbortSignal,
): Promise<ExplainedChunk[]> {
  const asked = new Map<number, ChunkId[]>();
  for (const { id, record } of chunks) {
    for (const nodeNumber of record.nodeNumbers) {
      if (!parts.isLive(nodeNumber)) continue;
      const ids = asked.get(nodeNumber);
      if (ids === undefined) asked.set(nodeNumber, [id]);
      else if (ids.at(-1) !== id) ids.push(id);
    }
  }
  const answers = await parts.held.ask(asked, signal);
  return chunks.map(({ id, record }) => ({
    liveCopies: liveCopies(record, parts.isLive),
    copies: copiesOf(parts, id, record, (nodeNumber) => answers.get(nodeNumber)?.get(id)),
    unplacedCopies: Math.max(0, record.wantedCopies - record.nodeNumbers.length),
    forecast: forecastOf(parts, id, record),
  }));
}

/** When the chunk will have its wanted copies, by what is known now. */
export function forecastOf(
  { isLive, plan, repair, hasRoom }: Omit<ExplainParts, "held">,
  id: ChunkId,
  record: ChunkRecord,
): Forecast {
  const live = liveCopies(record, isLive);
  if (live >= record.wantedCopies) return { kind: "notNeeded" };
  if (live === 0) return { kind: "lost" };
  if (repair.progress.isOff) return { kind: "off" };
  if (repair.isRunning(id)) return { kind: "running" };
  const planned = plan(withDebt(record, live));
  if (planned.kind === "wait") return { kind: "waiting", untilMs: planned.untilMs };
  if (!hasRoom(id, record)) return { kind: "stuck" };
  const untilMs = repair.retryMs(id);
  return untilMs === undefined ? { kind: "queued" } : { kind: "retry", untilMs };
}

function copiesOf(
  parts: ExplainParts,
  chunkId: ChunkId,
  { nodeNumbers, fences }: ChunkRecord,
  answerOf: (nodeNumber: number) => HeldCopy | undefined,
): ExplainedCopy[] {
  const { table } = parts;
  const recorded = nodeNumbers.flatMap((nodeNumber) => {
    const row = table.get(nodeNumber);
    return row === undefined ? [] : [recordedCopy(parts, row, answerOf(nodeNumber))];
  });
  const former = fences.flatMap(({ nodeNumber }) => {
    const row = nodeNumbers.includes(nodeNumber) ? undefined : table.get(nodeNumber);
    return row === undefined ? [] : [formerCopy(parts, row, chunkId)];
  });
  return [...recorded, ...former];
}

/** What the node says of the copy that it is recorded with. */
function recordedCopy(
  { isLive, deadSinceMs, nowMs }: ExplainParts,
  row: NodeRow,
  answer: HeldCopy | undefined,
): ExplainedCopy {
  const copy = {
    row,
    isRecorded: true,
    isLive: isLive(row.nodeNumber),
    deadSinceMs: deadSinceMs(row.nodeNumber) ?? 0,
  };
  if (answer === undefined) return { ...copy, finding: "unknown", foundMs: 0, verifiedMs: 0 };
  const finding = answer.isHeld ? "held" : "missing";
  return { ...copy, finding, foundMs: nowMs(), verifiedMs: answer.verifiedMs };
}

/** Why a copy that was there does not count any more. */
function formerCopy(
  { deadSinceMs, findings }: ExplainParts,
  row: NodeRow,
  chunkId: ChunkId,
): ExplainedCopy {
  const { nodeNumber } = row;
  const found = findings.of({ chunkId, nodeNumber });
  return {
    row,
    isRecorded: false,
    isLive: false,
    finding: found?.finding ?? "givenUp",
    foundMs: found?.atMs ?? 0,
    verifiedMs: 0,
    deadSinceMs: deadSinceMs(nodeNumber) ?? 0,
  };
}
