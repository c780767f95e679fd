import type { NodeScrub, NodeScrubReport, ScrubStatus } from "@cairnfs/client/scrubs";
import type { Session } from "../cluster-command.ts";
import {
  counted,
  humanAgo,
  humanCount,
  humanDuration,
  humanIn,
  humanRate,
  shownSize,
} from "../format.ts";

/** What is not as it should be with the reading of copies, worst first. */
export function troublesOf({ nodes, totals }: ScrubStatus): string[] {
  const stuck = nodes.filter(({ report }) => (report?.unreadableChunks ?? 0) > 0);
  return [
    ...(totals.overdueChunks > 0
      ? [`${counted(totals.overdueChunks, "copy", "copies")} not read within the period`]
      : []),
    ...(totals.slowNodes > 0
      ? [
          `${counted(totals.slowNodes, "node")} with a budget too small to read all within the period: raise scrubBytesPerSecond`,
        ]
      : []),
    ...stuck.map(
      ({ nodeNumber, report }) =>
        `node ${nodeNumber} could not read ${counted(report?.unreadableChunks ?? 0, "copy", "copies")}: its log says why`,
    ),
    ...(totals.silentNodes > 0
      ? [`${counted(totals.silentNodes, "node")} not heard of since the coordinator started`]
      : []),
  ];
}

/** The scrub in lines for a person. */
export async function showScrub(
  { output, context }: Session,
  status: ScrubStatus,
  { troubles, isExact }: { readonly troubles: readonly string[]; readonly isExact: boolean },
): Promise<void> {
  const nowMs = context.clock.now();
  const { totals } = status;
  const size = (sizeBytes: number) => shownSize(sizeBytes, isExact);
  if (troubles.length === 0)
    await output.line("Every copy was stored or read within the scrub period.");
  await output.lines(troubles.map((trouble) => `! ${trouble}`));
  await output.line("");
  await output.table(
    [
      { title: "Node", align: "right" },
      { title: "Now" },
      { title: "Done", align: "right" },
      { title: "Oldest" },
      { title: "Overdue", align: "right" },
      { title: "Bad", align: "right" },
      { title: "Quarantined", align: "right" },
    ],
    status.nodes.map((node) => rowOf(node, nowMs, size)),
  );
  const bad = status.nodes.flatMap(({ nodeNumber, report }) =>
    (report?.latestBadCopies ?? []).map((copy) => ({ nodeNumber, ...copy })),
  );
  if (bad.length > 0) {
    await output.line("");
    await output.line("Bad copies found last:");
    await output.lines(
      bad
        .sort((one, other) => one.foundMs - other.foundMs)
        .map(
          ({ nodeNumber, chunkId, foundMs }) =>
            `  ${chunkId} on node ${nodeNumber}, ${humanAgo(nowMs - foundMs)}`,
        ),
    );
  }
  if (totals.quarantinedCopies > 0) {
    await output.line("");
    await output.line(
      `${counted(totals.quarantinedCopies, "bad copy", "bad copies")} (${size(totals.quarantinedBytes)}) in the quarantine folders of the nodes`,
    );
  }
}

function rowOf(
  { nodeNumber, report, requestedMs, isRequestDone }: NodeScrub,
  nowMs: number,
  size: (sizeBytes: number) => string,
): string[] {
  if (report === undefined) return [String(nodeNumber), "not heard of yet", "", "", "", "", ""];
  const isAsked = requestedMs !== undefined && !isRequestDone;
  const { oldestVerifiedMs, overdueChunks, overdueBytes } = report;
  return [
    String(nodeNumber),
    activity(report, isAsked, nowMs),
    `${size(report.doneBytes)} of ${size(report.totalBytes)}`,
    oldestVerifiedMs === undefined ? "-" : humanAgo(nowMs - oldestVerifiedMs),
    overdueChunks === 0 ? "-" : `${humanCount(overdueChunks)} (${size(overdueBytes)})`,
    humanCount(report.badCopies),
    report.quarantinedCopies === 0 ? "-" : size(report.quarantinedBytes),
  ];
}

function activity(report: NodeScrubReport, isAsked: boolean, nowMs: number): string {
  const { isRunning, leftMs, bytesPerSecond, nextPassMs } = report;
  if (isRunning) {
    const left = leftMs === undefined ? "" : `, ${humanDuration(leftMs)} left`;
    const rate = bytesPerSecond === 0 ? "" : `, ${humanRate(bytesPerSecond)}`;
    return `reading${isAsked ? " as asked" : ""}${rate}${left}`;
  }
  if (isAsked) return "asked, not begun";
  return nextPassMs === undefined ? "when asked" : `next ${humanIn(nextPassMs - nowMs)}`;
}
