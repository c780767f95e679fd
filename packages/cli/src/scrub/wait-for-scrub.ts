import type { NodeScrub, ScrubStatus } from "@cairnfs/client/scrubs";
import type { Session } from "../cluster-command.ts";
import { counted } from "../format.ts";

const ASK_EVERY_MS = 500;

interface Started {
  readonly requestedMs: number;
  readonly nodeNumbers: readonly number[];
}

/**
 * Shows how a scrub gets on until all nodes that are there are through; false when bad copies were found meanwhile or a node is away.
 * Interrupted, it says that the scrub goes on.
 */
export async function waitForScrub(
  session: Session,
  { requestedMs, nodeNumbers }: Started,
  before: ScrubStatus,
): Promise<boolean> {
  const { client, output, context, signal } = session;
  const progress = output.progress();
  let shownBytes = 0;
  try {
    progress.start("reading all copies", undefined);
    for (;;) {
      const { nodes: members } = await client.clusterState({ signal });
      const there = members.filter(({ state }) => state !== "dead").map((node) => node.nodeNumber);
      const asked = nodeNumbers.filter((nodeNumber) => there.includes(nodeNumber));
      const awayNodes = nodeNumbers.filter((nodeNumber) => !there.includes(nodeNumber));
      const nodes = asked.length === 0 ? [] : await statusOf(session, asked);
      const readBytes = nodes.reduce((sum, node) => sum + readBytesOf(node, requestedMs), 0);
      progress.add(Math.max(0, readBytes - shownBytes));
      shownBytes = Math.max(shownBytes, readBytes);
      if (nodes.every((node) => isThrough(node, requestedMs))) {
        progress.stop();
        const found = badCopiesIn(nodes) - badCopiesIn(before.nodes, asked);
        const missing = nodes.reduce((sum, node) => sum + node.missingCopies, 0);
        const counts = { badCopiesFound: found, missingCopiesFound: missing };
        const outcome = { requestedMs, nodeNumbers: asked, awayNodes, ...counts };
        if (output.isJson) await output.json(outcome);
        else await output.lines(linesFor(outcome));
        return found + missing === 0 && awayNodes.length === 0;
      }
      await context.clock.sleep(ASK_EVERY_MS, signal);
    }
  } catch (error) {
    progress.stop();
    if (signal.aborted) {
      context.stderr.write("the scrub goes on: `cairn scrub status` shows how far it is\n");
    }
    throw error;
  }
}

async function statusOf(
  { client, signal }: Session,
  nodeNumbers: readonly number[],
): Promise<readonly NodeScrub[]> {
  return (await client.scrubs.status({ nodeNumbers, signal })).nodes;
}

/** A later request is one that includes this. */
function isThrough(node: NodeScrub, requestedMs: number): boolean {
  return (node.requestedMs ?? 0) >= requestedMs && node.isRequestDone;
}

function readBytesOf({ report, isRequestDone }: NodeScrub, requestedMs: number): number {
  if (report === undefined) return 0;
  const isOfThis =
    isRequestDone || (report.isRunning && (report.passStartedMs ?? 0) >= requestedMs);
  return isOfThis ? report.doneBytes : 0;
}

function badCopiesIn(nodes: readonly NodeScrub[], among?: readonly number[]): number {
  return nodes
    .filter(({ nodeNumber }) => among === undefined || among.includes(nodeNumber))
    .reduce((sum, { report }) => sum + (report?.badCopies ?? 0), 0);
}

function linesFor(outcome: {
  readonly nodeNumbers: readonly number[];
  readonly awayNodes: readonly number[];
  readonly badCopiesFound: number;
  readonly missingCopiesFound: number;
}): string[] {
  const { nodeNumbers, awayNodes, badCopiesFound, missingCopiesFound } = outcome;
  const found = [
    ...(badCopiesFound > 0 ? [counted(badCopiesFound, "bad copy", "bad copies")] : []),
    ...(missingCopiesFound > 0 ? [counted(missingCopiesFound, "missing one")] : []),
  ];
  const verdict =
    found.length === 0 ? "all are good" : `${found.join(" and ")}, which will be replaced`;
  return [
    `${counted(nodeNumbers.length, "node")} read all copies: ${verdict}`,
    ...awayNodes.map(
      (nodeNumber) => `node ${nodeNumber} is away and reads its copies when it is back`,
    ),
  ];
}
