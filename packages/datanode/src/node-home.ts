import type { Clock } from "@cairnfs/base/clock";
import type { Disk } from "@cairnfs/base/disk";
import type { Lifecycle } from "@cairnfs/base/lifecycle";
import type { Random } from "@cairnfs/base/random";
import type { Logger } from "@cairnfs/base/telemetry";
import { NODE_ID_BYTES } from "@cairnfs/protocol/receipt";
import type { DatanodeConfig } from "./config.ts";
import type { ChunkStore } from "./store/chunk-store.ts";
import { MemoryChunkStore } from "./store/memory/memory-chunk-store.ts";

/** What a node has of its own: who it is, and its chunks. */
export interface NodeHome {
  readonly nodeId: Uint8Array;
  readonly store: ChunkStore;
}

export interface NodeHomeParts {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Used instead of the store that the configuration names. */
  readonly store: ChunkStore | undefined;
}

/** Opens the data folder and the store in it. */
export async function openNodeHome(
  config: DatanodeConfig,
  parts: NodeHomeParts,
  lifecycle: Lifecycle,
): Promise<NodeHome> {
  await parts.disk.makeFolder(config.dataDir);
  const store = lifecycle.add(parts.store ?? new MemoryChunkStore(parts.clock));
  return { nodeId: parts.random.bytes(NODE_ID_BYTES), store };
}
