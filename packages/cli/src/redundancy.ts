import type { ClusterState } from "@cairnfs/client/cluster-state";
import type { DebtTotal, Redundancy, RepairState } from "@cairnfs/client/redundancy";
import { clockSpan, counted, humanAgo, humanCount, humanDuration, humanRate } from "./format.ts";

export interface RedundancyView {
  readonly nowMs: number;
  readonly size: (sizeBytes: number) => string;
}

/** What is to be said of the copies, as rows of a name and a text. Healed is said only of what was counted. */
export function redundancyRows(
  state: ClusterState,
  redundancy: Redundancy,
  view: RedundancyView,
): [string, string][] {
  const away = awayText(state, view);
  const isHealed = redundancy.debtChunks === 0 && redundancy.isExact;
  const text = ledgerText(redundancy, view);
  const suffix = isHealed && away !== undefined ? ", if its suspect nodes come back" : "";
  const rows: [string, string][] = [["redundancy", `${text}${suffix}`]];
  if (away !== undefined) rows.push(["", away]);
  for (const text of repairTexts(redundancy, view)) {
    rows.push([rows.some(([name]) => name === "repair") ? "" : "repair", text]);
  }
  const { misplaced, verification } = redundancy;
  if (misplaced !== undefined && misplaced.chunks > 0) {
    rows.push([
      "misplaced",
      `${view.size(misplaced.bytes)} in ${counted(misplaced.chunks, "chunk")} could be spread more over zones and racks`,
    ]);
  }
  if (verification !== undefined) rows.push(["verified", verifiedText(verification, view)]);
  return rows;
}

/** What is not well with the copies, worst first. */
export function redundancyTroubles(redundancy: Redundancy): string[] {
  const { debt, debtChunks, isExact, verification } = redundancy;
  const lost = chunksAt(debt, 0);
  return [
    ...(lost > 0 ? [`${counted(lost, "chunk")} without any live copy`] : []),
    ...(chunksAt(debt, 1) > 0
      ? [`${counted(chunksAt(debt, 1), "chunk")} with one copy left where more are wanted`]
      : []),
    ...(debtChunks > 0 ? [`${counted(debtChunks, "chunk")} with fewer copies than wanted`] : []),
    ...(isExact
      ? []
      : ["nodes have come or gone, and what that means for the copies is being counted"]),
    ...(verification !== undefined && verification.overdueCopies > 0
      ? [
          `${counted(verification.overdueCopies, "copy", "copies")} not read within the scrub period`,
        ]
      : []),
  ];
}

function ledgerText(redundancy: Redundancy, { nowMs, size }: RedundancyView): string {
  const { debtChunks, missingBytes, isExact, sinceMs, countedShare } = redundancy;
  const counting = `being counted for ${humanDuration(Math.max(0, nowMs - sinceMs))}, ${Math.floor(countedShare * 100)} % done`;
  if (debtChunks === 0) return isExact ? "every chunk has its wanted copies" : counting;
  const debt = `${size(missingBytes)} to be copied for ${counted(debtChunks, "chunk")}: ${classesText(redundancy.debt, size)}`;
  return isExact ? debt : `${counting}; so far ${debt}`;
}

function classesText(debt: readonly DebtTotal[], size: (sizeBytes: number) => string): string {
  return debt
    .filter(({ chunks }) => chunks > 0)
    .map(({ liveCopies, chunks, bytes }) => {
      const copies =
        liveCopies === 0
          ? "no copy"
          : liveCopies === 1
            ? "1 copy"
            : `${liveCopies}${liveCopies >= 3 ? " or more" : ""} copies`;
      return `${humanCount(chunks)} with ${copies} (${size(bytes)})`;
    })
    .join(", ");
}

/** Copies on nodes that do not answer and are not given up yet: they count as there. */
function awayText(state: ClusterState, { size }: RedundancyView): string | undefined {
  const suspect = state.nodes.filter((node) => node.state === "suspect" && node.chunkCount > 0);
  if (suspect.length === 0) return undefined;
  const copies = suspect.reduce((sum, node) => sum + node.chunkCount, 0);
  const usedBytes = suspect.reduce((sum, node) => sum + node.usedBytes, 0);
  return `${counted(copies, "copy", "copies")} (${size(usedBytes)}) counted that cannot be reached now, on ${counted(suspect.length, "suspect node")}`;
}

function repairTexts(
  { debtChunks, debt, repair }: Redundancy,
  { nowMs, size }: RedundancyView,
): string[] {
  if (debtChunks === 0) return [];
  if (repair.isOff) return ["off: repairParallelism is 0"];
  const texts: string[] = [];
  if (repair.runningChunks > 0 || repair.bytesPerSecond > 0) texts.push(runningText(repair, nowMs));
  if (repair.waitingChunks > 0 && repair.waitingUntilMs !== undefined) {
    texts.push(
      `${size(repair.waitingBytes)} for ${counted(repair.waitingChunks, "chunk")} ${repair.waitingChunks === 1 ? "waits" : "wait"} ${clockSpan(leftSeconds(repair.waitingUntilMs, nowMs))} more for dead nodes to come back`,
    );
  }
  if (repair.stuckChunks > 0) {
    texts.push(
      `${counted(repair.stuckChunks, "chunk")} stuck: no node can take one more copy; add a node or make room`,
    );
  }
  if (repair.setBackChunks > 0) {
    texts.push(`${counted(repair.setBackChunks, "chunk")} tried again later: the last copy failed`);
  }
  const lost = chunksAt(debt, 0);
  if (lost > 0) {
    texts.push(`${counted(lost, "chunk")} can only come back with a node that holds a copy`);
  }
  return texts.length === 0 ? ["being planned"] : texts;
}

function runningText(repair: RepairState, nowMs: number): string {
  const { runningChunks, bytesPerSecond, estimatedEndMs } = repair;
  const copying = `copying ${counted(runningChunks, "chunk")} now, ${humanRate(bytesPerSecond)}`;
  return estimatedEndMs === undefined
    ? copying
    : `${copying}, done in about ${clockSpan(leftSeconds(estimatedEndMs, nowMs))}`;
}

function verifiedText(
  {
    overdueBytes,
    overdueCopies,
    oldestVerifiedMs,
    silentNodes,
  }: NonNullable<Redundancy["verification"]>,
  { nowMs, size }: RedundancyView,
): string {
  const overdue =
    overdueCopies === 0
      ? "every copy was stored or read within the scrub period"
      : `${size(overdueBytes)} in ${counted(overdueCopies, "copy", "copies")} not read within the scrub period`;
  const oldest =
    oldestVerifiedMs === undefined ? "" : `, the oldest ${humanAgo(nowMs - oldestVerifiedMs)}`;
  const silent =
    silentNodes === 0
      ? ""
      : `; ${counted(silentNodes, "node has", "nodes have")} not said anything yet`;
  return `${overdue}${oldest}${silent}`;
}

function chunksAt(debt: readonly DebtTotal[], liveCopies: number): number {
  return debt.find((row) => row.liveCopies === liveCopies)?.chunks ?? 0;
}

function leftSeconds(untilMs: number, nowMs: number): number {
  return Math.max(0, (untilMs - nowMs) / 1000);
}
