import type { MovePlan } from "@cairnfs/client/members";
import type { Session } from "../cluster-command.ts";
import { counted, humanDuration, humanRate, shownSize } from "../format.ts";

const FLOWS_SHOWN_MAX = 20;

/** Asks for a plan; a large cluster's walk shows how far it is. */
export async function foretell(
  { client, output, signal }: Session,
  node: string | undefined,
): Promise<MovePlan> {
  const progress = output.progress();
  let isShown = false;
  try {
    return await client.members.plan(node, {
      signal,
      onProgress: (share) => {
        if (!isShown) progress.start("looking at every chunk", undefined);
        isShown = share >= 0;
      },
    });
  } finally {
    progress.stop();
  }
}

/** Shows what would be moved, and what it takes. */
export async function showPlan(
  { output }: Session,
  plan: MovePlan,
  { isExact, what }: { readonly isExact: boolean; readonly what: string },
): Promise<void> {
  if (output.isJson) {
    await output.json(plan);
    return;
  }
  const size = (sizeBytes: number) => shownSize(sizeBytes, isExact);
  const amount = `${counted(plan.chunks, "chunk")}, ${size(plan.bytes)}`;
  await output.line(`Plan for ${what}: nothing has been moved.`);
  await output.line("");
  await output.table(
    [{ title: "" }, { title: "" }],
    [
      ["to move", plan.chunks === 0 ? "nothing" : amount],
      ...(plan.spreadBytes > 0 && plan.balanceBytes > 0
        ? [
            [
              "of these",
              `${size(plan.spreadBytes)} to spread copies, ${size(plan.balanceBytes)} to balance nodes`,
            ],
          ]
        : []),
      ...(plan.chunks === 0
        ? []
        : [
            [
              "time",
              `about ${humanDuration(plan.estimatedMs)} at ${humanRate(plan.bytesPerSecond)}`,
            ],
          ]),
      ["copies", "no chunk has fewer copies on the way than it has"],
      ...notes(plan, size).map((note) => ["note", note]),
    ],
  );
  await showFlows(output, plan, size);
  await showNodes(output, plan, size);
}

function notes(plan: MovePlan, size: (sizeBytes: number) => string): string[] {
  const all: string[] = [];
  if (plan.blockedChunks > 0) {
    const why =
      plan.usableNodes < plan.copiesWantedMax
        ? `${counted(plan.copiesWantedMax, "copy", "copies")} wanted, ${counted(plan.usableNodes, "node")} left to hold them`
        : "the other nodes have too little room";
    all.push(
      `it cannot end: ${counted(plan.blockedChunks, "chunk")} (${size(plan.blockedBytes)}) cannot go to any node: ${why}`,
    );
  }
  if (plan.waitingChunks > 0) {
    all.push(
      `${counted(plan.waitingChunks, "chunk")} have too few copies and wait for repair first`,
    );
  }
  if (plan.lessSpreadChunks > 0) {
    all.push(
      `${counted(plan.lessSpreadChunks, "chunk")} would be in fewer zones or racks than now`,
    );
  }
  return all;
}

async function showFlows(
  output: Session["output"],
  { flows }: MovePlan,
  size: (sizeBytes: number) => string,
): Promise<void> {
  if (flows.length === 0) return;
  await output.line("");
  await output.table(
    [
      { title: "From", align: "right" },
      { title: "To", align: "right" },
      { title: "Chunks", align: "right" },
      { title: "Size", align: "right" },
    ],
    flows
      .slice(0, FLOWS_SHOWN_MAX)
      .map(({ from, to, chunks, bytes }) => [
        `node ${from}`,
        `node ${to}`,
        String(chunks),
        size(bytes),
      ]),
  );
  if (flows.length > FLOWS_SHOWN_MAX) {
    await output.line(`and ${flows.length - FLOWS_SHOWN_MAX} smaller ones; --json has them`);
  }
}

async function showNodes(
  output: Session["output"],
  { nodes, chunks }: MovePlan,
  size: (sizeBytes: number) => string,
): Promise<void> {
  if (chunks === 0) return;
  await output.line("");
  const share = (bytes: number, of: number) => (of === 0 ? "" : ` ${percent(bytes / of)}`);
  await output.table(
    [
      { title: "Node", align: "right" },
      { title: "Keeps", align: "right" },
      { title: "After", align: "right" },
    ],
    nodes.map(({ nodeNumber, capacityBytes, keptBytes, keptAfterBytes }) => [
      String(nodeNumber),
      size(keptBytes) + share(keptBytes, capacityBytes),
      size(keptAfterBytes) + share(keptAfterBytes, capacityBytes),
    ]),
  );
}

/** A share of a whole: 12.3%. */
export function percent(share: number): string {
  return `${(share * 100).toFixed(1)}%`;
}
