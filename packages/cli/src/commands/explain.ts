import { hasReason } from "@cairnfs/base/errors";
import type { ExplainedChunk, ExplainedCopy, ExplainedPart } from "@cairnfs/client/redundancy";
import { type Command, InvalidArgumentError } from "commander";
import { type ClusterFlags, clusterFlags, type Session, withCluster } from "../cluster-command.ts";
import type { CommandHost } from "../command.ts";
import { COPY_COLUMNS, chunkLine, copyRow, forecastText, unplacedText } from "../explain-rows.ts";
import { CommandFailure } from "../failure.ts";
import { counted, humanCount, shownSize } from "../format.ts";
import { parseClusterPath, showClusterPath } from "../path-spec.ts";

interface ExplainFlags extends ClusterFlags {
  readonly all?: boolean;
  readonly bytes?: boolean;
  readonly check?: boolean;
  readonly limit: number;
}

const LIMIT_DEFAULT = 20;

export function define(command: Command, host: CommandHost): void {
  command
    .description(
      "Show where the copies of a file are: which of its chunks lack some, why, and when they will have them.",
    )
    .argument("<path>", "a file in the cluster")
    .option("-a, --all", "also chunks that have all their copies")
    .option("-n, --limit <count>", "show at most so many chunks", parseLimit, LIMIT_DEFAULT)
    .option("-b, --bytes", "exact sizes")
    .option("--check", "exit with 11 when a chunk lacks copies, or that is still being counted");
  clusterFlags(command)
    .addHelpText(
      "after",
      `
Examples:
  cairn explain /photos/a.jpg
  cairn explain --all --json /photos/a.jpg | jq -r '.copies[].address' | sort | uniq -c`,
    )
    .action(async (path: string, flags: ExplainFlags) => {
      await withCluster(host.context, flags, async (session) => {
        const sum = await explainFile(session, parseClusterPath(path), flags);
        const isWell = sum.riskyChunks === 0 && sum.isExact;
        if (flags.check === true && !isWell) host.finishWith("unhealthy");
      });
    });
}

async function explainFile(session: Session, path: string, flags: ExplainFlags): Promise<Sum> {
  try {
    return await explain(session, path, flags);
  } catch (error) {
    if (!hasReason(error, "isADirectory")) throw error;
    throw new CommandFailure(
      "conflict",
      `${showClusterPath(path)} is a directory`,
      "name a file in it: `cairn ls` shows them; `cairn fsck PATH` looks at all files below a directory",
    );
  }
}

interface Sum {
  coveredChunks: number;
  riskyChunks: number;
  shownChunks: number;
  isExact: boolean;
}

async function explain(session: Session, path: string, flags: ExplainFlags): Promise<Sum> {
  const { client, output, signal } = session;
  const sum: Sum = { coveredChunks: 0, riskyChunks: 0, shownChunks: 0, isExact: true };
  let last: ExplainedPart | undefined;
  for await (const part of client.explain(path, { all: flags.all === true, signal })) {
    if (last === undefined && !output.isJson) await showFile(session, path, part, flags);
    last = part;
    sum.coveredChunks += part.coveredChunks;
    sum.riskyChunks += part.riskyChunks;
    sum.isExact &&= part.isExact;
    for (const chunk of part.chunks) {
      if (output.isJson) await output.json(chunk);
      else if (sum.shownChunks < flags.limit) await showChunk(session, chunk, flags);
      sum.shownChunks += 1;
    }
  }
  if (!output.isJson && last !== undefined && last.entry.chunkCount > 0) {
    await output.lines(["", ...sumLines(sum, flags.limit)]);
    if (sum.shownChunks === 0) output.remark("--all shows where their copies are");
  }
  return sum;
}

async function showFile(
  { output }: Session,
  path: string,
  { entry }: ExplainedPart,
  flags: ExplainFlags,
): Promise<void> {
  const name = output.name(showClusterPath(path));
  const size = shownSize(entry.sizeBytes, flags.bytes === true);
  const chunks =
    entry.chunkCount === 0
      ? "in the metadata: it has no chunks"
      : `in ${counted(entry.chunkCount, "chunk")}, ${counted(entry.replicationFactor, "copy", "copies")} wanted`;
  await output.line(`${name}: ${size} ${chunks}`);
}

async function showChunk(
  { output, context }: Session,
  chunk: ExplainedChunk,
  flags: ExplainFlags,
): Promise<void> {
  const nowMs = context.clock.now();
  const size = (sizeBytes: number) => shownSize(sizeBytes, flags.bytes === true);
  await output.lines(["", chunkLine(chunk, size)]);
  await output.table(
    COPY_COLUMNS,
    [...chunk.copies].sort(byRank).map((copy) => copyRow(copy, nowMs)),
  );
  for (const text of [unplacedText(chunk), forecastText(chunk, nowMs)]) {
    if (text !== undefined) await output.line(`  ${text}`);
  }
}

/** Copies that count first. */
function byRank(one: ExplainedCopy, other: ExplainedCopy): number {
  return (
    Number(other.isLive) - Number(one.isLive) ||
    Number(other.isRecorded) - Number(one.isRecorded) ||
    one.nodeNumber - other.nodeNumber
  );
}

function sumLines({ coveredChunks, riskyChunks, shownChunks, isExact }: Sum, limit: number) {
  const lines: string[] = [];
  if (shownChunks > limit) {
    lines.push(`${humanCount(shownChunks - limit)} more are not shown: --limit shows more.`);
  }
  const lacking = riskyChunks === 0 ? "none" : humanCount(riskyChunks);
  const surely = riskyChunks === 0 && !isExact ? "known to lack" : "lacking";
  lines.push(`${counted(coveredChunks, "chunk")}, ${lacking} of them ${surely} copies.`);
  if (!isExact) lines.push("Nodes have come or gone, and what that means is still being counted.");
  return lines;
}

function parseLimit(text: string): number {
  const count = Number(text);
  if (Number.isSafeInteger(count) && count >= 0) return count;
  throw new InvalidArgumentError("expected a whole number");
}
