import { SystemClock } from "@cairnfs/base/clock";
import { toHex } from "@cairnfs/base/hex";
import { SystemRandom } from "@cairnfs/base/random";
import { FramedNetwork } from "@cairnfs/protocol/framed/framed-network";
import { CoordinatorService } from "@cairnfs/protocol/gen/cairn/v1/coordinator_pb";
import { createClient } from "@cairnfs/protocol/rpc/create-client";
import type { ProcessCluster } from "@cairnfs/testkit/process-cluster";

const clock = new SystemClock();
const random = new SystemRandom();

/** An upload of one chunk that was begun but not sent: its session, and the datanode processes it will go to, primary first. */
export async function beginOneChunk(
  cluster: ProcessCluster,
  options: { readonly path: string; readonly sizeBytes: number },
): Promise<{ readonly sessionId: string; readonly indexes: readonly number[] }> {
  const network = new FramedNetwork({ clock });
  const transport = network.connect(cluster.coordinator.ready.address);
  try {
    const coordinator = createClient(CoordinatorService, transport, {
      clock,
      random,
      timeoutMs: 10_000,
    });
    const begun = await coordinator.beginUpload({
      path: options.path,
      sizeBytes: BigInt(options.sizeBytes),
      policy: { chunkSizeBytes: BigInt(options.sizeBytes) },
      parents: true,
    });
    const addresses = new Map(begun.nodes?.nodes.map((node) => [node.nodeNumber, node.address]));
    const placed = begun.placements[0]?.nodeNumbers ?? [];
    return {
      sessionId: toHex(begun.sessionId),
      indexes: placed.map((number) =>
        cluster.datanodes.findIndex((node) => node.ready.address === addresses.get(number)),
      ),
    };
  } finally {
    await transport.close();
  }
}
