import type { MoveState, NodeDrain } from "@cairnfs/client/members";
import type { Session } from "../cluster-command.ts";
import { counted, humanSize } from "../format.ts";
import { percent } from "./show-plan.ts";

const ASK_EVERY_MS = 500;

/** Shows how a drain gets on until the node is drained, or is back in service. Interrupted, it says that the drain goes on. */
export async function waitForDrain(session: Session, nodeNumber: number): Promise<void> {
  const { client, output, context, signal } = session;
  const progress = output.progress();
  let shownBytes = 0;
  let isStarted = false;
  let isBlockedTold = false;
  let isEmptyTold = false;
  try {
    for (;;) {
      const { drains } = await client.members.moves({ signal });
      const drain = drains.find((one) => one.nodeNumber === nodeNumber);
      if (drain === undefined || drain.state === "drained") {
        progress.stop();
        if (output.isJson) await output.json(drain ?? { nodeNumber, state: "in service" });
        else await output.line(endOf(nodeNumber, drain));
        return;
      }
      if (drain.isCounted && drain.leftChunks === 0) {
        progress.stop();
        if (!isEmptyTold) {
          output.remark(
            "all copies have left; for up to half a minute clients may still store there, which is waited for",
          );
        }
        isEmptyTold = true;
      } else if (drain.isCounted && !isStarted) {
        isStarted = true;
        progress.start(`draining node ${nodeNumber}`, drain.leftBytes + drain.movedBytes);
      }
      progress.add(drain.movedBytes - shownBytes);
      shownBytes = drain.movedBytes;
      if (drain.blockedChunks > 0 && !isBlockedTold) {
        isBlockedTold = true;
        progress.clear();
        output.remark(
          `${counted(drain.blockedChunks, "chunk")} cannot go to any node yet: add a node or free some room`,
        );
      }
      await context.clock.sleep(ASK_EVERY_MS, signal);
    }
  } catch (error) {
    progress.stop();
    if (signal.aborted) {
      context.stderr.write(
        `node ${nodeNumber} goes on draining: \`cairn node ls\` shows how far it is, \`cairn node undrain ${nodeNumber}\` stops it\n`,
      );
    }
    throw error;
  }
}

function endOf(
  nodeNumber: number,
  drain: { readonly movedChunks: number; readonly movedBytes: number } | undefined,
): string {
  if (drain === undefined) return `node ${nodeNumber} is in service: its drain was stopped`;
  const { movedChunks, movedBytes } = drain;
  return `node ${nodeNumber} is drained: ${counted(movedChunks, "chunk")} (${humanSize(movedBytes)}) have left it`;
}

/** Waits until nothing is moved any more. Interrupted, it says that the moves go on. */
export async function waitForQuiet(session: Session): Promise<MoveState> {
  const { client, output, context, signal } = session;
  const progress = output.progress();
  const startedMs = context.clock.now();
  try {
    progress.start("moving copies", undefined);
    for (;;) {
      const state = await client.members.moves({ signal });
      // A walk that began before the request says nothing of it.
      const hasLooked = state.asOfMs !== undefined && state.asOfMs >= startedMs;
      if (!state.isWorking && hasLooked && !state.waitsForRepair) return state;
      await context.clock.sleep(ASK_EVERY_MS, signal);
    }
  } catch (error) {
    progress.stop();
    if (signal.aborted) {
      context.stderr.write("the moves go on: `cairn rebalance status` shows how far they are\n");
    }
    throw error;
  } finally {
    progress.stop();
  }
}

/** The moves in lines for a person. */
export function moveRows(state: MoveState, nowMs: number): string[][] {
  const { misplacedChunks, misplacedBytes, asOfMs } = state;
  const asOf =
    asOfMs === undefined ? "" : `, as of ${Math.max(0, Math.round((nowMs - asOfMs) / 1000))} s ago`;
  return [
    ["now", activity(state)],
    [
      "balance",
      asOfMs === undefined
        ? "not looked at yet"
        : `the fullest node is ${percent(state.fullestAbove)} above the mean, the emptiest ${percent(state.emptiestBelow)} below${asOf}`,
    ],
    [
      "threshold",
      `${percent(state.threshold)}${state.isRebalanceOn ? "" : "; copies move for balance only when asked for"}`,
    ],
    [
      "spread",
      misplacedChunks === 0
        ? "no chunk could be spread more"
        : `${counted(misplacedChunks, "chunk")} (${humanSize(misplacedBytes)}) could be spread more`,
    ],
    ...state.drains.map((drain) => [`node ${drain.nodeNumber}`, drainText(drain)]),
  ];
}

function drainText({ state, leftChunks, leftBytes, isCounted, blockedChunks }: NodeDrain): string {
  if (state === "drained") return "drained";
  if (isCounted && leftChunks === 0)
    return "draining: empty, waiting for clients that may still store there";
  const left = `draining: ${isCounted ? "" : "about "}${counted(leftChunks, "chunk")} (${humanSize(leftBytes)}) left`;
  return blockedChunks === 0
    ? left
    : `${left}, ${counted(blockedChunks, "chunk")} with no node to go to`;
}

function activity(state: MoveState): string {
  if (state.waitsForRepair) return "waiting for repair, which goes first";
  if (!state.isWorking) return "nothing to move";
  const rate = `${humanSize(state.bytesPerSecond)}/s of at most ${humanSize(state.budgetBytesPerSecond)}/s`;
  return state.isBalancing ? `balancing nodes, ${rate}` : `looking and moving, ${rate}`;
}
