import { type Clock, deadlineAfter } from "@cairnfs/base/clock";
import { CairnError, hasReason } from "@cairnfs/base/errors";
import type { Random } from "@cairnfs/base/random";
import { NodeState } from "@cairnfs/protocol/gen/cairn/v1/common_pb";
import { CoordinatorService } from "@cairnfs/protocol/gen/cairn/v1/coordinator_pb";
import { createClient } from "@cairnfs/protocol/rpc/create-client";
import type { Network } from "@cairnfs/protocol/rpc/network";
import { REMOVED_VERDICT } from "../server/open-datanode.ts";

const ASK_EVERY_MS = 25;
const READINESS_WITHIN_MS = 1_000;

interface WaitParts {
  readonly network: Network;
  readonly clock: Clock;
  readonly random: Random;
}

/** A datanode that is waited for. */
interface AwaitedNode {
  readonly name: string;
  readonly address: string;
  /** Where one in another process is asked for its readiness. */
  readonly httpAddress?: string | undefined;
  /** Of one in this process. */
  wasRemoved?(): boolean;
}

/**
 * Resolves when all of `datanodes` are healthy or were removed from the cluster, with those that were removed; after `timeoutMs` it rejects
 * with `deadlineExceeded`, naming those that are neither.
 */
export async function waitForNodes<T extends AwaitedNode>(
  coordinator: string,
  datanodes: readonly T[],
  timeoutMs: number,
  parts: WaitParts,
  signal: AbortSignal,
): Promise<readonly T[]> {
  const transport = parts.network.connect(coordinator);
  const client = createClient(CoordinatorService, transport, { ...parts, timeoutMs: 2_000 });
  const startedMs = parts.clock.monotonicMs();
  try {
    for (;;) {
      const healthy = await healthyAddresses(client, signal);
      const missing = datanodes.filter(({ address }) => !healthy.has(address));
      const areRemoved = await Promise.all(missing.map((node) => isRemoved(node, parts, signal)));
      if (areRemoved.every(Boolean)) return missing;
      if (parts.clock.monotonicMs() - startedMs > timeoutMs) {
        throw new CairnError(
          "deadlineExceeded",
          `not healthy within ${timeoutMs / 1000} s: ${missing.map(({ name, address }) => `${name} (${address})`).join(", ")}`,
        );
      }
      await parts.clock.sleep(ASK_EVERY_MS, signal);
    }
  } finally {
    await transport.close();
  }
}

type Client = ReturnType<typeof createClient<typeof CoordinatorService>>;

async function healthyAddresses(client: Client, signal: AbortSignal): Promise<Set<string>> {
  try {
    const { nodes } = await client.getNodeTable({}, { signal });
    const healthy = (nodes?.nodes ?? []).filter(({ state }) => state === NodeState.HEALTHY);
    return new Set(healthy.map(({ address }) => address));
  } catch (error) {
    // It listens in a moment; the caller's patience has its own limit.
    if (hasReason(error, "unreachable", "peerGone", "deadlineExceeded")) return new Set();
    throw error;
  }
}

/** Whether a datanode says that the coordinator has it as removed; one that says nothing has not heard that. */
async function isRemoved(
  node: AwaitedNode,
  { clock }: WaitParts,
  signal: AbortSignal,
): Promise<boolean> {
  const { httpAddress } = node;
  if (httpAddress === undefined) return node.wasRemoved?.() === true;
  const deadline = deadlineAfter(clock, READINESS_WITHIN_MS, signal);
  try {
    const response = await fetch(`http://${httpAddress}/readyz`, { signal: deadline.signal });
    return (await response.text()).includes(REMOVED_VERDICT);
  } catch (error) {
    // Whatever keeps it from answering, the caller's patience has its own limit.
    if (signal.aborted || !(error instanceof Error)) throw error;
    return false;
  } finally {
    deadline.release();
  }
}
