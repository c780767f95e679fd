import type { Clock } from "@cairnfs/base/clock";
import { CairnError, hasReason } from "@cairnfs/base/errors";
import type { Random } from "@cairnfs/base/random";
import { NodeState } from "@cairnfs/protocol/gen/cairn/v1/common_pb";
import { CoordinatorService } from "@cairnfs/protocol/gen/cairn/v1/coordinator_pb";
import { createClient } from "@cairnfs/protocol/rpc/create-client";
import type { Network } from "@cairnfs/protocol/rpc/network";

const ASK_EVERY_MS = 25;

interface WaitParts {
  readonly network: Network;
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * Resolves when nodes are healthy at all of `addresses`; after `timeoutMs` it rejects with `deadlineExceeded`, naming
 * those that are not.
 */
export async function waitForNodes(
  coordinator: string,
  addresses: readonly string[],
  timeoutMs: number,
  parts: WaitParts,
  signal: AbortSignal,
): Promise<void> {
  const transport = parts.network.connect(coordinator);
  const client = createClient(CoordinatorService, transport, { ...parts, timeoutMs: 2_000 });
  const startedMs = parts.clock.monotonicMs();
  try {
    for (;;) {
      const healthy = await healthyAddresses(client, signal);
      const missing = addresses.filter((address) => !healthy.has(address));
      if (missing.length === 0) return;
      if (parts.clock.monotonicMs() - startedMs > timeoutMs) {
        throw new CairnError(
          "deadlineExceeded",
          `the datanodes at ${missing.join(", ")} did not become healthy within ${timeoutMs} ms`,
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
