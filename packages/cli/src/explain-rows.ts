import type { ExplainedChunk, ExplainedCopy } from "@cairnfs/client/redundancy";
import { clockSpan, counted, humanAgo, humanDuration } from "./format.ts";
import type { Column } from "./table.ts";

export const COPY_COLUMNS: readonly Column[] = [
  { title: "" },
  { title: "" },
  { title: "" },
  { title: "" },
];

/** A chunk in one line: where it is in the file, and how many of its copies are there. */
export function chunkLine(chunk: ExplainedChunk, size: (sizeBytes: number) => string): string {
  const { chunkId, lengthBytes, liveCopies, offsetBytes, wantedCopies } = chunk;
  return `${chunkId.slice(0, 12)}  ${size(lengthBytes)} at ${size(offsetBytes)}: ${liveCopies} of ${counted(wantedCopies, "copy", "copies")}`;
}

/** A copy as a row of COPY_COLUMNS. */
export function copyRow(copy: ExplainedCopy, nowMs: number): string[] {
  const place = [copy.zone, copy.rack].filter((name) => name !== "").join("/");
  return [
    `  node ${copy.nodeNumber}`,
    place === "" ? copy.address : `${copy.address} in ${place}`,
    copy.state,
    copyText(copy, nowMs),
  ];
}

function copyText(copy: ExplainedCopy, nowMs: number): string {
  const { deadSinceMs, foundMs, isRecorded, verifiedMs } = copy;
  const when = foundMs === undefined ? "within the last day" : humanAgo(nowMs - foundMs);
  if (!isRecorded) {
    if (copy.finding === "corrupt") return `found corrupt ${when}, in quarantine`;
    if (copy.finding === "missing") return `found missing ${when}`;
    return `given up ${when}`;
  }
  if (deadSinceMs !== undefined) {
    return `does not count: dead for ${humanDuration(Math.max(0, nowMs - deadSinceMs))}`;
  }
  switch (copy.finding) {
    case "held":
      return verifiedMs === undefined
        ? "held, not read since it was stored"
        : `held, read and found intact ${humanAgo(nowMs - verifiedMs)}`;
    case "missing":
      return "the node says that it does not have it";
    default:
      return "the node does not answer";
  }
}

/** What will become of a chunk that lacks copies; undefined for one that does not. */
export function forecastText(chunk: ExplainedChunk, nowMs: number): string | undefined {
  const { forecast, untilMs } = chunk;
  const left =
    untilMs === undefined ? "soon" : `in ${clockSpan(Math.max(0, (untilMs - nowMs) / 1000))}`;
  switch (forecast) {
    case "notNeeded":
      return undefined;
    case "running":
      return "a copy is being made";
    case "queued":
      return "copied as soon as its turn has come";
    case "waiting":
      return `copied ${left}, unless the dead node is back by then`;
    case "retry":
      return `the last copy failed; tried again ${left}`;
    case "stuck":
      return "stuck: no node can take one more copy; add a node or make room";
    case "lost":
      return "lost, unless a node that holds a copy comes back";
    case "off":
      return "not copied: repair is turned off, repairParallelism is 0";
    default:
      return "nobody knows when it is copied";
  }
}

/** Copies that are on no node's record, in words; undefined when there are none. */
export function unplacedText({ unplacedCopies, copies }: ExplainedChunk): string | undefined {
  if (unplacedCopies === 0) return undefined;
  const givenUp = copies.filter((copy) => !copy.isRecorded).length;
  const text = `${counted(unplacedCopies, "copy", "copies")} on no node`;
  return givenUp >= unplacedCopies ? undefined : `${text}: not stored when it was put, or given up`;
}
