import type { Clock } from "@cairnfs/base/clock";
import type { Disk } from "@cairnfs/base/disk";
import type { Lifecycle } from "@cairnfs/base/lifecycle";
import type { Random } from "@cairnfs/base/random";
import type { Logger } from "@cairnfs/base/telemetry";
import type { DatanodeConfig } from "./config.ts";
import type { ChunkStore } from "./store/chunk-store.ts";
import { DataFolder } from "./store/data-folder.ts";
import { openChunkStore } from "./store/open-store.ts";

/** What a node has of its own: who it is, and its chunks. */
export interface NodeHome {
  readonly folder: DataFolder;
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

/** Takes the data folder for this process and opens the store in it. `lifecycle` closes the store, then the folder. */
export async function openNodeHome(
  config: DatanodeConfig,
  parts: NodeHomeParts,
  lifecycle: Lifecycle,
): Promise<NodeHome> {
  const { capacityBytes, reserveBytes } = config;
  const folder = lifecycle.add(await DataFolder.open(config.dataDir, parts));
  const store =
    parts.store ??
    (await openChunkStore(config.store, config.dataDir, parts, {
      capacityBytes: capacityBytes === 0 ? undefined : capacityBytes,
      reserveBytes: reserveBytes === 0 ? undefined : reserveBytes,
    }));
  return { folder, store: lifecycle.add(store) };
}
